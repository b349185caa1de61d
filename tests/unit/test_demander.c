/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a forecast: which setting, when, how it is told, and when it
 * is let go.  The cgroups are folders, who sets them is a stand-in. */
#include "tests/unit/place_fix.h"

#include <math.h>

#include "agents/demander/parts.h"

#define STEP_S	1.0
#define PERIOD	20 /* steps */
#define CYCLES	6  /* until it is found, and trusted */
#define GROUPS	2
#define LINE_US 1000000

static struct buf told;
static struct demander_opts opts;
static struct demander m;

static void hear(void *arg, const char *line)
{
	(void)arg;
	buf_printf(&told, "%s\n", line);
}

static void forget(void)
{
	buf_release(&told);
	buf_init(&told, 1 << 20);
	buf_puts(&told, "");
}

static void was_told(const char *words)
{
	if (!strstr(told.data, words))
		fail_msg("not told: '%s', but:\n%s", words, told.data);
}

static void was_not_told(const char *words)
{
	if (strstr(told.data, words))
		fail_msg("told: '%s':\n%s", words, told.data);
}

static void file(const char *dir, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);

	place_add(path, "we", text);
	free(path);
}

/* Folders "parent/a", "parent/b" … as a kernel with all controllers shows. */
static void begin(size_t count, enum demander_reserve reserve)
{
	char *parent = place_path("parent");

	opts = (struct demander_opts){
		.every_s = STEP_S, .reserve = reserve, .said = hear};
	m = (struct demander){.o = &opts,
			      .lock = -1,
			      .ahead = 3,
			      .setter = {.child = {.fd = -1}}};
	m.limits = (struct demand_limits){
		.cpus = 8, .max = 8, .leave = 1, .pressure_pct = 5};
	m.v = mem_zalloc(GROUPS, sizeof(*m.v));
	for (size_t i = 0; i < count; i++) {
		struct demander_group *g = &m.v[m.count++];

		*g = (struct demander_group){
			.said = mem_printf("%c", (int)('a' + i)),
			.dir = mem_printf("%s/%c", parent, (int)('a' + i))};
		assert_int_equal(path_make_dirs(g->dir), 0);
		file(g->dir, "cpu.weight", "100\n");
		file(g->dir, "cgroup.events", "populated 1\nfrozen 0\n");
		demand_init(&g->demand, STEP_S, m.ahead, 0.9);
		demand_trust_init(&g->trust);
		demand_hold_init(&g->hold);
		g->tune.size = sizeof(g->tune);
	}
	file(parent, "cgroup.events", "populated 1\nfrozen 0\n");
	file(parent, "cpuset.cpus.effective", "0-3,6\n");
	forget();
	free(parent);
}

static void end(void)
{
	char *parent = place_path("parent");

	demander_close(&m);
	setter_release(&m.setter);
	temp_clear(parent);
	free(parent);
	buf_release(&told);
}

/* All want as much, up to that in each turn. */
static double wanted(uint64_t i, double most)
{
	return i % PERIOD < 5 ? most : 0.1;
}

/* So many steps, each with what is decided; waited: the share of the time. */
static int steps(int n, double most, double waited)
{
	int rc = 0;

	for (int k = 0; k < n && !rc; k++) {
		for (size_t i = 0; i < m.count; i++) {
			struct demander_group *g = &m.v[i];

			demand_add(&g->demand, wanted(g->demand.n, most));
			g->now.cpu.known = true;
			g->now.cpu.at_s += STEP_S;
			g->now.cpu.waited_us +=
				(uint64_t)(waited * STEP_S * LINE_US);
		}
		rc = demander_set(&m);
	}
	return rc;
}

/* Of each turn there is a moment in which it is sure of something. */
static bool ever(bool (*is)(void), int n, double most)
{
	bool was = false;

	for (int i = 0; i < n; i++) {
		assert_int_equal(steps(1, most, 0), 0);
		was |= is();
	}
	return was;
}

/* ---- what it gets ------------------------------------------------------ */

static bool has_weight(void)
{
	return m.v[0].tune.set == KNOB_WEIGHT;
}

static bool has_cpus(void)
{
	return m.v[0].tune.set == KNOB_CPUS;
}

static bool has_hint(void)
{
	return m.v[0].tune.set == KNOB_UCLAMP;
}

