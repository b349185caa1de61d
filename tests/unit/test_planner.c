/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/observer/features.h"
#include "agents/learner/learner.h"
#include "agents/planner/planner.h"
#include "agents/planner/rules.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/policy.h"

/* The parts of a profile that the planner looks at. */
#define PROFILE(goal, queue, groups, identities)                            \
	"{\"scope\":\"command\",\"goal\":\"" goal "\",\"source\":\"bpf\","  \
	"\"target\":\"vm\",\"duration_us\":10000000,"                       \
	"\"system\":{\"cpus\":2,\"kernel\":\"6.18\"},\"run_queue\":{" queue \
	"},\"groups\":[" groups "],\"identities\":[" identities "],"        \
	"\"overhead\":{\"drops\":0}}"
#define HIST(p50, p90)                                            \
	"{\"count\":1000,\"sum\":1000000,\"max\":99,\"p50\":" p50 \
	",\"p90\":" p90 ",\"p99\":99}"
#define GROUP(name, run, wait, wakeups, holders, p50, p90)   \
	"{\"name\":\"" name "\",\"tasks\":4,\"run_us\":" run \
	",\"wait_us\":" wait ",\"wakeups\":" wakeups         \
	",\"preempted_holder_wakes\":" holders               \
	",\"burst_us\":" HIST(p50, p90) ",\"delay_us\":" HIST("1", "2") "}"
#define IDENTITY(hash, execs, us)                                   \
	"{\"hash\":\"" hash "\",\"execs\":" execs ",\"run_us\":" us \
	",\"max_us\":" us "}"
#define BUSY "\"busy_pct\":99,\"waiting_pct\":90"
#define LAZY "\"busy_pct\":20,\"waiting_pct\":1"

static const char *const long_tailed = PROFILE(
	"makespan", BUSY,
	GROUP("job", "18000000", "60000000", "100", "0", "900000", "5000000"),
	IDENTITY("00000000000000aa", "1", "1000000") "," IDENTITY(
		"00000000000000ab", "1",
		"1000000") "," IDENTITY("00000000000000ac", "1",
					"1000000") "," IDENTITY("00000000000000ad",
								"1",
								"9000000"));
static const char *const lock_holder = PROFILE(
	"throughput", BUSY,
	GROUP("worker", "19000000", "40000000", "9000", "300", "9000", "20000"),
	"");
static const char *const mixed =
	PROFILE("latency", BUSY,
		GROUP("server", "3000000", "20000000", "20000", "0", "100",
		      "300") "," GROUP("batch", "17000000", "20000000", "100",
				       "0", "100000", "900000"),
		"");
/* Whoever is waited for was preempted by the batch. */
static const char *const mixed_holders =
	PROFILE("throughput", BUSY,
		GROUP("server", "1000000", "9000000", "2000", "300", "200",
		      "4000") "," GROUP("batch", "18000000", "90000000", "40",
					"0", "900", "900000"),
		"");
/* One of the batch once waited for one that was preempted: at its start. */
static const char *const mixed_start =
	PROFILE("throughput", BUSY,
		GROUP("server", "1000000", "9000000", "2000", "0", "200",
		      "4000") "," GROUP("batch", "18000000", "90000000", "4",
					"1", "900", "900000"),
		"");
/* Workers with a lock and long bursts beside those who wake them. */
static const char *const dispatched =
	PROFILE("throughput", BUSY,
		GROUP("dispatcher", "100000", "1000000", "2000", "0", "50",
		      "90") "," GROUP("worker", "19000000", "40000000", "1500",
				      "400", "9000", "40000"),
		"");
static const char *const idle = PROFILE(
	"latency", LAZY,
	GROUP("server", "4000000", "1000", "20000", "0", "100", "300"), "");

static struct doc *profile(const char *text)
{
	struct json *body = json_parse(text, strlen(text));
	struct doc *d;

	assert_non_null(body);
	d = doc_new("profile", "test", body, NULL, 0);
	if (!d)
		fail_msg("%s", err_text());
	return d;
}

struct answer {
	struct doc *profile, *plan, *policies[PLANNER_MAX];
	size_t n;
};

