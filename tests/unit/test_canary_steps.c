/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The canary's steps: what a window's figures are, what its hands are asked to
 * do, and that nothing is held when it ends without an answer. */
#include "tests/unit/place_fix.h"

#include <math.h>

#include "agents/canary/state.h"
#include "base/clock.h"

/* ---- the figures of a window ------------------------------------------- */

static void near(double is, double want)
{
	if (fabs(is - want) > 1e-6 * fmax(1, fabs(want)))
		fail_msg("%.9g, not %.9g", is, want);
}

/* By hand: 100 (run - policy + floor) / (run + lost + floor), floor a tenth of
 * the window, lost what it waited while CPUs were idle. */
static void what_a_window_says(void **state)
{
	static const struct {
		enum canary_kind kind;
		struct canary_window w;
		double served, delay, longest, control, pressure;
	} rows[] = {
		/* 100 (4 + 1) / (4 + 2 + 1) */
		{CANARY_TREE,
		 {.seconds = 10,
		  .idle_s = 2,
		  .pressure_s = -1,
		  .canary = {.run_s = 4,
			     .wait_s = 3,
			     .active_s = 6,
			     .longest_s = 0.5}},
		 500.0 / 7,
		 5e5,
		 5e5,
		 -1,
		 0},
		/* The policy's own time is no use: 100 (3 + 1) / (4 + 0 + 1) */
		{CANARY_ALL,
		 {.seconds = 10,
		  .policy_s = 1,
		  .pressure_s = 0.25,
		  .canary = {.run_s = 4, .wait_s = 3, .active_s = 6}},
		 80,
		 5e5,
		 0,
		 -1,
		 250000},
		/* It took more than there was, nobody was active. */
		{CANARY_CGROUP,
		 {.seconds = 10,
		  .policy_s = 9,
		  .pressure_s = -1,
		  .canary = {.run_s = 4}},
		 20,
		 0,
		 0,
		 -1,
		 0},
		/* A control of its own: 100 (2 + 1) / (2 + 1 + 1) */
		{CANARY_SHARE,
		 {.seconds = 10,
		  .idle_s = 1,
		  .policy_s = 1,
		  .canary = {.run_s = 2, .wait_s = 1, .active_s = 2},
		  .rest = {.run_s = 2, .wait_s = 1, .active_s = 4}},
		 50,
		 5e5,
		 0,
		 75,
		 0},
		/* Nobody of it was there. */
		{CANARY_SHARE,
		 {.seconds = 10, .canary = {.run_s = 2, .active_s = 2}},
		 100,
		 0,
		 0,
		 -1,
		 0},
	};
	const struct canary_opts o = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canary_scope scope = {.kind = rows[i].kind};
		struct canary_step s = {.scope = &scope};
		bool own = rows[i].kind == CANARY_ALL ||
			   rows[i].kind == CANARY_CGROUP;

		canary_series_init(&s, &o);
		assert_int_equal(s.count, own ? 6 : 5);
		canary_series_put(&s, 0, true, &rows[i].w, NULL, 0);
		near(s.series[0].with[0].canary, rows[i].served);
		near(s.series[1].with[0].canary, rows[i].delay);
		near(s.series[2].with[0].canary, rows[i].longest);
		near(s.series[0].with[0].control, rows[i].control);
		/* The longest wait is a matter of chance: it has none. */
		near(s.series[2].with[0].control, -1);
		near(s.series[0].without[0].canary, 0);
		if (own)
			near(s.series[5].with[0].canary, rows[i].pressure);
		canary_series_release(&s);
	}
}

static void what_probes_say(void **state)
{
	const struct probe probes[] = {
		{.metric = {.name = (char *)"a", .higher_is_better = true}},
		{.metric = {.name = (char *)"b"}}};
	const struct canary_opts o = {.probes = probes, .probe_count = 2};
	const struct canary_scope scope = {.kind = CANARY_ALL};
	const struct canary_window w = {.seconds = 1, .pressure_s = 2};
	struct canary_step s = {.scope = &scope};

	(void)state;
	canary_series_init(&s, &o);
	assert_int_equal(s.count, 8);
	canary_series_put(&s, 3, false, &w, (double[]){5, 6}, 2);
	assert_string_equal(s.series[5].metric.name, "a");
	assert_true(s.series[5].metric.higher_is_better);
	assert_false(s.series[6].metric.higher_is_better);
	near(s.series[5].without[3].canary, 5);
	near(s.series[6].without[3].canary, 6);
	near(s.series[7].without[3].canary, 2e6);
	canary_series_release(&s);
}

