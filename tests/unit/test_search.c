/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search in the simulator, and what it compares by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agents/planner/search.h"
#include "agents/simulator/simulate.h"
#include "base/err.h"
#include "base/mem.h"

/* Servers of short bursts beside hogs, on two CPUs, for half a second. */
#define GROUP(name, tasks, run, wakeups, burst, n, sleep)              \
	"{\"name\":\"" name "\",\"tasks\":" tasks ",\"run_us\":" run   \
	",\"wait_us\":100000,\"wakeups\":" wakeups ",\"weight\":1024," \
	"\"burst_us\":" HIST(burst, n) ",\"delay_us\":" HIST(          \
		"100",                                                 \
		wakeups) ",\"sleep_us\":" HIST(sleep,                  \
					       wakeups) ",\"wakers\":[]}"
#define HIST(us, n)                                                     \
	"{\"count\":" n ",\"sum\":" us "000,\"max\":" us ",\"p50\":" us \
	",\"p90\":" us ",\"p99\":" us ",\"buckets\":[[" us "," n "]]}"
#define PROFILE                                                                  \
	"{\"scope\":\"command\",\"goal\":\"latency\",\"source\":\"bpf\","        \
	"\"target\":\"vm\",\"duration_us\":500000,"                              \
	"\"system\":{\"cpus\":2,\"kernel\":\"6.18\"},"                           \
	"\"run_queue\":{\"busy_pct\":99,\"waiting_pct\":90},\"groups\":[" GROUP( \
		"server", "2", "200000", "1000", "200", "1000",                  \
		"800") "," GROUP("batch", "4", "800000", "10", "50000", "16",    \
				 "1000") "],\"identities\":[],\"overhead\":{\"drops\":0}}"

static struct json *parsed(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s", err_text());
	return v;
}

#define MAX_FOUND 16

struct found {
	struct proposal p[MAX_FOUND];
	struct search_point scores[MAX_FOUND];
	struct search_result r;
	int n;
};

static void note_progress(void *arg, long done, long all, double best)
{
	long *calls = arg;

	assert_true(done >= 0 && all > 0 && best >= 0);
	++*calls;
}

/* The rules' points, and variants of them. */
static size_t begin_with(const struct features *f, uint64_t seed,
			 struct search_point *out, size_t max)
{
	struct proposal p[64];
	struct rng rng;
	size_t n;

	assert_true(max <= 64);
	rng_init(&rng, seed);
	n = rules_vary(f, &rng, p, rules_propose(f, p, max), max);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct search_point){.p = p[i], .kept = i == 0};
	return n;
}

static void look(struct found *out, const char *profile, long runs,
		 uint64_t seed, size_t n, const volatile sig_atomic_t *cancel)
{
	struct search_point first[64], *points = NULL;
	struct json *body = parsed(profile);
	struct optimiser *optimiser = optimiser_new();
	struct search *s;
	struct features f;
	long calls = 0;
	struct search_opts o = {.seed = seed,
				.runs = runs,
				.optimiser = optimiser,
				.cancel = cancel,
				.progress = note_progress,
				.progress_arg = &calls};

	memset(out, 0, sizeof(*out));
	features_read(body, &f);
	out->n = search_open(body, &f, NULL, &o, &s);
	if (!out->n) {
		size_t have =
			begin_with(&f, seed, first, search_width(runs, n));

		out->n = search_run(s, first, have, n, &points);
		out->r = *search_result(s);
	}
	if (out->n > 0)
		assert_true(calls > 0 && out->n <= MAX_FOUND);
	for (int i = 0; i < out->n; i++) {
		out->p[i] = points[i].p;
		out->scores[i] = points[i];
	}
	free(points);
	search_close(s);
	optimiser_free(optimiser);
	features_release(&f);
	json_free(body);
}

static bool same(const struct proposal *a, const struct proposal *b)
{
	return !memcmp(&a->params, &b->params, sizeof(a->params));
}

static void the_best_come_first(void **state)
{
	struct found a;

	(void)state;
	look(&a, PROFILE, 28, 1, 4, NULL);
	if (a.n < 0)
		fail_msg("%s", err_text());
	assert_true(a.n >= 4);
	for (int i = 1; i < a.n; i++)
		assert_true(a.scores[i].score <= a.scores[i - 1].score);
	for (int i = 0; i < a.n; i++)
		for (int j = 0; j < i; j++)
			assert_false(same(&a.p[i], &a.p[j]));
	assert_true(a.r.tried > a.n);
	assert_true(a.r.runs >= a.r.tried);
	assert_true(a.r.events > 0);
	assert_non_null(a.r.metric);
}

/* Whoever stays to the end has been run on the seeds of every round. */
static void survivors_are_run_on_more_seeds(void **state)
{
	struct found a;

	(void)state;
	look(&a, PROFILE, 28, 1, 2, NULL);
	assert_true(a.n >= 2);
	for (int i = 0; i < a.n; i++)
		assert_int_equal(a.scores[i].seeds, 8);
}

