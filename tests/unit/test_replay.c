/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime on a virtual clock: what a trace may say, that the arithmetic of
 * a few requests is what one gets by hand, and what the traces of the tree are
 * there to show.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "rt/replay.h"

#define TRACES "tests/traces/"

/* An endpoint that reads a thousand tokens a second and writes ten. */
#define NEAR(slots)                                                           \
	"{\"trace\":1,\"quantum_tokens\":20,\"workers\":[{\"name\":\"near\"," \
	"\"kinds\":[\"llm\"],\"capacity\":{\"endpoint_slots\":" #slots "},"   \
	"\"tokens_s\":10,\"input_s\":1000,\"restart_s\":1,\"usd_in\":1000,"   \
	"\"usd_out\":10000}]}\n"
#define ASK(more)                                                            \
	"{\"kind\":\"llm\",\"need\":{\"endpoint_slots\":1},\"preemptible\":" \
	"true,\"idempotent\":true," more "}\n"

static int read_text(const char *text, struct rt_trace *t)
{
	char path[] = "/tmp/schedkit-trace-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, text, strlen(text)), 0);
	close(fd);
	rc = rt_trace_read(path, t);
	unlink(path);
	return rc;
}

static void replay(const struct rt_trace *t, const char *policy,
		   struct rt_figures *f)
{
	const struct rt_replay_opts o = {.policy = policy};

	assert_int_equal(rt_replay(t, &o, f), 0);
}

static bool near(double x, double y)
{
	return fabs(x - y) < 1e-6;
}

/* ---- traces ------------------------------------------------------------ */

static void wrong_traces_are_named(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "there is no header"},
		{"{}\n", "line 1: it has to be a header"},
		{"{\"trace\":2,\"workers\":[]}\n", "'trace' of 1"},
		{"{\"trace\":1,\"workers\":[]}\n", "at least one"},
		{"{\"trace\":1,\"workers\":[7]}\n", "a worker has to be"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"speed\":0}]}\n",
		 "'speed' has to be over 0"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"speedy\":1}]}\n",
		 "no field 'speedy'"},
		{NEAR(1) "{", "line 2"},
		{NEAR(1) "[]\n", "line 2: a request has to be an object"},
		{NEAR(1) "{\"kind\":\"llm\"}\n", "one of 'service_s' and"},
		{NEAR(1) ASK("\"service_s\":1,\"service_tokens\":1"),
		 "one of 'service_s' and"},
		{NEAR(1) ASK("\"service_tokens\":-1"), "'service_tokens'"},
		{NEAR(1) ASK("\"service_tokens\":\"1\""), "'service_tokens'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":3"), "'fail'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[{\"after_s\":"
			     "-1}]"),
		 "'after_s'"},
		{NEAR(1) ASK("\"at_s\":2,\"service_tokens\":1")
			 ASK("\"at_s\":1,\"service_tokens\":1"),
		 "line 3: 'at_s' is before"},
		{"{\"trace\":1,\"quantum_s\":0}\n", "'quantum_s' has"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"]},{\"name\":\"a\",\"kinds\":[\"sim\"]}]}\n",
		 "two workers are called 'a'"},
		{"{\"trace\":1,\"polcy\":1}\n", "no field 'polcy'"},
		{"{\"trace\":1,\"quantum_s\":\"x\"}\n", "'quantum_s' has"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[{\"eror\":"
			     "\"EIO\"}]"),
		 "a failure has no field 'eror'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[{\"error\":"
			     "\"ENONE\"}]"),
		 "'ENONE' is no name of an error"},
		{"[]\n", "line 1: it has to be a header"},
		{"{\"trace\":1,\"workers\":{}}\n", "at least one"},
		{"{\"trace\":1,\"quantum_s\":1e10}\n", "'quantum_s' has"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"tokens_s\":0}]}\n",
		 "'tokens_s' has to be over 0"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"input_s\":0}]}\n",
		 "'input_s' has to be over 0"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"speed\":1e13}]}\n",
		 "'speed'"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"tokens_s\":\"9\"}]}\n",
		 "'tokens_s'"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"usd_in\":-1}]}\n",
		 "'usd_in'"},
		{"{\"trace\":1,\"workers\":[{\"name\":\"a\",\"kinds\":"
		 "[\"llm\"],\"usd_out\":-1}]}\n",
		 "'usd_out'"},
		{NEAR(1) ASK("\"at_s\":-1,\"service_tokens\":1"), "'at_s'"},
		{NEAR(1) ASK("\"service_s\":\"1\""), "'service_s'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[3]"),
		 "a failure has to be an object"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[{\"retry_s\":"
			     "1e13}]"),
		 "'retry_s'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[{\"error\":"
			     "5}]"),
		 "'error'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"fail\":[{\"again\":"
			     "\"no\"}]"),
		 "'again'"},
		{NEAR(1) ASK("\"service_tokens\":1,\"priority\":999"),
		 "'priority'"},
		/* Empty lines count as lines; the last may lack its end. */
		{NEAR(1) "\n\n{\"kind\":\"llm\"}", "line 4: a request has one"},
	};
	struct rt_trace t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_text(cases[i].text, &t), -EINVAL);
		if (!strstr(err_text(), cases[i].words))
			fail_msg("'%s' does not say '%s'", err_text(),
				 cases[i].words);
	}
	assert_int_equal(rt_trace_read("/nonesuch", &t), -ENOENT);
}