/* ---- in documents ------------------------------------------------------ */

static void as_documents_have_it(void **state)
{
	static const struct canary_scope scopes[] = {
		{.kind = CANARY_SHARE, .parts = KNOB_SHARE_ALL / 20},
		{.kind = CANARY_ALL}};
	static struct canary_step steps[2];
	struct canary c = {.steps = steps,
			   .count = 2,
			   .key = 255,
			   .window_s = 2.5,
			   .answer = CANARY_WORSE,
			   .why = "so"};
	const struct canary_opts o = {0};
	struct json *v;

	(void)state;
	c.o.plan = (struct canary_plan){.count = 2};
	for (size_t i = 0; i < 2; i++) {
		c.o.plan.step[i] = scopes[i];
		steps[i].scope = &scopes[i];
		canary_series_init(&steps[i], &o);
	}
	steps[0].pairs = 8;
	steps[0].tasks = 12;
	steps[0].finding.answer = CANARY_PASSED;
	steps[0].finding.evidence[1] = (struct evidence){.pairs = 8,
							 .baseline = 1234567,
							 .candidate = 2,
							 .ratio = 0.123456789,
							 .lo = 0.1,
							 .hi = 0.2};
	steps[0].seen[1] = 2;
	steps[0].fair_pct[1] = 2 * 19.5;
	steps[1].finding.answer = CANARY_WORSE;
	snprintf(steps[1].finding.why, sizeof(steps[1].finding.why), "it is");
	v = canary_json(&c);
	assert_string_equal(json_text_at(v, "scope"), "5%");
	assert_string_equal(json_text_at(v, "key"), "00000000000000ff");
	assert_string_equal(json_text_at(v, "decision"), "worse");
	assert_string_equal(json_text_at(v, "why"), "so");
	assert_string_equal(json_text_at(v, "steps.0.mode"), "partial");
	assert_string_equal(json_text_at(v, "steps.0.against"), "others");
	assert_string_equal(json_text_at(v, "steps.0.decision"), "passed");
	assert_null(json_path(v, "steps.0.why"));
	near(json_as_number(json_path(v, "steps.0.others_pct"), 0), 19.5);
	assert_int_equal(json_len(json_path(v, "steps.0.metrics")), 1);
	assert_string_equal(json_text_at(v, "steps.0.metrics.0.metric"),
			    "delay");
	assert_string_equal(json_text_at(v, "steps.0.metrics.0.better"),
			    "lower");
	near(json_as_number(json_path(v, "steps.0.metrics.0.baseline"), 0),
	     1234600);
	near(json_as_number(json_path(v, "steps.0.metrics.0.ratio"), 0),
	     0.12346);
	assert_string_equal(json_text_at(v, "steps.1.mode"), "full");
	assert_string_equal(json_text_at(v, "steps.1.against"), "before");
	assert_null(json_path(v, "steps.1.others_pct"));
	assert_string_equal(json_text_at(v, "steps.1.why"), "it is");
	assert_null(json_get(v, "warning"));
	json_free(v);
	/* Others took a fifth of it, and in a full step that is no matter. */
	steps[0].fair_pct[1] = 2 * 20.5;
	steps[1].seen[1] = 1;
	steps[1].fair_pct[1] = 90;
	v = canary_json(&c);
	assert_non_null(strstr(json_text_at(v, "warning"), "up to 20 %"));
	json_free(v);
	canary_series_release(&steps[0]);
	canary_series_release(&steps[1]);
}

/* ---- its hands --------------------------------------------------------- */

struct hands {
	int attach, detach, wait, widen; /* what they answer */
	int waits;			 /* so many are answered with 0 */
	int attached, detached, partial, full;
};