static void ask(struct answer *a, const char *text, long count, uint64_t seed)
{
	struct planner_opts o = {.by = "test", .count = count, .seed = seed};

	a->profile = profile(text);
	if (planner_run(a->profile, &o, &a->plan, a->policies, &a->n))
		fail_msg("%s", err_text());
}

static void release(struct answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		doc_free(a->policies[i]);
	doc_free(a->plan);
	doc_free(a->profile);
}

static bool has_trait(const struct answer *a, const char *name)
{
	json_each (t, json_path(a->plan->body, "regime.traits"))
		if (!strcmp(json_as_string(t, ""), name))
			return true;
	return false;
}

static const char *param_of(const struct answer *a, size_t i, const char *name)
{
	const struct json *params = json_get(a->policies[i]->body, "params");

	return json_as_string(json_get(params, name), "");
}

static void test_long_tail(void **state)
{
	const struct json *rows;
	struct answer a;

	(void)state;
	ask(&a, long_tailed, 4, 1);
	assert_true(has_trait(&a, "long-tailed"));
	assert_string_equal(param_of(&a, 0, "order"), "longest");
	rows = json_get(a.policies[0]->body, "identities");
	assert_int_equal(json_len(rows), 4);
	assert_true(json_as_number(json_path(rows, "3.expect_us"), 0) ==
		    9000000);
	assert_string_equal(
		json_as_string(json_path(a.policies[0]->body, "uses.1"), ""),
		"learned_identity");
	release(&a);
}

static void test_lock_holder(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, lock_holder, 4, 1);
	assert_true(has_trait(&a, "lock-holder-preemption"));
	assert_false(has_trait(&a, "long-tailed"));
	assert_string_equal(param_of(&a, 0, "order"), "fifo");
	assert_string_equal(param_of(&a, 0, "preempt"), "none");
	release(&a);
}

static void test_mixed(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, mixed, 4, 1);
	assert_true(has_trait(&a, "interactive-beside-batch"));
	assert_string_equal(param_of(&a, 0, "classify"), "behaviour");
	release(&a);
}

static void test_a_batch_takes_precedence_over_holders(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, mixed_holders, 4, 1);
	assert_true(has_trait(&a, "interactive-beside-batch"));
	assert_true(has_trait(&a, "lock-holder-preemption"));
	assert_string_equal(param_of(&a, 0, "classify"), "behaviour");
	assert_string_equal(param_of(&a, 1, "order"), "fifo");
	release(&a);
}

static void test_a_batch_that_once_waited_is_one(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, mixed_start, 4, 1);
	assert_true(has_trait(&a, "interactive-beside-batch"));
	release(&a);
}

static void test_workers_are_no_batch(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, dispatched, 4, 1);
	assert_false(has_trait(&a, "interactive-beside-batch"));
	assert_true(has_trait(&a, "lock-holder-preemption"));
	assert_string_equal(param_of(&a, 0, "order"), "fifo");
	release(&a);
}

static void test_nothing_to_gain_is_said(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, idle, 4, 1);
	assert_true(has_trait(&a, "hardly-waiting"));
	assert_non_null(
		strstr(json_as_string(json_get(a.plan->body, "text"), ""),
		       "no policy can gain much"));
	release(&a);
}

static void test_same_seed_same_ids(void **state)
{
	struct answer a, b, c;
	size_t differ = 0;

	(void)state;
	ask(&a, mixed, 40, 7);
	ask(&b, mixed, 40, 7);
	ask(&c, mixed, 40, 8);
	assert_string_equal(a.plan->id, b.plan->id);
	for (size_t i = 0; i < a.n; i++) {
		assert_string_equal(a.policies[i]->id, b.policies[i]->id);
		differ += strcmp(a.policies[i]->id, c.policies[i]->id) != 0;
	}
	assert_true(differ > 5);
	release(&a);
	release(&b);
	release(&c);
}

static void test_as_many_as_asked_all_valid_all_different(void **state)
{
	const char *const texts[] = {long_tailed, lock_holder, mixed, idle};
	struct policy_params p[PLANNER_MAX];

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		struct answer a;

		ask(&a, texts[k], 100, k);
		assert_int_equal(a.n, 100);
		for (size_t i = 0; i < a.n; i++) {
			assert_int_equal(
				policy_params_read(a.policies[i]->body, &p[i]),
				0);
			for (size_t j = 0; j < i; j++)
				assert_memory_not_equal(&p[i], &p[j],
							sizeof(p[i]));
		}
		release(&a);
	}
}