static void note_refusal(void *arg, const struct rt_trace_request *q)
{
	buf_printf(arg, "%zu: %s\n", q->line, err_text());
}

static void what_is_refused_is_told_with_its_line(void **state)
{
	struct buf told;
	struct rt_replay_opts o = {
		.policy = "rr", .refused = note_refusal, .arg = &told};
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	buf_init(&told, 4096);
	assert_int_equal(
		read_text(NEAR(1) ASK("\"service_tokens\":1,\"key\":\"a\"")
				  ASK("\"service_tokens\":1,\"key\":\"a\"")
					  ASK("\"service_tokens\":1,\"after\":["
					      "\"b\"]"),
			  &t),
		0);
	assert_int_equal(rt_replay(&t, &o, &f), 0);
	assert_int_equal(f.refused, 2);
	assert_int_equal(f.done, 1);
	assert_non_null(
		strstr(told.data, "3: its run has used key 'a' before\n4: "));
	assert_non_null(strstr(told.data, "waits for 'b'"));
	rt_trace_release(&t);
	buf_release(&told);
}

/* ---- arithmetic -------------------------------------------------------- */

static void a_question_takes_reading_and_writing(void **state)
{
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	assert_int_equal(read_text(NEAR(1) ASK("\"at_s\":5,\"tokens_in\":500,"
					       "\"service_tokens\":30"),
				   &t),
			 0);
	replay(&t, "fifo", &f);
	assert_true(near(f.makespan, 5 + 0.5 + 3));
	assert_true(near(f.turnaround_mean, 3.5));
	assert_true(near(f.wait_p99, 0));
	assert_true(near(f.tokens, 530));
	assert_true(near(f.cost_usd, 0.5 + 0.3));
	assert_int_equal(f.done, 1);
	assert_true(isnan(f.wait_urgent_p99));
	rt_trace_release(&t);
}

/* rr on one slot, quanta of 20 tokens: a writes 20 (3 s with its prompt), is
 * stopped for b (2 s with its own), and goes on after a restart of a second
 * with 1020 tokens to read. */
static void a_suspension_costs_what_it_costs(void **state)
{
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	assert_int_equal(
		read_text(NEAR(1) ASK("\"run\":\"a\",\"tokens_in\":1000,"
				      "\"predicted_s\":5,"
				      "\"service_tokens\":40")
				  ASK("\"run\":\"b\",\"at_s\":1,"
				      "\"tokens_in\":1000,"
				      "\"predicted_s\":2,"
				      "\"service_tokens\":10"),
			  &t),
		0);
	replay(&t, "rr", &f);
	assert_int_equal(f.preemptions, 1);
	assert_true(near(f.makespan, 3 + 2 + 1 + 1.02 + 2));
	assert_true(near(f.lost_s, 2.02));
	assert_true(near(f.lost_tokens, 1020));
	assert_true(near(f.tokens, 2000 + 50 + 1020));
	/* a: 9.02, b: 4 of which it waited 2. */
	assert_true(near(f.turnaround_mean, (9.02 + 4) / 2));
	replay(&t, "fifo", &f);
	assert_int_equal(f.preemptions, 0);
	assert_true(near(f.lost_s, 0));
	assert_true(near(f.lost_tokens, 0));
	assert_true(near(f.makespan, 7));
	rt_trace_release(&t);
}

