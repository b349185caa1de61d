/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knobs as they are written, and what they do to a load. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/exec_id.h"
#include "base/mem.h"
#include "policy/form.h"
#include "policy/knobs.h"
#include "sim/load.h"

static struct json *body_of(const char *rules)
{
	char *text = mem_printf("{\"form\":\"knobs\",\"knobs\":%s}", rules);
	struct json *body = json_parse(text, strlen(text));

	assert_non_null(body);
	free(text);
	return body;
}

static int read_rules(const char *rules, struct knobs *k)
{
	struct json *body = body_of(rules);
	int rc = knobs_read(body, k);

	json_free(body);
	return rc;
}

static void good_rules_are_read(void **state)
{
	struct knobs k;

	(void)state;
	assert_int_equal(
		read_rules("[{\"match\":\"cc1*\",\"policy\":\"batch\","
			   "\"slice_us\":100000},{\"match\":\"ld\",\"nice\":-5,"
			   "\"cpus\":\"0-3,6\",\"cpu_weight\":300},"
			   "{\"match\":\"*\",\"cpu_max_pct\":150.5}]",
			   &k),
		0);
	assert_int_equal(k.count, 3);
	assert_true(k.by_name);
	assert_int_equal(k.rules[0].set, KNOB_POLICY | KNOB_SLICE);
	assert_int_equal(k.rules[0].policy, KNOB_BATCH);
	assert_int_equal(k.rules[0].slice_us, 100000);
	assert_int_equal(k.rules[1].nice, -5);
	assert_int_equal(k.rules[1].cpus[0], 0x4f);
	assert_int_equal(k.rules[1].cpu_weight, 300);
	assert_true(k.rules[2].cpu_max_pct == 150.5);
	assert_int_equal(k.set, 63);
}

static void bad_rules_are_named(void **state)
{
	static const struct {
		const char *rules, *words;
	} rows[] = {
		{"[]", "needs a list of rules"},
		{"{}", "needs a list of rules"},
		{"[7]", "knobs.0: an object is wanted, not a number"},
		{"[{\"nice\":1}]", "knobs.0.match: a pattern is wanted"},
		{"[{\"match\":\"\",\"nice\":1}]", "knobs.0.match: a pattern"},
		{"[{\"match\":\"*\"}]", "knobs.0: the rule '*' sets nothing"},
		{"[{\"match\":\"0123456789abcdef\",\"nice\":1}]",
		 "longer than the 15"},
		{"[{\"match\":\"*\",\"nice\":20}]",
		 "knobs.0.nice: 20 is above"},
		{"[{\"match\":\"*\",\"nice\":-21}]", "-21 is below -20"},
		{"[{\"match\":\"*\",\"nice\":1.5}]", "not a whole number"},
		{"[{\"match\":\"*\",\"nice\":\"1\"}]", "a number is wanted"},
		{"[{\"match\":\"*\",\"slice_us\":99}]", "99 is below 100"},
		{"[{\"match\":\"*\",\"slice_us\":100001}]", "above 100000"},
		{"[{\"match\":\"*\",\"cpu_weight\":0}]", "0 is below 1"},
		{"[{\"match\":\"*\",\"cpu_weight\":10001}]", "above 10000"},
		{"[{\"match\":\"*\",\"cpu_max_pct\":0}]", "0 is below 1"},
		{"[{\"match\":\"*\",\"policy\":\"fifo\"}]",
		 "knobs.0.policy: 'fifo' is not other, batch or idle"},
		{"[{\"match\":\"*\",\"identity\":\"ab\",\"nice\":1}]",
		 "knobs.0.identity: 'ab' is not 16 hexadecimal"},
		{"[{\"match\":\"*\",\"identity\":\"0000000000000000\","
		 "\"nice\":1}]",
		 "is not 16 hexadecimal"},
		{"[{\"match\":\"*\",\"rate\":1}]", "knobs.0.rate: there is no"},
		{"[{\"match\":\"*\",\"cpus\":\"\"}]", "'' is no list of CPUs"},
		{"[{\"match\":\"*\",\"cpus\":\"3-1\"}]", "'3-1' is no list"},
		{"[{\"match\":\"*\",\"cpus\":\"1,\"}]", "'1,' is no list"},
		{"[{\"match\":\"*\",\"cpus\":\"1-\"}]", "'1-' is no list"},
		{"[{\"match\":\"*\",\"cpus\":\"1 2\"}]", "'1 2' is no list"},
		{"[{\"match\":\"*\",\"cpus\":\"512\"}]", "'512' is no list"},
		{"[{\"match\":\"*\",\"cpus\":\"99999999999999999999\"}]",
		 "is no list"},
		{"[{\"match\":\"a\",\"nice\":1},{\"match\":\"a\",\"nice\":2}]",
		 "knobs.1.match: 'a' is that of rule 0, too"},
		{"[{\"match\":\"*\",\"nice\":1},{\"match\":\"a\",\"nice\":2}]",
		 "nothing is left for the rules after '*'"},
	};
	struct knobs k;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_clear();
		assert_int_equal(read_rules(rows[i].rules, &k), -EINVAL);
		if (!strstr(err_text(), rows[i].words))
			fail_msg("%s: '%s', not '%s'", rows[i].rules,
				 err_text(), rows[i].words);
	}
}

