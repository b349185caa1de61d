/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/evidence.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/bootstrap.h"
#include "stats/sample.h"

static double kept(double ratio)
{
	return fmin(fmax(ratio, 1 / RATIO_MAX), RATIO_MAX);
}

double evidence_ratio(bool higher_is_better, double base, double cand)
{
	double good = higher_is_better ? cand : base;
	double bad = higher_is_better ? base : cand;

	if (good <= 0 && bad <= 0)
		return 1;
	if (bad <= 0)
		return RATIO_MAX;
	return kept(good / bad);
}

/* exp(log(RATIO_MAX)) falls short of it. */
static double from_log(double x)
{
	return fabs(x) >= log(RATIO_MAX) ? (x > 0 ? RATIO_MAX : 1 / RATIO_MAX)
					 : exp(x);
}

static enum effect judge_effect(const struct evidence_rule *rule,
				const struct evidence *e)
{
	double least = 1 + rule->min_effect_pct / 100;

	if (e->lo > 1 && e->ratio >= least)
		return EFFECT_BETTER;
	if (e->hi < 1 && e->ratio <= 1 / least)
		return EFFECT_WORSE;
	return EFFECT_UNDECIDED;
}

double evidence_guard_floor(const struct evidence_rule *rule)
{
	double part = rule->guard_pct / 100;

	return rule->higher_is_better ? 1 - part : 1 / (1 + part);
}

void evidence_judge(const struct evidence_rule *rule, const double *base,
		    const double *cand, size_t n, struct evidence *out)
{
	double *logs = mem_zalloc(n, sizeof(*logs));
	struct interval i;

	/* Ratios are symmetric only as logarithms. */
	for (size_t k = 0; k < n; k++)
		logs[k] = log(evidence_ratio(rule->higher_is_better, base[k],
					     cand[k]));
	median_interval(logs, n, rule->seed, &i);
	free(logs);
	*out = (struct evidence){
		.pairs = n,
		.baseline = sample_median(base, n),
		.candidate = sample_median(cand, n),
		.ratio = from_log(i.mid),
		.lo = from_log(i.lo),
		.hi = from_log(i.hi),
	};
	out->effect = judge_effect(rule, out);
	out->guard_failed =
		out->hi < 1 && out->ratio < evidence_guard_floor(rule);
}

bool evidence_confirms(const struct evidence_rule *rule, const double *base,
		       const double *cand, size_t n, size_t fresh)
{
	struct evidence own, all;

	if (!fresh)
		return false;
	evidence_judge(rule, base + n - fresh, cand + n - fresh, fresh, &own);
	evidence_judge(rule, base, cand, n, &all);
	return own.ratio >= 1 + rule->min_effect_pct / 100 &&
	       all.effect == EFFECT_BETTER;
}

void evidence_order(size_t round, size_t arms, size_t *order)
{
	for (size_t i = 0; i < arms; i++)
		order[i] = round % 2 ? arms - 1 - i : i;
}
