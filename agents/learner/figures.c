/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What many lessons say together: regret, and how far to trust a forecast. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/learner.h"
#include "agents/verifier/verifier.h"
#include "base/err.h"
#include "base/mem.h"
#include "stats/sample.h"

static double num(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), NAN);
}

/* ---- regret ----------------------------------------------------------- */

struct figure {
	const char *policy;
	double ratio, pairs;
	/* False: it was given up, and may have looked fast for that; or only
	 * looked at, and the best of many looks is luck. */
	bool counts;
};

static void add_figure(struct figure *all, size_t *n, const struct figure *f)
{
	size_t i = 0;

	while (i < *n && strcmp(all[i].policy, f->policy))
		i++;
	if (i == *n)
		all[(*n)++] = *f;
	else if (f->pairs >= all[i].pairs)
		all[i] = *f;
}

static bool read_figure(const struct doc *d, const char *profile,
			struct figure *f)
{
	const char *outcome;

	if (strcmp(d->kind, "lesson") ||
	    strcmp(json_text_at(d->body, "profile"), profile))
		return false;
	outcome = json_text_at(d->body, "outcome");
	f->policy = json_text_at(d->body, "policy");
	f->ratio = num(d->body, "measured.ratio");
	f->pairs = json_as_number(json_path(d->body, "measured.pairs"), 0);
	f->counts = strcmp(outcome, "unsafe") && strcmp(outcome, "worse") &&
		    f->pairs >= VERIFIER_MIN_PAIRS;
	return isfinite(f->ratio) && f->ratio > 0;
}

int learner_regret(const struct doc *const *docs, size_t n, const char *profile,
		   const char *policy, struct regret *out)
{
	struct figure *all = mem_zalloc(n ? n : 1, sizeof(*all)), f;

	*out = (struct regret){0};
	for (size_t i = 0; i < n; i++)
		if (read_figure(docs[i], profile, &f))
			add_figure(all, &out->points, &f);
	for (size_t i = 0; i < out->points; i++) {
		if (!strcmp(all[i].policy, policy))
			out->ratio = all[i].ratio;
		if (!all[i].counts || all[i].ratio <= out->best_ratio)
			continue;
		out->best_ratio = all[i].ratio;
		memcpy(out->best, all[i].policy, DOC_ID_LEN - 1);
	}
	free(all);
	if (out->ratio <= 0)
		return err_set(ENOENT,
			       "no lesson says how policy %.12s did for "
			       "profile %.12s",
			       policy, profile);
	out->pct = 100 * (out->best_ratio / out->ratio - 1);
	if (out->pct < 0)
		out->pct = 0;
	return 0;
}

/* ---- calibration ------------------------------------------------------ */

/*
 * How strongly the line is held to offset 0 and slope 1, as standard
 * deviations, and the least noise that is believed: a few pairs of runs in a
 * guest agree no better.  tests/unit/test_learner.c holds them against
 * recorded figures.
 */
#define PRIOR_OFFSET 0.05
#define PRIOR_SLOPE  0.10
#define LEAST_SD     0.06
#define USUAL_SD     0.10 /* without any experience */
#define USUAL_POINTS 6.0  /* … which counts as so many points */
#define HUBER	     1.345
#define TURNS	     30

/* Robust: the median of distances, made a standard deviation. */
static double spread(const struct calibration *c, const double *x,
		     const double *y, size_t n, double *work)
{
	for (size_t i = 0; i < n; i++)
		work[i] = fabs(y[i] - c->offset - c->slope * x[i]);
	return fmax(1.4826 * sample_median(work, n), LEAST_SD);
}

static void refit(struct calibration *c, const double *x, const double *y,
		  size_t n, double sd)
{
	double w = 1 / (PRIOR_OFFSET * PRIOR_OFFSET), wx = 0, wy = 0;
	double wxx = 1 / (PRIOR_SLOPE * PRIOR_SLOPE), wxy = wxx, det;

	for (size_t i = 0; i < n; i++) {
		double r = fabs(y[i] - c->offset - c->slope * x[i]);
		double k = (r < HUBER * sd ? 1 : HUBER * sd / r) / (sd * sd);

		w += k;
		wx += k * x[i];
		wy += k * y[i];
		wxx += k * x[i] * x[i];
		wxy += k * x[i] * y[i];
	}
	det = w * wxx - wx * wx;
	c->offset = (wxx * wy - wx * wxy) / det;
	c->slope = (w * wxy - wx * wy) / det;
}

void learner_calibrate(const double *foretold, const double *measured, size_t n,
		       struct calibration *out)
{
	double *work = mem_zalloc(n ? n : 1, sizeof(*work)), sd;

	*out = (struct calibration){0, 1, USUAL_SD, n};
	for (int turn = 0; n && turn < TURNS; turn++)
		refit(out, foretold, measured, n,
		      spread(out, foretold, measured, n, work));
	if (n) {
		sd = spread(out, foretold, measured, n, work);
		out->sd = sqrt((USUAL_POINTS * USUAL_SD * USUAL_SD +
				(double)n * sd * sd) /
			       (USUAL_POINTS + (double)n));
	}
	free(work);
}

void learner_calibrate_docs(const struct doc *const *docs, size_t n,
			    struct calibration *out)
{
	double *x = mem_zalloc(n ? n : 1, sizeof(*x));
	double *y = mem_zalloc(n ? n : 1, sizeof(*y));
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		double foretold = num(docs[i]->body, "predicted.ratio");
		double measured = num(docs[i]->body, "measured.ratio");

		if (strcmp(docs[i]->kind, "lesson") || !(foretold > 0) ||
		    !(measured > 0))
			continue;
		x[found] = log(foretold);
		y[found++] = log(measured);
	}
	learner_calibrate(x, y, found, out);
	free(x);
	free(y);
}

void learner_expect(const struct calibration *c, double foretold_ratio,
		    struct expected *out)
{
	double mean = c->offset + c->slope * log(foretold_ratio);

	out->ratio = exp(mean);
	out->lo = exp(mean - 1.96 * c->sd);
	out->hi = exp(mean + 1.96 * c->sd);
}