static void faults_are_tried_again(void **state)
{
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	assert_int_equal(
		read_text(NEAR(1) ASK("\"service_tokens\":10,\"fail\":[{"
				      "\"after_s\":0.5,\"error\":"
				      "\"ETIMEDOUT\",\"retry_s\":30}]")
				  ASK("\"service_tokens\":10,\"fail\":[{"
				      "\"after_s\":0.25,\"error\":\"EINVAL\","
				      "\"again\":false}]"),
			  &t),
		0);
	replay(&t, "fifo", &f);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.failed, 1);
	assert_int_equal(f.retries, 1);
	assert_true(near(f.lost_s, 0.75));
	assert_true(f.makespan >= 31.5 - 1e-6);
	rt_trace_release(&t);
}

static void what_cannot_be_is_refused(void **state)
{
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	assert_int_equal(
		read_text(NEAR(1) "{\"kind\":\"guest\",\"service_s\":1}\n" ASK(
				  "\"service_tokens\":10"),
			  &t),
		0);
	replay(&t, "fair", &f);
	assert_int_equal(f.refused, 1);
	assert_int_equal(f.done, 1);
	rt_trace_release(&t);
}

/* Four requests a minute: the fifth waits until there is one again. */
static void limits_hold_back(void **state)
{
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	assert_int_equal(
		read_text("{\"trace\":1,\"workers\":[{\"name\":\"a\","
			  "\"kinds\":[\"llm\"],\"capacity\":{"
			  "\"endpoint_slots\":8},\"requests_min\":4}]}\n" ASK(
				  "\"service_tokens\":50")
				  ASK("\"service_tokens\":50")
					  ASK("\"service_tokens\":50") ASK(
						  "\"service_tokens\":50")
						  ASK("\"service_tokens\":50"),
			  &t),
		0);
	replay(&t, "fair", &f);
	assert_int_equal(f.done, 5);
	assert_true(f.makespan >= 15);
	assert_true(f.makespan <= 61);
	assert_true(near(f.wait_p50, 0));
	rt_trace_release(&t);
}

/* Two runs on one slot, the first with two requests: due a half while both
 * are there. */
static void jain_is_of_what_was_due(void **state)
{
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	assert_int_equal(
		read_text(
			NEAR(1) ASK("\"run\":\"a\",\"service_tokens\":100")
				ASK("\"run\":\"a\",\"service_tokens\":100") ASK(
					"\"run\":\"b\",\"service_tokens\":100"),
			&t),
		0);
	replay(&t, "fifo", &f);
	/* a: 20 s of 10 due, counted as all; b: 10 of 20 due. */
	assert_true(near(f.jain, 1.5 * 1.5 / (2 * 1.25)));
	rt_trace_release(&t);
}

/* ---- the traces -------------------------------------------------------- */

static void read_trace(const char *name, struct rt_trace *t)
{
	char *path = mem_printf(TRACES "%s.jsonl", name);

	assert_int_equal(rt_trace_read(path, t), 0);
	free(path);
}

/* The LLMAgentOS text's three tasks on its two agents. */
static void seed002_takes_15_seconds(void **state)
{
	static const struct {
		struct rt_replay_opts o;
		double makespan;
	} cases[] = {
		{{.policy = "priority", .fit = RT_FIT_BEST}, 15},
		{{.policy = "priority",
		  .fit = RT_FIT_FIRST,
		  .serial = RT_SERIAL_LOWEST},
		 30},
		{{.policy = "priority", .fit = RT_FIT_FIRST, .exclusive = true},
		 25},
		{{.policy = "priority", .fit = RT_FIT_BEST, .exclusive = true},
		 20},
	};
	struct rt_figures f;
	struct rt_trace t;

	(void)state;
	read_trace("seed002", &t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(rt_replay(&t, &cases[i].o, &f), 0);
		assert_true(near(f.makespan, cases[i].makespan));
		assert_int_equal(f.done, 3);
	}
	rt_trace_release(&t);
}

