/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/canary/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/sample.h"
#include "stats/sequential.h"

/* One-sided, of all looks at a metric together.  To send a harmless policy
 * back costs a deployment, and there are several metrics. */
#define WORSE_ERROR  0.02
#define EACH_ERROR   0.002 /* of the worst of many tasks, who was picked */
#define PASSED_ERROR 0.05

const char *canary_answer_name(enum canary_answer a)
{
	static const char *const names[] = {"unfinished", "passed", "worse",
					    "inconclusive"};

	return names[a];
}

static void __attribute__((format(printf, 3, 4)))
answer(struct canary_finding *f, enum canary_answer a, const char *fmt, ...)
{
	va_list ap;

	f->answer = a;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
}

/* Worse, unless others came first. */
static void blame(const struct canary_case *c, double fair_pct,
		  struct canary_finding *f, const char *what)
{
	if (!c->partial || c->fair_pct < fair_pct)
		answer(f, CANARY_WORSE, "%s", what);
	else
		answer(f, CANARY_UNSURE,
		       "it cannot be judged in partial mode: %s, but others "
		       "took %.0f %% of the CPUs, and the kernel picks tasks "
		       "of its default class first; '--canary all' measures "
		       "with short full switches",
		       what, c->fair_pct);
}

/* ---- one metric ------------------------------------------------------- */

struct numbers {
	double with[CANARY_PAIRS], without[CANARY_PAIRS]; /* comparable */
	double log[CANARY_PAIRS]; /* of their ratios, above 0 better */
};

static double comparable(const struct canary_metric *m,
			 const struct canary_value *v)
{
	double x = v->canary + m->floor, beside = v->control + m->floor;

	return v->control < 0 || beside <= 0 ? x : x / beside;
}

static void prepare(const struct canary_series *s, size_t n,
		    struct numbers *out)
{
	for (size_t i = 0; i < n; i++) {
		out->with[i] = comparable(&s->metric, &s->with[i]);
		out->without[i] = comparable(&s->metric, &s->without[i]);
		out->log[i] =
			log(evidence_ratio(s->metric.higher_is_better,
					   out->without[i], out->with[i]));
	}
}

/* What was measured, not what was compared. */
static double median_of(const struct canary_value *v, size_t n)
{
	double x[CANARY_PAIRS];

	for (size_t i = 0; i < n; i++)
		x[i] = v[i].canary;
	return sample_median(x, n);
}

/* Whether sign * log + shift is above zero, in a test that allows looks. */
static bool shown(const double *logs, size_t n, double sign, double shift,
		  double error)
{
	const struct sequential_plan p = {.error = error, .most = CANARY_PAIRS};
	double x[CANARY_PAIRS];

	for (size_t i = 0; i < n; i++)
		x[i] = sign * logs[i] + shift;
	return sequential_crossed(&p, x, n);
}

static double margin_of(const struct canary_metric *m)
{
	return 1 + m->margin_pct / 100;
}

/* That one of many is worse is more than chance. */
static bool some_is_worse(const struct canary_series *s, size_t n)
{
	const struct sequential_plan p = {.error = EACH_ERROR,
					  .most = CANARY_PAIRS};
	size_t size = s->each_count * CANARY_PAIRS;
	double *worse = mem_zalloc(size, sizeof(*worse));
	bool is;

	for (size_t i = 0; i < size; i++)
		worse[i] = -s->each[i];
	is = sequential_crossed_max(&p, worse, s->each_count, CANARY_PAIRS, n);
	free(worse);
	return is;
}

/* What the test says; the interval takes longer. */
static enum canary_answer test_one(const struct canary_case *c, size_t i)
{
	const struct canary_series *s = &c->series[i];
	struct numbers n;

	if (s->absent)
		return CANARY_PASSED;
	prepare(s, c->pairs, &n);
	if (shown(n.log, c->pairs, -1, 0,
		  s->each_count ? EACH_ERROR : WORSE_ERROR) &&
	    (!s->each_count || some_is_worse(s, c->pairs)))
		return CANARY_WORSE;
	if (shown(n.log, c->pairs, 1, log(margin_of(&s->metric)), PASSED_ERROR))
		return CANARY_PASSED;
	return CANARY_ON;
}

static void measure_one(const struct canary_case *c, size_t i,
			struct evidence *e)
{
	const struct canary_series *s = &c->series[i];
	const struct evidence_rule rule = {
		.higher_is_better = s->metric.higher_is_better,
		.min_effect_pct = s->metric.least_pct,
		.seed = c->seed + i,
	};
	struct numbers n;

	prepare(s, c->pairs, &n);
	evidence_judge(&rule, n.without, n.with, c->pairs, e);
	e->baseline = median_of(s->without, c->pairs);
	e->candidate = median_of(s->with, c->pairs);
}

/* A worse one that is of no matter may still be found to be small enough.  Of
 * the worst of many the interval is worse than that of any: the test will do.
 */
