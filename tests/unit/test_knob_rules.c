/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies of the form "knobs" for a profile, with and without the simulator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/planner/knob_rules.h"
#include "agents/planner/planner.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/knobs.h"

#define MAX 64

#define HIST(p50)                                                         \
	"{\"buckets\":[[" p50 ",10]],\"count\":10,\"sum\":1,\"max\":" p50 \
	",\"p50\":" p50 ",\"p90\":" p50 ",\"p99\":" p50 "}"
#define GROUP(name, run, wakeups, burst)                     \
	"{\"name\":\"" name "\",\"tasks\":4,\"run_us\":" run \
	",\"wait_us\":60000000,\"wakeups\":" wakeups         \
	",\"burst_us\":" HIST(burst) ",\"delay_us\":" HIST("2") "}"
#define IDENTITY(hash, us)                                                   \
	"{\"hash\":\"" hash "\",\"name\":\"job\",\"execs\":1,\"run_us\":" us \
	",\"max_us\":" us "}"
/* It ran before anybody looked: nobody knows how long it will take. */
#define STARTED(hash, us)                                                    \
	"{\"hash\":\"" hash "\",\"name\":\"job\",\"execs\":0,\"run_us\":" us \
	",\"max_us\":" us "}"
#define PROFILE(goal, kernel, groups, identities)                              \
	"{\"scope\":\"command\",\"goal\":\"" goal "\",\"source\":\"bpf\","     \
	"\"target\":\"host\",\"duration_us\":10000000,\"system\":{\"cpus\":2," \
	"\"kernel\":\"" kernel "\"},\"run_queue\":{\"busy_pct\":99,"           \
	"\"waiting_pct\":90},\"groups\":[" groups                              \
	"],\"identities\":[" identities "],\"overhead\":{\"drops\":0}}"

static const char *const batch =
	PROFILE("makespan", "6.18.1", GROUP("job", "12000000", "0", "1000000"),
		IDENTITY("00000000000000aa", "1000000") "," IDENTITY(
			"00000000000000ab",
			"9000000") "," IDENTITY("00000000000000ac", "1000000"));
static const char *const mixed =
	PROFILE("latency", "6.18.1",
		GROUP("server", "3000000", "20000",
		      "100") "," GROUP("hog", "17000000", "10", "100000"),
		"");
static const char *const old =
	PROFILE("latency", "6.1.0",
		GROUP("server", "3000000", "20000",
		      "100") "," GROUP("hog", "17000000", "10", "100000"),
		"");
static const char *const odd = PROFILE(
	"makespan", "6.18.1", GROUP("j*b", "12000000", "0", "1000000"), "");

static const char *const begun =
	PROFILE("makespan", "6.18.1", GROUP("job", "12000000", "0", "1000000"),
		IDENTITY("00000000000000aa", "1000000") "," STARTED(
			"00000000000000ad",
			"4000000") "," IDENTITY("00000000000000ab", "9000000"));

struct pool {
	struct json *profile;
	struct proposal v[MAX];
	size_t n;
};

static void propose(struct pool *p, const char *text, uint64_t seed)
{
	struct rng rng;

	rng_init(&rng, seed);
	p->profile = json_parse(text, strlen(text));
	assert_non_null(p->profile);
	p->n = knob_rules_propose(p->profile, &rng, p->v, MAX);
}

static void release(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		json_free(p->v[i].knobs);
	json_free(p->profile);
}

static bool says(const struct pool *p, const char *text)
{
	bool found = false;

	for (size_t i = 0; i < p->n && !found; i++) {
		char *rules = json_canonical(p->v[i].knobs);

		found = strstr(rules, text) != NULL;
		free(rules);
	}
	return found;
}

static void the_long_job_is_spared(void **state)
{
	struct pool p;
	struct json *first;
	char *rules;

	(void)state;
	propose(&p, batch, 1);
	assert_true(p.n > 10);
	rules = json_canonical(p.v[0].knobs);
	assert_string_equal(rules,
			    "[{\"identity\":\"00000000000000ab\",\"match\":"
			    "\"job\",\"nice\":0},{\"match\":\"job\","
			    "\"nice\":10}]");
	free(rules);
	first = knob_rules_uses(p.v[0].knobs);
	assert_int_equal(json_len(first), 2);
	json_free(first);
	release(&p);
}