/* A wide request at the head is not held up by what starts before it, and
 * nothing is idle that could be used. */
static void backfill_uses_what_is_idle(void **state)
{
	struct rt_replay_opts o = {.policy = "fifo"};
	struct rt_figures with, without;
	struct rt_trace t;

	(void)state;
	read_trace("wide", &t);
	for (size_t i = 0; rt_policies[i]; i++) {
		o.policy = rt_policies[i]->name;
		o.no_backfill = false;
		assert_int_equal(rt_replay(&t, &o, &with), 0);
		o.no_backfill = true;
		assert_int_equal(rt_replay(&t, &o, &without), 0);
		assert_int_equal(with.done, t.request_count);
		assert_int_equal(without.done, t.request_count);
		assert_true(with.makespan < without.makespan);
		/* An order that changes moves its reservations as well. */
		assert_true(with.wait_wide_p99 <=
			    (i ? 1.1 : 1) * without.wait_wide_p99);
	}
	rt_trace_release(&t);
}

static void same_trace_same_figures(void **state)
{
	struct rt_figures a, b;
	struct rt_trace t;

	(void)state;
	read_trace("heavy-tailed", &t);
	for (size_t i = 0; rt_policies[i]; i++) {
		struct json *x, *y;
		char *s, *u;

		replay(&t, rt_policies[i]->name, &a);
		replay(&t, rt_policies[i]->name, &b);
		x = rt_figures_json(&a);
		y = rt_figures_json(&b);
		s = json_canonical(x);
		u = json_canonical(y);
		assert_string_equal(s, u);
		assert_int_equal(a.done, t.request_count);
		json_free(x);
		json_free(y);
		free(s);
		free(u);
	}
	rt_trace_release(&t);
}

static void complain(void *arg, const char *words)
{
	char **last = arg;

	free(*last);
	*last = mem_strdup(words);
}

/* Each policy wins where theory says it must, which stands in the headers. */
static void every_policy_wins_where_it_must(void **state)
{
	static const char *const names[] = {"llm-bound", "tool-bound", "mixed",
					    "heavy-tailed", "bursty"};
	const char *policies[16];
	struct rt_figures f[16];
	char *words = NULL;
	struct rt_trace t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = 0;

		read_trace(names[i], &t);
		assert_true(json_len(json_get(t.header, "expect")) > 0);
		for (; rt_policies[n]; n++) {
			policies[n] = rt_policies[n]->name;
			replay(&t, policies[n], &f[n]);
		}
		if (rt_trace_check(&t, policies, f, n, complain, &words))
			fail_msg("%s: %s", names[i],
				 words ? words : err_text());
		rt_trace_release(&t);
	}
}

static void what_does_not_hold_is_said(void **state)
{
	const char *const policies[] = {"fifo", "sjf"};
	struct rt_figures f[2] = {{.jain = 0.5}, {.jain = 0.9}};
	char *words = NULL;
	struct rt_trace t;

	(void)state;
	f[0].preemptions = 3;
	assert_int_equal(
		read_text("{\"trace\":1,\"expect\":[{\"policy\":\"fifo\","
			  "\"has\":\"zero\",\"of\":\"preemptions\",\"why\":"
			  "\"so it is\"},{\"policy\":\"sjf\",\"has\":\"most\","
			  "\"of\":\"jain\"},{\"policy\":\"sjf\",\"has\":"
			  "\"less\",\"of\":\"jain\",\"than\":\"fifo\","
			  "\"times\":2}],\"workers\":[{\"name\":\"a\","
			  "\"kinds\":[\"llm\"]}]}\n",
			  &t),
		0);
	assert_int_equal(rt_trace_check(&t, policies, f, 2, complain, &words),
			 1);
	assert_string_equal(words, "fifo has not zero preemptions: so it is");
	free(words);
	rt_trace_release(&t);
	assert_int_equal(
		read_text("{\"trace\":1,\"expect\":[{\"policy\":\"rr\"}],"
			  "\"workers\":[{\"name\":\"a\",\"kinds\":"
			  "[\"llm\"]}]}\n",
			  &t),
		0);
	assert_int_equal(rt_trace_check(&t, policies, f, 2, complain, NULL),
			 -EINVAL);
	rt_trace_release(&t);
}