static enum canary_answer judge_one(const struct canary_case *c, size_t i,
				    enum canary_answer test,
				    const struct evidence *e)
{
	const struct canary_metric *m = &c->series[i].metric;
	bool apart = c->series[i].each_count
			     ? e->ratio > 1 / (1 + m->least_pct / 100)
			     : e->lo >= 1 / margin_of(m);

	if (test == CANARY_WORSE && e->effect == EFFECT_WORSE)
		return CANARY_WORSE;
	return test != CANARY_ON && apart ? CANARY_PASSED : CANARY_ON;
}

static void describe(const struct canary_case *c, size_t i,
		     const struct evidence *e, char *out, size_t size)
{
	const struct canary_metric *m = &c->series[i].metric;
	char who[32] = "";

	if (c->series[i].each_count)
		snprintf(who, sizeof(who), " of %d", (int)c->series[i].tid);
	snprintf(
		out, size,
		"%s%s was %.4g %s with the policy and %.4g without: a ratio of "
		"%.3g (95 %%: %.3g to %.3g, %zu pairs; above 1 is better)",
		m->name, who, e->candidate, m->unit, e->baseline, e->ratio,
		e->lo, e->hi, e->pairs);
}

/* ---- all of it -------------------------------------------------------- */

bool canary_crowded(const struct canary_case *c, struct canary_finding *out)
{
	if (!c->partial || c->fair_pct < CANARY_FULL_PCT)
		return false;
	answer(out, CANARY_UNSURE,
	       "it was not tried: others take %.0f %% of the CPUs, the kernel "
	       "picks tasks of its default class first, and the canary would "
	       "starve; '--canary all' measures with short full switches",
	       c->fair_pct);
	return true;
}

bool canary_starves(const struct canary_case *c, struct canary_finding *out)
{
	char what[160];

	if (c->longest_s < CANARY_STARVED_S ||
	    c->longest_s < CANARY_STARVED_TIMES * c->longest_0_s)
		return false;
	snprintf(what, sizeof(what),
		 "a task was ready to run and did not for %.1f s (without the "
		 "policy at most %.2f s)",
		 c->longest_s, c->longest_0_s);
	blame(c, CANARY_HALF_PCT, out, what);
	return true;
}

static void unsettled(const struct canary_case *c, size_t i,
		      struct canary_finding *out)
{
	char what[256];

	describe(c, i, &out->evidence[i], what, sizeof(what));
	answer(out, CANARY_UNSURE,
	       "after %zu pairs it can neither be called worse nor be excluded "
	       "that it is, by %.0f %%: %s",
	       c->pairs, c->series[i].metric.margin_pct, what);
}

/* Whether the tests allow of any answer yet. */
static bool may_answer(const struct canary_case *c, enum canary_answer *test)
{
	size_t passed = 0;
	bool worse = false;

	for (size_t i = 0; i < c->count; i++) {
		test[i] = test_one(c, i);
		worse |= test[i] == CANARY_WORSE;
		passed += test[i] == CANARY_PASSED;
	}
	return worse || (passed == c->count && c->pairs >= CANARY_PASS_PAIRS) ||
	       c->pairs == CANARY_PAIRS;
}

void canary_judge(const struct canary_case *c, struct canary_finding *out)
{
	size_t open = c->count, passed = 0;
	enum canary_answer test[CANARY_SERIES];
	char what[256];

	*out = (struct canary_finding){.answer = CANARY_ON};
	if (canary_starves(c, out) || c->pairs < SEQUENTIAL_FIRST ||
	    !may_answer(c, test))
		return;
	for (size_t i = 0; i < c->count; i++) {
		struct evidence *e = &out->evidence[i];
		enum canary_answer a;

		if (c->series[i].absent) {
			passed++;
			continue;
		}
		measure_one(c, i, e);
		a = judge_one(c, i, test[i], e);
		if (a == CANARY_WORSE && !*out->why) {
			describe(c, i, e, what, sizeof(what));
			blame(c,
			      c->series[i].metric.fair ? 100 : CANARY_FAIR_PCT,
			      out, what);
		}
		passed += a == CANARY_PASSED;
		open = a == CANARY_ON && open == c->count ? i : open;
	}
	if (out->answer != CANARY_ON)
		return;
	if (c->demand_pct < CANARY_DEMAND_PCT)
		answer(out, CANARY_UNSURE,
		       "hardly anything of it ran (%.2g %% of one CPU): that "
		       "tells nothing",
		       c->demand_pct);
	else if (passed == c->count && c->pairs >= CANARY_PASS_PAIRS)
		answer(out, CANARY_PASSED,
		       "no metric is worse: each one's interval excludes it, "
		       "after %zu pairs",
		       c->pairs);
	else if (c->pairs == CANARY_PAIRS)
		unsettled(c, open, out);
}