static void the_first_rule_is_always_there(void **state)
{
	struct json *body = parsed(PROFILE);
	struct proposal rule;
	struct features f;

	(void)state;
	features_read(body, &f);
	assert_int_equal(rules_propose(&f, &rule, 1), 1);
	for (size_t n = 1; n <= 4; n++) {
		struct found a;
		int times = 0;

		look(&a, PROFILE, 28, n, n, NULL);
		for (int i = 0; i < a.n; i++)
			times += same(&a.p[i], &rule);
		assert_int_equal(times, 1);
	}
	features_release(&f);
	json_free(body);
}

static int by_score(const void *a, const void *b)
{
	const struct search_point *x = a, *y = b;

	return (x->score < y->score) - (x->score > y->score);
}

/* Also where one of them stands where another one is let in. */
static void the_best_of_each_source_survives(void **state)
{
	struct search_point first[16], *points = NULL;
	struct json *body = parsed(PROFILE);
	struct search_opts o = {.seed = 1, .runs = ARRAY_LEN(first)};
	bool seen[SOURCE_COUNT] = {false};
	struct features f;
	struct search *s;
	size_t n;

	(void)state;
	features_read(body, &f);
	n = begin_with(&f, 1, first, ARRAY_LEN(first));
	assert_int_equal(n, ARRAY_LEN(first));
	assert_int_equal(search_open(body, &f, NULL, &o, &s), 0);
	assert_int_equal(search_score(s, first, n), 0);
	qsort(first, n, sizeof(*first), by_score);
	/* Four go on after every round. */
	for (size_t i = 0; i < n; i++) {
		first[i].p.source = i == 3   ? SOURCE_NEIGHBOUR
				    : i == 5 ? SOURCE_MODEL
					     : SOURCE_RULE;
		first[i].kept = false;
		first[i].seeds = 0;
	}
	assert_true(first[5].score < first[3].score);
	n = (size_t)search_run(s, first, n, 1, &points);
	for (size_t i = 0; i < n; i++)
		seen[points[i].p.source] = true;
	assert_true(seen[SOURCE_RULE] && seen[SOURCE_NEIGHBOUR] &&
		    seen[SOURCE_MODEL]);
	free(points);
	search_close(s);
	features_release(&f);
	json_free(body);
}

static void the_seed_decides(void **state)
{
	struct found a, b, c;
	int differ = 0;

	(void)state;
	look(&a, PROFILE, 28, 7, 4, NULL);
	look(&b, PROFILE, 28, 7, 4, NULL);
	look(&c, PROFILE, 28, 8, 4, NULL);
	assert_int_equal(a.n, b.n);
	assert_int_equal(a.r.runs, b.r.runs);
	assert_int_equal(a.r.events, b.r.events);
	for (int i = 0; i < a.n; i++) {
		assert_true(same(&a.p[i], &b.p[i]));
		assert_true(a.scores[i].score == b.scores[i].score);
		differ += i >= c.n || !same(&a.p[i], &c.p[i]);
	}
	assert_true(differ > 0);
}

static void what_cannot_be_simulated_is_said(void **state)
{
	struct found a;

	(void)state;
	look(&a, "{\"goal\":\"latency\",\"duration_us\":1,\"groups\":[]}", 8, 1,
	     1, NULL);
	assert_int_equal(a.n, -EINVAL);
	assert_non_null(strstr(err_text(), "nothing ran"));
}

static void a_search_can_be_stopped(void **state)
{
	static const volatile sig_atomic_t now = 1;
	struct found a;

	(void)state;
	look(&a, PROFILE, 28, 1, 2, &now);
	assert_int_equal(a.n, -EINTR);
}

struct patience {
	volatile sig_atomic_t over;
	long calls, most;
};

static void lose_patience(void *arg, long done, long all, double best)
{
	struct patience *p = arg;

	(void)done;
	(void)all;
	(void)best;
	p->over = ++p->calls == p->most;
}

/* A run that was cut short says nothing of its point, also the last one. */
static void a_search_can_be_stopped_at_its_end(void **state)
{
	struct search_point first[4], *points = NULL;
	struct json *body = parsed(PROFILE);
	struct patience p = {0};
	struct search_opts o = {.seed = 1,
				.runs = ARRAY_LEN(first),
				.cancel = &p.over,
				.progress = lose_patience,
				.progress_arg = &p};
	struct features f;
	struct search *s;
	size_t n;

	(void)state;
	features_read(body, &f);
	n = begin_with(&f, 1, first, ARRAY_LEN(first));
	assert_int_equal(search_open(body, &f, NULL, &o, &s), 0);
	assert_true(search_run(s, first, n, 1, &points) > 0);
	free(points);
	p.most = p.calls;
	p.calls = 0;
	assert_int_equal(search_run(s, first, n, 1, &points), -EINTR);
	p = (struct patience){.most = (long)n};
	assert_int_equal(search_score(s, first, n), -EINTR);
	search_close(s);
	features_release(&f);
	json_free(body);
}