static int attach(void *arg, bool partial)
{
	struct hands *h = arg;

	h->attached += !h->attach;
	h->partial += partial;
	h->full += !partial;
	return h->attach ? err_set(-h->attach, "it does not attach") : 0;
}

static int detach(void *arg)
{
	struct hands *h = arg;

	h->detached++;
	return h->detach ? err_set(-h->detach, "it does not detach") : 0;
}

static int wait_until(void *arg, double until)
{
	struct hands *h = arg;
	double left = until - clock_monotonic();

	if (h->waits-- <= 0)
		return h->wait;
	if (left > 0)
		usleep((useconds_t)(left * 1e6));
	return 0;
}

static double spent(void *arg)
{
	(void)arg;
	return -1;
}

static int widen(void *arg)
{
	const struct hands *h = arg;

	return h->widen ? err_set(-h->widen, "it is not signed") : 0;
}

static struct canary *opened(struct hands *h, const char *scope,
			     const struct probe *probe)
{
	static struct canary_hands hands;
	struct canary_opts o = {
		.step_s = 0.2, .policy = "0123", .hands = &hands};
	struct canary *c;

	hands = (struct canary_hands){attach, detach, wait_until,
				      spent,  widen,  h};
	o.probes = probe;
	o.probe_count = probe != NULL;
	assert_int_equal(canary_plan_parse(scope, "none", &o.plan), 0);
	if (canary_open(&o, &c))
		fail_msg("%s", err_text());
	return c;
}