static int rule_for(const struct knobs *k, const char *name, uint64_t identity)
{
	const struct knob_who who = {name, &identity, identity ? 1 : 0};

	return knobs_rule(k, &who);
}

static void the_first_match_counts(void **state)
{
	struct knobs k;

	(void)state;
	assert_int_equal(
		read_rules("[{\"match\":\"cc1\",\"nice\":1},{\"match\":\"c*\","
			   "\"nice\":2},{\"match\":\"fifteen_bytes_x\","
			   "\"nice\":3}]",
			   &k),
		0);
	assert_int_equal(rule_for(&k, "cc1", 0), 0);
	assert_int_equal(rule_for(&k, "cc1plus", 0), 1);
	assert_int_equal(rule_for(&k, "ld", 0), -1);
	/* A kernel keeps that much of a name. */
	assert_int_equal(rule_for(&k, "fifteen_bytes_xyz", 0), 2);
}

static void what_was_executed_counts(void **state)
{
	struct knobs k;

	(void)state;
	assert_int_equal(read_rules("[{\"match\":\"cc1\",\"identity\":"
				    "\"00000000000000ab\",\"nice\":1},"
				    "{\"match\":\"cc1\",\"nice\":2}]",
				    &k),
			 0);
	assert_int_equal(rule_for(&k, "cc1", 0xab), 0);
	assert_int_equal(rule_for(&k, "cc1", 0xac), 1);
	assert_int_equal(rule_for(&k, "cc1", 0), 1);
	assert_int_equal(rule_for(&k, "ld", 0xab), -1);
	assert_true(knobs_uses(&k, true));
	assert_true(knobs_uses(&k, false));
	assert_int_equal(knobs_check(&k), 0);
	k.by_name = false;
	assert_int_equal(knobs_check(&k), -EINVAL);
	/* One of the two is for all, and nothing can follow. */
	assert_int_equal(read_rules("[{\"match\":\"*\",\"identity\":"
				    "\"00000000000000ab\",\"nice\":1},"
				    "{\"match\":\"*\",\"nice\":2}]",
				    &k),
			 0);
	assert_true(knobs_uses(&k, true));
	assert_false(knobs_uses(&k, false));
}

/* What a process was executed as is asked where a rule wants to know. */
static void who_executes_is_known_later(void **state)
{
	struct exec_ids known = {.pid = 1, .count = 1, .v = {0xab}};
	struct exec_ids none = {.pid = 1};
	struct knobs k;
	int rule = 7;

	(void)state;
	assert_int_equal(read_rules("[{\"match\":\"cc1\",\"identity\":"
				    "\"00000000000000ab\",\"nice\":1},"
				    "{\"match\":\"c*\",\"nice\":2}]",
				    &k),
			 0);
	assert_false(knobs_rule_now(&k, "cc1", 1, &none, &rule));
	assert_int_equal(rule, 7);
	assert_true(knobs_rule_now(&k, "cc1", 1, &known, &rule));
	assert_int_equal(rule, 0);
	known.v[0] = 0xac;
	assert_true(knobs_rule_now(&k, "cc1", 1, &known, &rule));
	assert_int_equal(rule, 1);
	assert_true(knobs_rule_now(&k, "ld", 1, &none, &rule));
	assert_int_equal(rule, -1);
}