static void test_plan_names_its_policies_in_order(void **state)
{
	struct answer a;

	(void)state;
	ask(&a, mixed, 5, 1);
	assert_int_equal(json_len(json_get(a.plan->body, "proposals")), 5);
	for (size_t i = 0; i < a.n; i++)
		assert_string_equal(
			json_as_string(
				json_at(json_get(a.plan->body, "proposals"), i),
				""),
			a.policies[i]->id);
	assert_string_equal(doc_parent(a.policies[0], 0), a.profile->id);
	assert_string_equal(doc_parent(a.policies[0], 1), a.plan->id);
	release(&a);
}

/* A script and its step; the driver that starts everything goes first. */
static void test_a_script_is_as_long_as_what_is_in_it(void **state)
{
	static const char text[] =
		"{\"identities\":["
		"{\"execs\":1,\"run_us\":10,\"whole_us\":1000},"
		"{\"execs\":2,\"run_us\":20,\"whole_us\":600},"
		"{\"execs\":3,\"run_us\":960},"
		"{\"execs\":1,\"run_us\":10,\"whole_us\":0}]}";
	static const double expect[] = {FEATURES_DISPATCHER_US, 300, 320, 10};
	struct json *body = json_parse(text, strlen(text));
	size_t i = 0;

	(void)state;
	assert_non_null(body);
	json_each (v, json_get(body, "identities"))
		assert_true(features_expect(v, features_all_us(body)) ==
			    expect[i++]);
	assert_int_equal(i, 4);
	json_free(body);
}

/* ---- with a memory ---------------------------------------------------- */

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A workload that is like `long_tailed`, a little longer. */
static const char *const longer = PROFILE(
	"makespan", BUSY,
	GROUP("task", "19000000", "60000000", "110", "0", "900000", "5000000"),
	IDENTITY("00000000000000ba", "1", "1000000") "," IDENTITY(
		"00000000000000bb", "1",
		"1000000") "," IDENTITY("00000000000000bc", "1",
					"1100000") "," IDENTITY("00000000000000bd",
								"1",
								"9900000"));

static void remember(struct stream *s, const char *text, const char *params,
		     const char *outcome, const char *measured)
{
	struct doc *p = profile(text), *d;
	struct json *body;
	char *line = mem_printf(
		"{\"profile\":\"%s\",\"policy\":\"" ID_A "\",\"verdict\":"
		"\"" ID_A "\",\"tried\":{\"form\":\"params\",\"title\":"
		"\"an old friend\",\"source\":\"rule\",\"params\":%s},"
		"\"outcome\":\"%s\",\"measured\":{\"metric\":\"wall\","
		"\"ratio\":%s,\"ci95\":[%s,%s],\"pairs\":5},\"text\":\"t\","
		"\"conditions\":{\"target\":\"vm\",\"kernel\":\"6.18\","
		"\"cpus\":2}}",
		p->id, params, outcome, measured, measured, measured);

	body = json_parse(line, strlen(line));
	assert_non_null(body);
	json_set(body, "features", learner_features(p->body));
	d = doc_new("lesson", "test", body, NULL, 0);
	if (!d)
		fail_msg("%s", err_text());
	assert_int_equal(stream_emit(s, d), 0);
	doc_free(p);
	free(line);
}

static void ask_with(struct answer *a, struct stream *s, const char *text,
		     long count, unsigned int sources)
{
	struct planner_opts o = {.by = "test",
				 .count = count,
				 .seed = 1,
				 .stream = s,
				 .sources = sources};

	a->profile = profile(text);
	if (planner_run(a->profile, &o, &a->plan, a->policies, &a->n))
		fail_msg("%s", err_text());
}

static const char *source_of(const struct answer *a, size_t i)
{
	const struct json *row = json_at(json_get(a->plan->body, "origins"), i);

	assert_string_equal(json_text_at(row, "policy"), a->policies[i]->id);
	return json_text_at(row, "source");
}

#define FRIEND \
	"{\"classify\":\"identity\",\"order\":\"longest\",\"slice_us\":7000}"