/* It was not tried, or not to its end: nobody has anything of it. */
static void without_an_answer(void **state)
{
	static const struct {
		const char *scope, *knobs;
		struct hands h;
		int rc;
		const char *words;
		int attached, partial;
	} rows[] = {
		/* The window without comes first: nothing was attached yet. */
		{"all", "", {.wait = 1}, 1, "", 0, 0},
		{"all", "", {.wait = -EIO}, -EIO, "", 0, 0},
		{"pid:1",
		 "",
		 {.attach = -EACCES},
		 -EACCES,
		 "it does not attach",
		 0,
		 1},
		{"pid:1", "", {.wait = 1}, 1, "", 1, 1},
		{"pid:1", "", {.wait = -EINTR}, -EINTR, "", 1, 1},
		/* What cannot be taken off is worse than why it should be. */
		{"pid:1",
		 "",
		 {.wait = -EINTR, .detach = -EBUSY},
		 -EBUSY,
		 "it does not detach",
		 1,
		 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hands h = rows[i].h;
		struct canary *c = opened(&h, rows[i].scope, NULL);
		enum canary_answer answer;
		int rc;

		says("set-knobs", rows[i].knobs);
		err_clear();
		rc = canary_run(c, &answer);
		if (rc != rows[i].rc || !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_int_equal(answer, CANARY_ON);
		assert_int_equal(h.attached, rows[i].attached);
		assert_int_equal(h.partial, rows[i].partial);
		assert_int_equal(h.detached, rows[i].attached);
		assert_int_equal(canary_holds(c), 0);
		canary_free(c);
	}
	canary_free(NULL);
}

/* Its tasks cannot be handed over, or who holds them dies. */
static void whose_tasks_it_is(void **state)
{
	static const struct {
		const char *knobs, *words;
		int rc;
		bool handed; /* it had them */
	} rows[] = {
		{"say no EINVAL this kernel has no SCHED_EXT\n",
		 "this kernel has no SCHED_EXT", -EINVAL, false},
		{"next\nsay held\n", "that held the canary's tasks was ended",
		 -EIO, true},
		{"say held\nuntil\nsay fault EPERM one is still there\n",
		 "one is still there", -EPERM, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hands h = {.waits = 100};
		struct canary *c = opened(&h, "pid:1", NULL);
		enum canary_answer answer;
		int rc;

		/* Of the second pair the window with it comes first. */
		c->steps[0].pairs = 1;
		c->window_s = 0.02;
		place_forget("log");
		says("set-knobs.next", "say done 0 0 0\n");
		says("set-knobs", rows[i].knobs);
		if (i == 2)
			h = (struct hands){.waits = 5, .wait = 1};
		rc = canary_run(c, &answer);
		if (rc != rows[i].rc || !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_int_equal(h.attached, 1);
		assert_int_equal(h.detached, 1);
		canary_free(c);
	}
}

/* The time is over, and it cannot be told. */
static void too_late_to_tell(void **state)
{
	struct hands h = {.waits = 1000};
	struct probe probe;
	struct canary *c;
	enum canary_answer answer;
	struct json *v;

	(void)state;
	assert_int_equal(probe_parse("load,lower=echo 5", &probe), 0);
	c = opened(&h, "all", &probe);
	c->window_s = 0.1;
	c->o.step_s = 0.01;
	assert_int_equal(canary_run(c, &answer), 0);
	assert_int_equal(answer, CANARY_UNSURE);
	assert_non_null(strstr(canary_why(c), "on all: "));
	assert_int_equal(h.full, 1);
	assert_int_equal(h.detached, 1);
	v = canary_json(c);
	assert_true(json_as_number(json_path(v, "steps.0.pairs"), 0) == 1);
	assert_string_equal(json_text_at(v, "decision"), "inconclusive");
	json_free(v);
	canary_free(c);
	probe_release(&probe);
}

static void what_is_not_there_is_said_before(void **state)
{
	struct canary_opts o = {.step_s = 1};
	struct probe probe;
	struct canary *c;

	(void)state;
	assert_int_equal(canary_plan_parse("pid:4194303", "none", &o.plan), 0);
	assert_int_equal(canary_open(&o, &c), -ESRCH);
	assert_null(c);
	assert_int_equal(canary_plan_parse("all", "none", &o.plan), 0);
	o.probes = &probe;
	o.probe_count = 1;
	assert_int_equal(probe_parse("a,lower=exit 7", &probe), 0);
	assert_int_equal(canary_open(&o, &c), -EINVAL);
	assert_string_equal(err_text(), "the command of the metric 'a': its "
					"exit status is 7");
	probe_release(&probe);
	assert_int_equal(probe_parse("a,lower=echo none", &probe), 0);
	assert_true(canary_open(&o, &c) < 0);
	probe_release(&probe);
	assert_int_equal(probe_parse("a,lower=:", &probe), 0);
	assert_true(canary_open(&o, &c) < 0);
	probe_release(&probe);
}

/* ---- bounds of what is said -------------------------------------------- */

static void scopes_at_their_bounds(void **state)
{
	static struct canary_plan p;
	char *text = mem_printf("cgroup:/%0*d", KNOB_PATH_MAX, 0);
	struct knob_scope k;

	(void)state;
	assert_int_equal(canary_plan_parse(text, NULL, &p), -EINVAL);
	text[7 + KNOB_PATH_MAX - 1] = '\0';
	assert_int_equal(canary_plan_parse(text, NULL, &p), 0);
	canary_scope_knobs(&p.step[0], 9, &k);
	assert_int_equal(k.where, KNOB_CGROUP_TREE);
	assert_string_equal(k.cgroup, text + 7);
	free(text);
	assert_int_equal(canary_plan_parse("pid:4194304", "none", &p), 0);
	canary_scope_knobs(&p.step[0], 9, &k);
	assert_true(k.where == KNOB_TREE && k.pid == 4194304);
	assert_int_equal(canary_plan_parse("pid:4194305", "none", &p), -EINVAL);
	assert_int_equal(canary_plan_parse("50%", NULL, &p), 0);
	assert_int_equal(p.count, 2);
	canary_scope_knobs(&p.step[0], 9, &k);
	assert_true(k.where == KNOB_SHARE && k.share.key == 9 &&
		    k.share.parts == KNOB_SHARE_ALL / 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_window_says),
		cmocka_unit_test(what_probes_say),
		cmocka_unit_test(as_documents_have_it),
		cmocka_unit_test(without_an_answer),
		cmocka_unit_test(whose_tasks_it_is),
		cmocka_unit_test(too_late_to_tell),
		cmocka_unit_test(what_is_not_there_is_said_before),
		cmocka_unit_test(scopes_at_their_bounds),
	};

	(void)argc;
	return place_run(tests, argv, NULL, place_leave);
}
