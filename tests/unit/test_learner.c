/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What verdicts teach, how far workloads are apart, and what many lessons say
 * together. */
#include <errno.h>
#include <fcntl.h>
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

#include "agents/learner/learner.h"
#include "base/err.h"
#include "base/mem.h"
#include "stats/sample.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* ---- a story ---------------------------------------------------------- */

#define HIST(p50, p90)                                            \
	"{\"count\":1000,\"sum\":1000000,\"max\":99,\"p50\":" p50 \
	",\"p90\":" p90 ",\"p99\":99}"
#define IDENTITY(name, hash, us)                                              \
	"{\"hash\":\"" hash "\",\"execs\":1,\"run_us\":" us ",\"max_us\":" us \
	",\"name\":\"" name "\"}"
#define PROFILE(name, kernel, longest)                                                                        \
	"{\"scope\":\"command\",\"goal\":\"makespan\",\"source\":\"bpf\","                                    \
	"\"target\":\"vm\",\"duration_us\":10000000,\"workload\":{\"name\":\"" name                           \
	"\",\"command\":[\"" name "\"]},\"system\":{\"cpus\":2,"                                              \
	"\"kernel\":\"" kernel "\"},\"run_queue\":{\"busy_pct\":99,"                                          \
	"\"waiting_pct\":90},\"costs\":{\"switch_ns\":1500},\"groups\":[{"                                    \
	"\"name\":\"" name "\",\"tasks\":4,\"run_us\":18000000,"                                              \
	"\"wait_us\":60000000,\"wakeups\":100,\"burst_us\":" HIST("900000", "5000000") ",\"delay_us\":" HIST( \
		"1",                                                                                          \
		"2") "}],"                                                                                    \
		     "\"identities\":[" IDENTITY(name "-1", "00000000000000aa", "1000000") "," IDENTITY(      \
			     name "-2", "00000000000000ab",                                                   \
			     "1000000") "," IDENTITY(name "-3",                                               \
						     "00000000000000ac",                                      \
						     longest) "],"                                            \
							      "\"overhead\":{\"drops\":0}}"

#define POLICY                                                             \
	"{\"form\":\"params\",\"title\":\"longest \\u001bknown\",\"why\":" \
	"\"w\",\"uses\":[\"behaviour\"],\"params\":{\"order\":\"longest\"}}"

/* %s: decision, stages, metrics */
#define VERDICT                                                                \
	"{\"policy\":\"%s\",\"workload\":\"w\",\"decision\":\"%s\",\"why\":"   \
	"\"because\",\"target\":\"vm\",\"kernel\":\"6.18.15\",\"accelerator\"" \
	":\"tcg\",\"object_sha256\":\"" ID_B "\",\"stages\":[%s],"             \
	"\"metrics\":[%s],\"evidence\":{\"min_effect_pct\":3,\"runs\":9},"     \
	"\"simulation\":{\"seeds\":5,\"metrics\":[{\"name\":\"wall\","         \
	"\"unit\":\"s\",\"baseline\":11,\"candidate\":10,\"ratio\":1.1}]}}"
#define STAGE(name, status, rule)                                         \
	"{\"name\":\"" name "\",\"status\":\"" status "\",\"findings\":[" \
	"{\"rule\":\"" rule "\",\"text\":\"a task was lost\"}],"          \
	"\"seconds\":1.5}"
#define METRIC(name, ratio, lo, hi, guard)                                   \
	"{\"name\":\"" name "\",\"unit\":\"s\",\"better\":\"lower\","        \
	"\"baseline\":12,\"candidate\":10,\"ratio\":" ratio ",\"ci95\":[" lo \
	"," hi "],\"pairs\":5,\"guard\":" guard "}"

static struct json *parsed(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s: %s", text, err_text());
	return v;
}

static const struct doc *put(struct stream *s, const char *kind,
			     const char *text, const char *const *parents,
			     size_t n)
{
	struct doc *d = doc_new(kind, "test", parsed(text), parents, n);

	assert_non_null(d);
	assert_int_equal(stream_emit(s, d), 0);
	return stream_find(s, d->id);
}