/* ---- arms beside each other ------------------------------------------- */

#define METRIC(name, better, value)                                  \
	"{\"name\":\"" name "\",\"unit\":\"s\",\"better\":\"" better \
	"\",\"value\":" value "}"

static void above_one_is_better(void **state)
{
	struct json *a = parsed("[" METRIC("rate", "higher", "10") "," METRIC(
		"p99", "lower", "10") "," METRIC("mean", "lower", "0") "]");
	struct json *b = parsed("[" METRIC("rate", "higher", "20") "," METRIC(
		"p99", "lower", "20") "]");
	struct json *rows = simulate_compare(a, b);

	(void)state;
	assert_true(simulate_ratio(a, b, "rate") == 2);
	assert_true(simulate_ratio(a, b, "p99") == 0.5);
	assert_true(simulate_ratio(a, b, "mean") == 0);
	assert_true(simulate_ratio(a, b, "none") == 0);
	assert_int_equal(json_len(rows), 2);
	assert_true(json_as_number(json_path(rows, "1.ratio"), 0) == 0.5);
	json_free(rows);
	json_free(a);
	json_free(b);
}

static void on_purpose_is_no_defect(void **state)
{
	(void)state;
	for (int rule = 0; rule < SIM_RULES; rule++) {
		struct sim_result r = {.finding_count = 1};
		bool may = rule == SIM_UNFAIR || rule == SIM_IDLE ||
			   rule == SIM_STARVATION;

		r.findings[0].rule = (enum sim_rule)rule;
		assert_int_equal(simulate_has_defect(&r), !may);
	}
}

static void machine_is(const char *profile, uint32_t cpus, uint32_t threads,
		       uint32_t llcs, uint32_t nodes)
{
	struct json *body = parsed(profile);
	struct sim_machine m;

	simulate_machine(body, &m);
	assert_int_equal(m.cpus, cpus);
	assert_int_equal(m.threads, threads);
	assert_int_equal(m.llcs, llcs);
	assert_int_equal(m.nodes, nodes);
	json_free(body);
}

static void a_profile_names_its_machine(void **state)
{
	(void)state;
	machine_is("{}", 4, 1, 1, 1);
	machine_is("{\"system\":{\"cpus\":16,\"cores\":8,\"llcs\":4,"
		   "\"nodes\":2}}",
		   16, 2, 4, 2);
	machine_is("{\"system\":{\"cpus\":1,\"cores\":0.5}}", 1, 1, 1, 1);
	machine_is("{\"system\":{\"cpus\":1e300,\"llcs\":-1}}", 4, 1, 1, 1);
	machine_is("{\"system\":{\"cpus\":2,\"llcs\":8,\"nodes\":8}}", 2, 1, 1,
		   1);
}

/* More seeds: as many runs, the medians between the extremes. */
static void seeds_are_joined(void **state)
{
	struct json *body = parsed(PROFILE);
	struct sim_opts o = {.seed = 1, .limit_ns = 2000000000};
	double low = 0, high = 0, middle;
	struct simulated s;
	struct load *l;

	(void)state;
	assert_int_equal(load_from_profile(body, &l), 0);
	simulate_machine(body, &o.machine);
	simulate_costs(l, &o.costs);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		double x;

		o.seed = seed;
		assert_int_equal(simulate(&o, NULL, l, 1, &s), 0);
		x = json_as_number(json_path(s.metrics, "0.value"), 0);
		low = seed == 1 || x < low ? x : low;
		high = x > high ? x : high;
		simulated_release(&s);
	}
	o.seed = 1;
	assert_int_equal(simulate(&o, NULL, l, 3, &s), 0);
	assert_int_equal(s.runs, 3);
	middle = json_as_number(json_path(s.metrics, "0.value"), 0);
	assert_true(low <= middle && middle <= high);
	simulated_release(&s);
	load_free(l);
	json_free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_come_first),
		cmocka_unit_test(survivors_are_run_on_more_seeds),
		cmocka_unit_test(the_first_rule_is_always_there),
		cmocka_unit_test(the_best_of_each_source_survives),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(what_cannot_be_simulated_is_said),
		cmocka_unit_test(a_search_can_be_stopped),
		cmocka_unit_test(a_search_can_be_stopped_at_its_end),
		cmocka_unit_test(above_one_is_better),
		cmocka_unit_test(on_purpose_is_no_defect),
		cmocka_unit_test(a_profile_names_its_machine),
		cmocka_unit_test(seeds_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