#define FAIR "{\"order\":\"vruntime\",\"slice_us\":3000}"

static double slice_of(const struct answer *a, size_t i)
{
	return json_as_number(
		json_path(a->policies[i]->body, "params.slice_us"), 0);
}

/* What was accepted for the same workload is all that one guess needs. */
static void test_what_worked_comes_first(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	struct answer a;

	(void)state;
	remember(s, long_tailed, FAIR, "no-better", "1.01");
	remember(s, long_tailed, FRIEND, "better", "1.4");
	ask_with(&a, s, longer, 1, 0);
	assert_int_equal(a.n, 1);
	assert_string_equal(source_of(&a, 0), "neighbour");
	assert_string_equal(json_text_at(a.plan->body, "origins.0.from"),
			    stream_last(s, "lesson")->id);
	assert_string_equal(json_text_at(a.policies[0]->body, "title"),
			    "an old friend");
	assert_true(slice_of(&a, 0) == 7000);
	/* The run times are those of this workload. */
	assert_string_equal(
		json_text_at(a.policies[0]->body, "identities.3.hash"),
		"00000000000000bd");
	release(&a);
	ask_with(&a, s, longer, 3, 0);
	assert_string_equal(source_of(&a, 0), "neighbour");
	assert_string_equal(source_of(&a, 1), "rule");
	release(&a);
	stream_free(s);
}

static void test_what_is_unlike_does_not(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	struct answer a;

	(void)state;
	remember(s, mixed, FRIEND, "better", "1.4");
	ask_with(&a, s, longer, 1, 0);
	assert_string_equal(source_of(&a, 0), "rule");
	release(&a);
	stream_free(s);
}

static bool proposes_order(const struct answer *a, const char *order)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(param_of(a, i, "order"), order))
			return true;
	return false;
}

static void test_what_was_measured_is_not_proposed_again(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	struct answer before, after;

	(void)state;
	ask(&before, long_tailed, 4, 1);
	for (size_t i = 0; i < before.n; i++) {
		char *params = json_canonical(
			json_get(before.policies[i]->body, "params"));

		remember(s, long_tailed, params, "no-better", "1.0");
		free(params);
	}
	ask_with(&after, s, long_tailed, 40, 0);
	assert_int_equal(after.n, 40);
	for (size_t i = 0; i < after.n; i++)
		for (size_t k = 0; k < before.n; k++) {
			char *x = json_canonical(json_get(
				     after.policies[i]->body, "params")),
			     *y = json_canonical(json_get(
				     before.policies[k]->body, "params"));

			assert_string_not_equal(x, y);
			free(x);
			free(y);
		}
	release(&before);
	release(&after);
	stream_free(s);
}

/* As long as there is anything else. */
static void test_what_harmed_a_neighbour_is_left_alone(void **state)
{
	const unsigned int rules = 1u << SOURCE_RULE;
	struct stream *s = stream_open(-1, -1, "test");
	struct answer a;

	(void)state;
	ask_with(&a, NULL, longer, 20, rules);
	assert_true(proposes_order(&a, "shortest"));
	for (size_t i = 0; i < a.n; i++) {
		char *params =
			json_canonical(json_get(a.policies[i]->body, "params"));

		if (!strcmp(param_of(&a, i, "order"), "shortest"))
			remember(s, long_tailed, params, "unsafe", "0.5");
		free(params);
	}
	release(&a);
	ask_with(&a, s, longer, 4, rules);
	assert_false(proposes_order(&a, "shortest"));
	release(&a);
	ask_with(&a, s, longer, 40, rules);
	assert_true(proposes_order(&a, "shortest"));
	assert_string_equal(param_of(&a, a.n - 1, "order"), "shortest");
	release(&a);
	stream_free(s);
}

static void test_a_reverted_lesson_is_forgotten(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	struct json *note = json_object(), *tags = json_array();
	struct answer a;

	(void)state;
	remember(s, long_tailed, FRIEND, "better", "1.4");
	json_set_string(note, "text", "the machine was broken");
	json_set_string(note, "about", stream_last(s, "lesson")->id);
	json_set(note, "tags", tags);
	json_add(tags, json_string("reverted"));
	assert_int_equal(stream_emit(s, doc_new("note", "test", note, NULL, 0)),
			 0);
	ask_with(&a, s, longer, 1, 0);
	assert_string_equal(source_of(&a, 0), "rule");
	release(&a);
	stream_free(s);
}