/* What a trace may expect, and what of that is not to be understood. */
static void expectations_hold_or_do_not(void **state)
{
	static const struct {
		const char *e;
		int rc; /* how many do not hold */
	} is[] = {
		{"'policy':'fifo','has':'most','of':'preemptions'", 0},
		{"'policy':'sjf','has':'most','of':'preemptions'", 1},
		{"'policy':'sjf','has':'least','of':'preemptions'", 0},
		{"'policy':'sjf','has':'zero','of':'preemptions'", 0},
		{"'policy':'fifo','has':'zero','of':'preemptions'", 1},
		{"'policy':'sjf','has':'less','of':'preemptions',"
		 "'than':'fifo'",
		 0},
		{"'policy':'fifo','has':'less','of':'preemptions',"
		 "'than':'sjf'",
		 1},
		{"'policy':'fifo','has':'more','of':'jain','than':'sjf',"
		 "'times':0.5",
		 0},
		{"'policy':'fifo','has':'more','of':'jain','than':'sjf'", 1},
		/* Equal is neither. */
		{"'policy':'fifo','has':'less','of':'jain','than':'fifo'", 1},
		{"'policy':'fifo','has':'more','of':'jain','than':'fifo'", 1},
		{"'policy':'fifo','has':'least','of':'beauty'", -EINVAL},
		{"'policy':'rr','has':'least','of':'jain'", -EINVAL},
		{"'policy':'fifo','has':'few','of':'jain'", -EINVAL},
		{"'policy':'fifo','has':'few','of':'jain','than':'sjf'",
		 -EINVAL},
		{"'policy':'fifo','has':'less','of':'jain'", -EINVAL},
		{"'policy':'fifo','has':'less','of':'jain','than':'rr'",
		 -EINVAL},
		{"'policy':'fifo','of':'jain'", -EINVAL},
		{"", -EINVAL},
	};
	const char *const policies[] = {"fifo", "sjf"};
	struct rt_figures f[2] = {{.jain = 0.5}, {.jain = 0.9}};

	(void)state;
	f[0].preemptions = 3;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char *words = NULL;
		char *text = mem_printf("{'trace':1,'expect':[{%s}],'workers':["
					"{'name':'a','kinds':['llm']}]}\n",
					is[i].e);
		struct rt_trace t;

		for (char *c = text; *c; c++)
			if (*c == '\'')
				*c = '"';
		assert_int_equal(read_text(text, &t), 0);
		if (rt_trace_check(&t, policies, f, 2, complain, &words) !=
		    is[i].rc)
			fail_msg("%s: %s", is[i].e, err_text());
		assert_int_equal(words != NULL, is[i].rc > 0);
		free(words);
		free(text);
		rt_trace_release(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_traces_are_named),
		cmocka_unit_test(what_is_refused_is_told_with_its_line),
		cmocka_unit_test(a_question_takes_reading_and_writing),
		cmocka_unit_test(a_suspension_costs_what_it_costs),
		cmocka_unit_test(faults_are_tried_again),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(limits_hold_back),
		cmocka_unit_test(jain_is_of_what_was_due),
		cmocka_unit_test(seed002_takes_15_seconds),
		cmocka_unit_test(backfill_uses_what_is_idle),
		cmocka_unit_test(same_trace_same_figures),
		cmocka_unit_test(every_policy_wins_where_it_must),
		cmocka_unit_test(what_does_not_hold_is_said),
		cmocka_unit_test(expectations_hold_or_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