/* Whose length nobody knows is neither the shortest nor keeps others from
 * being told apart. */
static void a_job_without_a_begin(void **state)
{
	struct pool p;
	bool graded = false;

	(void)state;
	propose(&p, begun, 1);
	for (size_t i = 0; i < p.n; i++)
		graded |= !strcmp(p.v[i].title, "nice by expected run time");
	assert_true(graded);
	assert_true(says(&p, "{\"identity\":\"00000000000000ab\",\"match\":"
			     "\"job\",\"nice\":0},{\"identity\":"
			     "\"00000000000000aa\",\"match\":\"job\","
			     "\"nice\":10}"));
	assert_false(says(&p, "00000000000000ad"));
	for (size_t i = 0; i < p.n; i++)
		assert_null(strstr(p.v[i].why, "the next 0 s"));
	release(&p);
}

static void what_waits_comes_before_what_computes(void **state)
{
	struct pool p;

	(void)state;
	propose(&p, mixed, 1);
	assert_true(says(&p, "{\"match\":\"hog\",\"nice\":10}"));
	assert_true(says(&p, "{\"match\":\"server\",\"slice_us\":500}"));
	assert_false(says(&p, "{\"match\":\"server\",\"nice\""));
	release(&p);
	/* No such kernel has slices. */
	propose(&p, old, 1);
	assert_true(says(&p, "{\"match\":\"hog\",\"nice\":10}"));
	assert_false(says(&p, "slice_us"));
	release(&p);
}

/* All can be read, all differ, none raises anybody above what it has. */
static void all_are_valid_and_different(void **state)
{
	static const char *const profiles[] = {batch, mixed, old, odd, begun};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		struct pool p;

		propose(&p, profiles[i], i);
		assert_true(p.n > 0);
		for (size_t k = 0; k < p.n; k++) {
			struct json *body = json_object();
			struct knobs read;

			json_set(body, "knobs", json_copy(p.v[k].knobs));
			if (knobs_read(body, &read))
				fail_msg("%s", err_text());
			assert_false(read.set & KNOB_CGROUP);
			for (size_t r = 0; r < read.count; r++)
				assert_true(read.rules[r].nice >= 0);
			for (size_t j = 0; j < k; j++) {
				char *a = json_canonical(p.v[k].knobs);
				char *b = json_canonical(p.v[j].knobs);

				assert_string_not_equal(a, b);
				free(a);
				free(b);
			}
			json_free(body);
		}
		release(&p);
	}
}

/* A name that would be a pattern is nobody's rule. */
static void names_are_no_patterns(void **state)
{
	struct pool p;

	(void)state;
	propose(&p, odd, 1);
	assert_false(says(&p, "j*b"));
	release(&p);
}

static void the_planner_takes_them(void **state)
{
	struct json *body = json_parse(batch, strlen(batch));
	struct doc *profile = doc_new("profile", "test", body, NULL, 0);
	struct planner_opts o = {
		.by = "test", .count = 4, .seed = 1, .knobs = true};
	struct doc *plan, *policies[PLANNER_MAX], *again[PLANNER_MAX], *plan2;
	size_t n, m;

	(void)state;
	assert_int_equal(planner_run(profile, &o, &plan, policies, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(planner_run(profile, &o, &plan2, again, &m), 0);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(json_text_at(policies[i]->body, "form"),
				    "knobs");
		assert_string_equal(policies[i]->id, again[i]->id);
		doc_free(policies[i]);
		doc_free(again[i]);
	}
	doc_free(plan);
	doc_free(plan2);
	doc_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_long_job_is_spared),
		cmocka_unit_test(a_job_without_a_begin),
		cmocka_unit_test(what_waits_comes_before_what_computes),
		cmocka_unit_test(all_are_valid_and_different),
		cmocka_unit_test(names_are_no_patterns),
		cmocka_unit_test(the_planner_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