static void test_nothing_to_propose_is_an_error(void **state)
{
	struct doc *p = profile(longer), *plan, *policies[PLANNER_MAX];
	struct planner_opts o = {
		.by = "test", .count = 1, .sources = 1u << SOURCE_NEIGHBOUR};
	size_t n;

	(void)state;
	assert_int_equal(planner_run(p, &o, &plan, policies, &n), -ENODATA);
	assert_null(plan);
	assert_int_equal(n, 0);
	doc_free(p);
}

static void test_a_plan_that_was_stopped_is_none(void **state)
{
	static const volatile sig_atomic_t now = 1;
	struct doc *p = profile(longer), *plan, *policies[PLANNER_MAX];
	struct planner_opts o = {.by = "test", .count = 1, .cancel = &now};
	size_t n;

	(void)state;
	assert_int_equal(planner_run(p, &o, &plan, policies, &n), -EINTR);
	assert_null(plan);
	assert_int_equal(n, 0);
	doc_free(p);
}

static void test_grids(void **state)
{
	struct policy_params p[8];
	size_t n;

	(void)state;
	assert_int_equal(planner_sweep("order=fifo,longest;slice_us=5000,9000,"
				       "20000;direct=true",
				       p, 8, &n),
			 0);
	assert_int_equal(n, 6);
	assert_true(p[0].order == ORDER_FIFO && p[0].slice_us == 5000);
	assert_true(p[5].order == ORDER_LONGEST && p[5].slice_us == 20000);
	/* lag_us means nothing without a virtual time: one policy. */
	assert_int_equal(planner_sweep("order=fifo;lag_us=1,2", p, 8, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(planner_sweep("slice_us=51,52,53", p, 2, &n), -E2BIG);
	/* Of one that is too large no half is taken for the whole. */
	assert_int_equal(planner_sweep("slice_us=51,52;lag_us=1,1,1,1,1,1,1,1;"
				       "starve_us=0,0,0,0,0,0,0,0;"
				       "preempt_min_us=1,1,1,1,1,1,1,1;"
				       "unknown_us=1,1,1,1,1,1,1,1",
				       p, 2, &n),
			 -E2BIG);
	assert_int_equal(planner_sweep("slice_us=7", p, 8, &n), -EINVAL);
	assert_int_equal(planner_sweep("order=best", p, 8, &n), -EINVAL);
	assert_int_equal(planner_sweep("colour=red", p, 8, &n), -EINVAL);
	assert_int_equal(planner_sweep("order", p, 8, &n), -EINVAL);
	assert_int_equal(planner_sweep("order=fifo;order=fifo", p, 8, &n),
			 -EINVAL);
	assert_int_equal(planner_sweep("order=", p, 8, &n), -EINVAL);
	assert_int_equal(planner_sweep(";", p, 8, &n), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_tail),
		cmocka_unit_test(test_a_script_is_as_long_as_what_is_in_it),
		cmocka_unit_test(test_lock_holder),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_a_batch_takes_precedence_over_holders),
		cmocka_unit_test(test_a_batch_that_once_waited_is_one),
		cmocka_unit_test(test_workers_are_no_batch),
		cmocka_unit_test(test_nothing_to_gain_is_said),
		cmocka_unit_test(test_same_seed_same_ids),
		cmocka_unit_test(test_as_many_as_asked_all_valid_all_different),
		cmocka_unit_test(test_plan_names_its_policies_in_order),
		cmocka_unit_test(test_what_worked_comes_first),
		cmocka_unit_test(test_what_is_unlike_does_not),
		cmocka_unit_test(test_what_was_measured_is_not_proposed_again),
		cmocka_unit_test(test_what_harmed_a_neighbour_is_left_alone),
		cmocka_unit_test(test_a_reverted_lesson_is_forgotten),
		cmocka_unit_test(test_nothing_to_propose_is_an_error),
		cmocka_unit_test(test_a_plan_that_was_stopped_is_none),
		cmocka_unit_test(test_grids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