/* Profile, plan, policy and a verdict; the lesson is the last of the stream. */
static const struct doc *learn(struct stream *s, const char *profile,
			       const char *origin, const char *decision,
			       const char *stages, const char *metrics)
{
	const struct doc *p = put(s, "profile", profile, NULL, 0), *policy, *v;
	struct json *body = parsed(POLICY);
	char id[DOC_ID_LEN], *plan, *verdict;
	const char *parents[2] = {p->id};
	struct learned learned;

	doc_body_id(body, id);
	json_free(body);
	plan = mem_printf("{\"profile\":\"%s\",\"regime\":{},\"evidence\":[],"
			  "\"text\":\"t\",\"proposals\":[\"%s\"],"
			  "\"predictions\":[{\"policy\":\"%s\",\"metric\":"
			  "\"wall\",\"ratio\":1.25,\"seeds\":8}],"
			  "\"origins\":[%s],\"seed\":1}",
			  p->id, id, id, origin);
	parents[1] = put(s, "plan", plan, parents, 1)->id;
	policy = put(s, "policy", POLICY, parents, 2);
	assert_string_equal(policy->id, id);
	verdict = mem_printf(VERDICT, id, decision, stages, metrics);
	parents[0] = id;
	parents[1] = p->id;
	v = put(s, "verdict", verdict, parents, 2);
	assert_int_equal(learner_learn(s, "test", &learned), 0);
	assert_int_equal(learned.lessons, 1);
	assert_int_equal(learned.untold, 0);
	free(plan);
	free(verdict);
	v = stream_last(s, "lesson");
	assert_non_null(v);
	return v;
}

static const char *text_of(const struct doc *d)
{
	return json_text_at(d->body, "text");
}

static double num(const struct doc *d, const char *path)
{
	return json_as_number(json_path(d->body, path), NAN);
}

static void a_lesson_holds_what_happened(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	const struct doc *d;

	(void)state;
	d = learn(s, PROFILE("w", "6.18.15", "9000000"), "", "accepted",
		  STAGE("run", "passed", "x"),
		  METRIC("wall", "1.31", "1.25", "1.35", "false") "," METRIC(
			  "p99", "0.98", "0.9", "1.1", "true"));
	assert_string_equal(json_text_at(d->body, "outcome"), "better");
	assert_string_equal(json_text_at(d->body, "tried.source"), "rule");
	assert_string_equal(json_text_at(d->body, "tried.params.order"),
			    "longest");
	assert_true(num(d, "measured.ratio") == 1.31);
	assert_true(num(d, "measured.ci95.1") == 1.35);
	assert_true(num(d, "guards.0.ratio") == 0.98);
	/* The plan's word, and the baseline of the verdict's simulation. */
	assert_true(num(d, "predicted.ratio") == 1.25);
	assert_true(num(d, "predicted.baseline") == 11);
	assert_true(num(d, "conditions.costs.switch_ns") == 1500);
	assert_true(num(d, "conditions.cpus") == 2);
	assert_true(num(d, "spent.guest_runs") == 9);
	assert_string_equal(json_text_at(d->body, "conditions.object_sha256"),
			    ID_B);
	assert_string_equal(json_text_at(d->body, "traits.0"), "long-tailed");
	assert_int_equal(doc_parent_count(d), 3);
	assert_string_equal(
		text_of(d),
		"On a saturated batch of 3 known jobs, one 9.0 times longer "
		"than the typical one, on 2 CPUs, 'longest \\x1bknown' was 1.31 "
		"(1.25 to 1.35) times as good as EEVDF in wall; the simulator "
		"had said 1.25.");
	stream_free(s);
}