/* What a process was executed as is among what it may be. */
static void a_process_is_recognised(void **state)
{
	static const char args[] = "/bin/sleep\0"
				   "30";
	struct exec_ids ids = {0};
	pid_t pid = fork();
	bool found = false;

	(void)state;
	if (!pid) {
		execl("/bin/sleep", "/bin/sleep", "30", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 20000 && !found; i++) {
		ids.pid = 0;
		exec_ids_of(&ids, pid);
		for (size_t k = 0; k < ids.count; k++)
			found |= ids.v[k] ==
				 exec_id("/bin/sleep", args, sizeof(args));
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(found);
	assert_true(exec_id("/bin/sleep", args, sizeof(args)) !=
		    exec_id("/bin/sleep", args, sizeof(args) - 1));
	/* Nobody. */
	ids.pid = 0;
	exec_ids_of(&ids, pid);
	assert_int_equal(ids.count, 0);
}

static void cpus_must_be_there(void **state)
{
	struct knobs k;

	(void)state;
	assert_int_equal(read_rules("[{\"match\":\"*\",\"cpus\":\"3-9\"}]", &k),
			 0);
	assert_int_equal(knobs_check_cpus(&k, 10, true), 0);
	assert_int_equal(knobs_check_cpus(&k, 9, true), -EINVAL);
	assert_int_equal(knobs_check_cpus(&k, 4, false), 0);
	assert_int_equal(knobs_check_cpus(&k, 3, false), -EINVAL);
}

static void people_can_read_them(void **state)
{
	struct json *body =
		body_of("[{\"match\":\"cc1*\",\"policy\":\"batch\","
			"\"slice_us\":3000},{\"match\":\"*\",\"nice\":5,"
			"\"cpus\":\"0-3,6\",\"cpu_weight\":50,"
			"\"cpu_max_pct\":150}]");
	char *text = policy_text(body);

	(void)state;
	assert_string_equal(text,
			    "cc1*: batch, slice 3000 us; all: nice 5, CPUs "
			    "0-3,6, weight 50, at most 150 % of a CPU");
	free(text);
	json_free(body);
}

static void a_load_takes_them(void **state)
{
	struct load *l = load_new("l");
	uint32_t g = load_add_group(l, "g"), a, b, c;
	struct knobs k;

	(void)state;
	a = load_add_task(l, "cc1", g);
	b = load_add_task(l, "ld", g);
	c = load_add_task(l, "kworker", g);
	l->tasks[c].kernel = true;
	assert_int_equal(
		read_rules("[{\"match\":\"cc1\",\"policy\":\"idle\","
			   "\"slice_us\":500,\"cpu_weight\":300},"
			   "{\"match\":\"*\",\"nice\":7,\"cpus\":\"1\"}]",
			   &k),
		0);
	assert_int_equal(load_set_knobs(l, &k, 4), 0);
	assert_int_equal(l->tasks[a].policy, LOAD_IDLE);
	assert_int_equal(l->tasks[a].slice_ns, 500000);
	assert_int_equal(l->tasks[a].nice, 0);
	assert_int_equal(l->tasks[a].mask, -1);
	assert_int_equal(l->cgroups[l->tasks[a].cgroup].weight, 300);
	assert_int_equal(l->tasks[b].nice, 7);
	assert_int_equal(l->masks[l->tasks[b].mask].bits[0], 2);
	assert_int_equal(l->cgroups[l->tasks[b].cgroup].weight, 100);
	assert_int_equal(l->tasks[c].nice, 0);
	assert_int_equal(l->tasks[c].cgroup, 0);
	assert_int_equal(load_set_knobs(l, &k, 1), -EINVAL);
	/* What it executes is what it is. */
	load_add_op(l, a, LOAD_EXEC)->id = 0xab;
	assert_int_equal(read_rules("[{\"match\":\"*\",\"identity\":"
				    "\"00000000000000ab\",\"nice\":3},"
				    "{\"match\":\"*\",\"nice\":9}]",
				    &k),
			 0);
	assert_int_equal(load_set_knobs(l, &k, 4), 0);
	assert_int_equal(l->tasks[a].nice, 3);
	assert_int_equal(l->tasks[b].nice, 9);
	assert_int_equal(
		read_rules("[{\"match\":\"*\",\"cpu_max_pct\":50}]", &k), 0);
	assert_int_equal(load_set_knobs(l, &k, 4), -ENOTSUP);
	load_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_rules_are_read),
		cmocka_unit_test(bad_rules_are_named),
		cmocka_unit_test(the_first_match_counts),
		cmocka_unit_test(what_was_executed_counts),
		cmocka_unit_test(who_executes_is_known_later),
		cmocka_unit_test(a_process_is_recognised),
		cmocka_unit_test(cpus_must_be_there),
		cmocka_unit_test(people_can_read_them),
		cmocka_unit_test(a_load_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