static void a_weight_for_what_is_foretold(void **state)
{
	(void)state;
	begin(2, DEMANDER_WEIGHT);
	/* The other one wants nothing, and has a weight of 900. */
	file(m.v[1].dir, "cpu.weight", "900\n");
	m.v[1].gone = true;
	assert_int_equal(steps(3 * PERIOD, 1.5, 0), 0);
	was_not_told("gets");
	assert_true(ever(has_weight, CYCLES * PERIOD, 1.5));
	was_told("'a' is foretold from now on");
	/* w / (w + 900) = 1.5 / 8: 208 at least, for the forecast's margin. */
	was_told("'a' gets the weight 2");
	was_told("'a' gets what it had before");
	was_not_told("'b'");
	assert_true(m.v[0].was_weight == 100 && m.v[0].others == 900);
	/* Nobody else competes: what it has is enough. */
	file(m.v[1].dir, "cgroup.events", "populated 0\n");
	m.v[0].tune.set = 0;
	m.v[0].sure = 0;
	forget();
	assert_int_equal(steps(2 * PERIOD, 1.5, 0), 0);
	was_not_told("gets the weight");
	assert_true(m.v[0].others == 0);
	end();
}

static void whole_cpus(void **state)
{
	(void)state;
	begin(2, DEMANDER_CPUSET);
	assert_int_equal(steps(2 * PERIOD, 1.5, 0), 0);
	assert_true(ever(has_cpus, CYCLES * PERIOD, 1.5));
	/* Of 0-3 and 6 the last two, and the next two for the other. */
	was_told("'a' gets the CPUs 3,6 for 1.");
	was_told("'b' gets the CPUs 1-2 for 1.");
	/* There are not so many any more: only one would be left. */
	file(m.v[0].dir, "../cpuset.cpus.effective", "5\n");
	forget();
	assert_int_equal(steps(2 * PERIOD, 1.5, 0), 0);
	was_not_told("the CPUs");
	file(m.v[0].dir, "../cpuset.cpus.effective", "\n");
	assert_int_equal(steps(PERIOD, 1.5, 0), 0);
	was_not_told("the CPUs");
	/* Where nobody says which there are, all of the machine are. */
	file(m.v[0].dir, "../cpuset.cpus.effective", "");
	place_forget("parent/cpuset.cpus.effective");
	assert_int_equal(steps(2 * PERIOD, 1.5, 0), 0);
	was_told("'a' gets the CPUs 6-7 for 1.");
	end();
}

static void a_hint_and_a_cap(void **state)
{
	(void)state;
	begin(1, DEMANDER_UCLAMP);
	opts.dry_run = true;
	assert_true(ever(has_hint, CYCLES * PERIOD, 0.5));
	/* 0.5 CPUs at their peak, and 0.1 else. */
	was_told("'a' would get a utilisation of 50 % for 0.50 CPUs");
	was_told("'a' would get a utilisation of 10 % for 0.10 CPUs");
	opts.cap = true;
	m.limits.max = 2;
	forget();
	assert_int_equal(steps(2 * PERIOD, 0.5, 0), 0);
	was_told("'a' would get a utilisation of ");
	end();
	/* With nothing else to give there is the cap alone. */
	begin(1, DEMANDER_CPUSET);
	opts.cap = true;
	m.limits.cpus = 1;
	m.limits.leave = 0;
	assert_int_equal(steps(CYCLES * PERIOD, 0.5, 0), 0);
	was_told("'a' gets its cap alone");
	assert_true(m.v[0].changes > 0);
	end();
}

/* ---- when it is let go ------------------------------------------------- */

static void who_waits_more_is_let_go(void **state)
{
	struct json *note;

	(void)state;
	begin(1, DEMANDER_UCLAMP);
	assert_int_equal(steps(CYCLES * PERIOD, 1.5, 0.1), 0);
	assert_true(m.v[0].trust.acts);
	assert_true(m.v[0].trust.before_pct > 9.9 &&
		    m.v[0].trust.before_pct < 10.1);
	assert_int_equal(steps(2 * PERIOD, 1.5, 0.5), 0);
	was_told("'a' is let go: it waited for CPUs ");
	was_told("10.0 % before; 2 good cycles are needed now");
	note = demander_note(&m);
	assert_non_null(strstr(json_text_at(note, "text"),
			       "'a': a period of 20.0 s, misses of "));
	assert_non_null(strstr(json_text_at(note, "text"), "let go 1 times"));
	assert_true(json_as_number(json_path(note, "demand.cgroups.0.let_go"),
				   0) == 1);
	assert_true(
		json_as_number(json_path(note, "demand.cgroups.0.cycles_held"),
			       0) >= 1);
	json_free(note);
	end();
}