static void outcomes_are_told_apart(void **state)
{
	static const struct {
		const char *decision, *stages, *metrics, *outcome, *words;
	} cases[] = {
		{"rejected", STAGE("sim", "failed", "lost"), "", "unsafe",
		 "stage sim failed (a task was lost)"},
		{"rejected", STAGE("run", "failed", "ejected"), "", "unsafe",
		 "stage run failed"},
		{"rejected", STAGE("run", "failed", "not-better"),
		 METRIC("wall", "1.01", "0.9", "1.1", "false"), "no-better",
		 "made no difference that counts"},
		{"rejected", STAGE("run", "failed", "worse"),
		 METRIC("wall", "0.8", "0.7", "0.9", "false"), "worse",
		 "did harm"},
		{"rejected", STAGE("run", "failed", "guard"),
		 METRIC("wall", "1.4", "1.3", "1.5",
			"false") "," METRIC("p99", "0.5", "0.4", "0.6", "true"),
		 "worse", "and 0.5 (0.4 to 0.6) times as good as EEVDF in p99"},
		{"rejected", STAGE("run", "failed", "screening"),
		 METRIC("wall", "1.4", "null", "null", "false"), "unknown",
		 "was left undecided: it was 1.4 times"},
		{"inconclusive", STAGE("run", "unknown", "undecided"),
		 METRIC("wall", "1.2", "0.9", "1.4", "false"), "unknown",
		 "was left undecided"},
		{"inconclusive", STAGE("run", "skipped", "x"), "", "unknown",
		 "nothing was measured"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stream *s = stream_open(-1, -1, "test");
		const struct doc *d = learn(
			s, PROFILE("w", "6.18.15", "9000000"), "",
			cases[i].decision, cases[i].stages, cases[i].metrics);

		assert_string_equal(json_text_at(d->body, "outcome"),
				    cases[i].outcome);
		if (!strstr(text_of(d), cases[i].words))
			fail_msg("%s: %s", cases[i].words, text_of(d));
		stream_free(s);
	}
}

static void learning_twice_teaches_once(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	struct learned again;

	(void)state;
	learn(s, PROFILE("w", "6.18.15", "9000000"), "", "accepted",
	      STAGE("run", "passed", "x"), "");
	assert_int_equal(learner_learn(s, "test", &again), 0);
	assert_int_equal(again.lessons, 0);
	stream_free(s);
}

/* A verdict that was signed later has the first one for a parent. */
static void signing_again_teaches_nothing(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	const char *parents[3];
	const struct doc *v;
	struct learned again;
	struct json *body;

	(void)state;
	learn(s, PROFILE("w", "6.18.15", "9000000"), "", "accepted",
	      STAGE("run", "passed", "x"), "");
	v = stream_last(s, "verdict");
	parents[0] = doc_parent(v, 0);
	parents[1] = doc_parent(v, 1);
	parents[2] = v->id;
	body = json_copy(v->body);
	json_set_string(body, "note", "as good as signed");
	assert_int_equal(
		stream_emit(s, doc_new("verdict", "test", body, parents, 3)),
		0);
	assert_int_equal(learner_learn(s, "test", &again), 0);
	assert_int_equal(again.lessons, 0);
	assert_int_equal(again.untold, 0);
	stream_free(s);
}

static void without_its_policy_a_verdict_teaches_nothing(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	char *verdict = mem_printf(VERDICT, ID_A, "accepted", "", "");
	struct learned learned;

	(void)state;
	put(s, "verdict", verdict, NULL, 0);
	assert_int_equal(learner_learn(s, "test", &learned), 0);
	assert_int_equal(learned.lessons, 0);
	assert_int_equal(learned.untold, 1);
	assert_non_null(strstr(err_text(), "is about policy aaaaaaaaaaaa"));
	free(verdict);
	stream_free(s);
}

/* ---- features --------------------------------------------------------- */

static struct json *features(const char *profile)
{
	struct json *body = parsed(profile), *v = learner_features(body);

	json_free(body);
	return v;
}

static void names_are_no_features(void **state)
{
	struct json *a = features(PROFILE("make", "6.18.15", "9000000"));
	struct json *b = features(PROFILE("nightly", "6.18.15", "9000000"));
	char *x = json_canonical(a), *y = json_canonical(b);

	(void)state;
	assert_string_equal(x, y);
	assert_true(learner_distance(a, b) == 0);
	json_each (v, a)
		assert_int_equal(json_type(v), JSON_NUMBER);
	free(x);
	free(y);
	json_free(a);
	json_free(b);
}

static void distance_grows_with_the_difference(void **state)
{
	struct json *a = features(PROFILE("w", "6.18", "9000000"));
	struct json *b = features(PROFILE("w", "6.18", "8000000"));
	struct json *c = features(PROFILE("w", "6.18", "1100000"));

	(void)state;
	assert_true(learner_distance(a, b) > 0);
	assert_true(learner_distance(a, b) < LEARNER_NEAR);
	assert_true(learner_distance(a, c) > learner_distance(a, b));
	json_set_number(c, "version", LEARNER_VERSION + 1);
	assert_true(isinf(learner_distance(a, c)));
	json_free(a);
	json_free(b);
	json_free(c);
}

static void elsewhere_is_further(void **state)
{
	struct stream *s = stream_open(-1, -1, "test");
	const struct doc *d =
		learn(s, PROFILE("w", "6.18.15", "9000000"), "", "accepted",
		      STAGE("run", "passed", "x"), "");
	static const struct {
		const char *kernel;
		double distance;
	} cases[] = {
		{"6.18.3+deb13-cloud-amd64", 0},
		{"6.1.3", LEARNER_ELSEWHERE},
		{"6.180", LEARNER_ELSEWHERE},
		{"7.3.4", LEARNER_ELSEWHERE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *p = parsed(PROFILE("w", "6.18.15", "9000000"));
		struct json *f = learner_features(p);
		struct json *system = json_copy(json_get(p, "system"));

		json_set_string(system, "kernel", cases[i].kernel);
		json_set(p, "system", system);
		assert_true(fabs(learner_lesson_distance(d->body, p, f) -
				 cases[i].distance) < 1e-9);
		json_free(f);
		json_free(p);
	}
	stream_free(s);
}

/* ---- regret ----------------------------------------------------------- */

static struct doc *figure(char policy, double ratio, const char *outcome,
			  double pairs)
{
	struct json *b = parsed(
		"{\"profile\":\"" ID_A "\",\"verdict\":\"" ID_A
		"\",\"features\":{},\"tried\":{\"form\":\"params\",\"title\":"
		"\"t\",\"source\":\"rule\"},\"text\":\"t\",\"conditions\":{"
		"\"target\":\"vm\",\"kernel\":\"6.18\"},\"measured\":{"
		"\"metric\":\"wall\",\"pairs\":5}}");
	struct json *m = json_copy(json_get(b, "measured"));
	char id[DOC_ID_LEN] = {0};
	struct doc *d;

	memset(id, policy, DOC_ID_LEN - 1);
	json_set_string(b, "policy", id);
	json_set_string(b, "outcome", outcome);
	json_set_number(m, "ratio", ratio);
	json_set_number(m, "pairs", pairs);
	json_set(b, "measured", m);
	d = doc_new("lesson", "test", b, NULL, 0);
	if (!d)
		fail_msg("%s", err_text());
	return d;
}

static void regret_is_against_the_best_that_counts(void **state)
{
	struct doc *docs[] = {figure('a', 1.2, "better", 5),
			      figure('b', 1.5, "better", 5),
			      figure('c', 3.0, "worse", 5), /* a guard fell */
			      figure('d', 1.1, "unknown", 5),
			      figure('f', 1.6, "unknown", 1)}; /* one look */
	const struct doc *const *all = (const struct doc *const *)docs;
	char id[DOC_ID_LEN] = {0};
	struct regret r;

	(void)state;
	assert_int_equal(learner_regret(all, 5, ID_A, ID_A, &r), 0);
	assert_true(r.ratio == 1.2 && r.best_ratio == 1.5);
	assert_true(fabs(r.pct - 25) < 1e-9);
	assert_int_equal(r.points, 5);
	assert_string_equal(r.best, ID_B);
	assert_int_equal(learner_regret(all, 5, ID_A, ID_B, &r), 0);
	assert_true(r.pct == 0);
	memset(id, 'e', DOC_ID_LEN - 1);
	assert_int_equal(learner_regret(all, 5, ID_A, id, &r), -ENOENT);
	assert_int_equal(learner_regret(all, 5, ID_B, ID_A, &r), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(docs); i++)
		doc_free(docs[i]);
}

/* ---- calibration ------------------------------------------------------ */

/*
 * Recorded by tests/bench/fidelity.sh: seven workloads under six policies,
 * two pairs each in an emulated guest; foretold and measured ratios.
 */
#define POLICIES 6
static const double recorded[][2] = {
	/* one long job */
	{1.0004, 0.995},
	{1.0022, 0.939},
	{1.0355, 0.980},
	{1.0078, 1.197},
	{1.0331, 0.996},
	{1.4111, 1.436},
	/* requests */
	{2.7294, 2.478},
	{2.0471, 2.109},
	{1.6932, 1.557},
	{1.7543, 1.621},
	{1.0116, 1.003},
	{2.3954, 2.698},
	/* without the lock */
	{0.9968, 1.058},
	{1.0063, 1.051},
	{1.0059, 0.964},
	{1.0018, 0.993},
	{1.001, 0.913},
	{1.0068, 1.071},
	/* build steps */
	{0.9567, 0.908},
	{0.9915, 0.958},
	{0.9916, 0.950},
	{0.9972, 1.027},
	{0.9951, 0.933},
	{0.9875, 0.937},
	/* ticks beside a batch */
	{0.0594, 0.0587},
	{0.3188, 0.2678},
	{1.1961, 1.1131},
	{0.2493, 0.3788},
	{1.1861, 1.1033},
	{0.2763, 0.2894},
	/* a batch beside ticks */
	{1.2331, 1.3151},
	{1.1715, 1.2100},
	{0.9487, 0.8636},
	{1.1946, 1.2123},
	{0.9534, 0.9195},
	{1.1405, 1.1816},
	/* hackbench, which the simulator does not know */
	{0.9841, 1.0805},
	{1.0175, 1.0184},
	{1.0372, 0.1723},
	{1.0137, 0.9399},
	{1.0289, 0.6916},
	{1.0029, 1.0588},
};

/* All but the workload's own rows, for each workload: what a new workload
 * would meet. */
static void held_out(double *raw, double *calibrated, double *covered)
{
	size_t n = ARRAY_LEN(recorded), inside = 0;
	double before[ARRAY_LEN(recorded)], after[ARRAY_LEN(recorded)];

	for (size_t w = 0; w < n; w += POLICIES) {
		double x[ARRAY_LEN(recorded)], y[ARRAY_LEN(recorded)];
		struct calibration c;
		size_t m = 0;

		for (size_t i = 0; i < n; i++)
			if (i < w || i >= w + POLICIES) {
				x[m] = log(recorded[i][0]);
				y[m++] = log(recorded[i][1]);
			}
		learner_calibrate(x, y, m, &c);
		for (size_t i = w; i < w + POLICIES; i++) {
			struct expected e;

			learner_expect(&c, recorded[i][0], &e);
			before[i] = fabs(log(recorded[i][0] / recorded[i][1]));
			after[i] = fabs(log(e.ratio / recorded[i][1]));
			inside += e.lo <= recorded[i][1] &&
				  recorded[i][1] <= e.hi;
		}
	}
	*raw = sample_mean(before, n);
	*calibrated = sample_mean(after, n);
	*covered = (double)inside / (double)n;
}

/* The simulator as it is leaves nothing systematic to correct: the gain is an
 * interval that can be believed, and no harm. */
static void on_recorded_figures_it_does_no_harm(void **state)
{
	double raw, calibrated, covered;

	(void)state;
	held_out(&raw, &calibrated, &covered);
	print_message("held out: mean error %.2f %% as foretold, %.2f %% "
		      "calibrated; %.0f %% inside the interval\n",
		      100 * raw, 100 * calibrated, 100 * covered);
	assert_true(calibrated < raw * 1.02);
	assert_true(covered > 0.8);
}

/* The same figures as a simulator would have given that makes every effect
 * half again as large, and all a tenth too good. */
static void what_is_systematic_is_learned(void **state)
{
	double before = 0, after = 0;
	double x[ARRAY_LEN(recorded)], y[ARRAY_LEN(recorded)];
	size_t n = ARRAY_LEN(recorded), half = n / 2;
	struct calibration c;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		/* Workloads in turn to both halves. */
		size_t to = i % 2 ? half + i / 2 : i / 2;

		x[to] = 1.5 * log(recorded[i][0]) + 0.1;
		y[to] = log(recorded[i][1]);
	}
	learner_calibrate(x, y, half, &c);
	assert_true(c.slope < 0.9 && c.slope > 0.5);
	assert_true(c.offset < 0);
	for (size_t i = half; i < n; i++) {
		before += fabs(x[i] - y[i]);
		after += fabs(c.offset + c.slope * x[i] - y[i]);
	}
	print_message("a simulator that is off: %.1f %% before, %.1f %% "
		      "after\n",
		      100 * before / (double)(n - half),
		      100 * after / (double)(n - half));
	assert_true(after < 0.8 * before);
}

static void little_experience_changes_little(void **state)
{
	const double x[] = {0.1}, y[] = {1.5};
	struct calibration c;

	(void)state;
	learner_calibrate(NULL, NULL, 0, &c);
	assert_true(c.offset == 0 && c.slope == 1 && c.sd > 0);
	learner_calibrate(x, y, 1, &c);
	assert_true(fabs(c.offset) < 0.1 && fabs(c.slope - 1) < 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lesson_holds_what_happened),
		cmocka_unit_test(outcomes_are_told_apart),
		cmocka_unit_test(learning_twice_teaches_once),
		cmocka_unit_test(signing_again_teaches_nothing),
		cmocka_unit_test(without_its_policy_a_verdict_teaches_nothing),
		cmocka_unit_test(names_are_no_features),
		cmocka_unit_test(distance_grows_with_the_difference),
		cmocka_unit_test(elsewhere_is_further),
		cmocka_unit_test(regret_is_against_the_best_that_counts),
		cmocka_unit_test(on_recorded_figures_it_does_no_harm),
		cmocka_unit_test(what_is_systematic_is_learned),
		cmocka_unit_test(little_experience_changes_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