/* Counters that go back are of another cgroup: no pressure is known. */
static void counters_go_back(void **state)
{
	(void)state;
	begin(1, DEMANDER_UCLAMP);
	assert_int_equal(steps(CYCLES * PERIOD, 1.5, 0.1), 0);
	m.v[0].now.cpu.waited_us = 0;
	forget();
	assert_int_equal(steps(PERIOD, 1.5, 0.1), 0);
	was_not_told("it waited");
	assert_true(m.v[0].trust.acts);
	end();
}

static void a_period_is_lost(void **state)
{
	(void)state;
	begin(1, DEMANDER_UCLAMP);
	assert_int_equal(steps(CYCLES * PERIOD, 1.5, 0), 0);
	forget();
	for (int i = 0; i < 2000 && m.v[0].trust.acts; i++) {
		demand_add(&m.v[0].demand, 0.7);
		assert_int_equal(demander_set(&m), 0);
	}
	assert_false(m.v[0].trust.acts);
	was_told("'a' is let go: ");
	assert_int_equal(m.v[0].tune.set, 0);
	end();
}

static void caps_stop_it(void **state)
{
	(void)state;
	begin(1, DEMANDER_UCLAMP);
	opts.cap = true;
	m.limits.max = 2;
	assert_int_equal(steps(CYCLES * PERIOD, 1.5, 0), 0);
	assert_true(m.v[0].trust.acts);
	m.v[0].now.throttled += 7;
	assert_int_equal(steps(PERIOD + 1, 1.5, 0), 0);
	was_told("'a' is let go: its cap stopped it in 7 periods");
	end();
}

/* ---- who sets it ------------------------------------------------------- */

static void start_setter(const char *script)
{
	const struct knob_request r = {.size = sizeof(r), .verb = KNOB_TUNE};

	says("set-knobs", script);
	assert_int_equal(setter_start(&m.setter, &r), 0);
	m.sets = true;
}

static void what_is_refused_is_left_alone(void **state)
{
	(void)state;
	begin(2, DEMANDER_UCLAMP);
	start_setter("say held\non t refused EEXIST others have it\nuntil\n"
		     "say left x: others\nsay done 0 1 0\n");
	assert_int_equal(steps(CYCLES * PERIOD, 1.5, 0), 0);
	was_told("'a' is left alone from now on: others have it");
	was_told("'b' is left alone from now on: others have it");
	assert_true(m.v[0].gone && m.v[1].gone);
	assert_int_equal(m.v[0].tune.set, 0);
	assert_int_equal(m.v[0].changes, 0);
	forget();
	assert_int_equal(demander_set_close(&m), 0);
	was_told("left as it is: x: others");
	assert_int_equal(demander_set_close(&m), 0);
	end();
}

static void who_sets_is_killed(void **state)
{
	(void)state;
	begin(1, DEMANDER_UCLAMP);
	says("set-knobs.next", "say fault EROFS it is read-only\n");
	start_setter("next\nsay held\non t tuned\nhear 1\n");
	while (setter_alive(&m.setter, 1000))
		;
	assert_int_equal(demander_set(&m), -EIO);
	assert_non_null(strstr(err_text(), "that had set the cgroups"));
	/* Not everything is back. */
	assert_int_equal(demander_set_close(&m), -EROFS);
	end();
}

/* ---- what is told ------------------------------------------------------ */

static void of_one_that_was_never_seen(void **state)
{
	struct json *note;

	(void)state;
	begin(1, DEMANDER_WEIGHT);
	m.v[0].tune.size = 0;
	note = demander_note(&m);
	assert_string_equal(json_text_at(note, "text"), "'a': no period");
	assert_null(json_path(note, "demand.cgroups.0.mean"));
	assert_null(json_path(note, "demand.cgroups.0.level"));
	assert_null(json_path(note, "demand.cgroups.0.cycles"));
	json_free(note);
	demand_add(&m.v[0].demand, NAN);
	demand_add(&m.v[0].demand, 3);
	note = demander_note(&m);
	assert_true(json_as_number(json_path(note, "demand.cgroups.0.samples"),
				   0) == 1);
	assert_true(json_as_number(json_path(note, "demand.cgroups.0.mean"),
				   0) == 3);
	json_free(note);
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_weight_for_what_is_foretold),
		cmocka_unit_test(whole_cpus),
		cmocka_unit_test(a_hint_and_a_cap),
		cmocka_unit_test(who_waits_more_is_let_go),
		cmocka_unit_test(counters_go_back),
		cmocka_unit_test(a_period_is_lost),
		cmocka_unit_test(caps_stop_it),
		cmocka_unit_test(what_is_refused_is_left_alone),
		cmocka_unit_test(who_sets_is_killed),
		cmocka_unit_test(of_one_that_was_never_seen),
	};

	(void)argc;
	return place_run(tests, argv, NULL, place_leave);
}
