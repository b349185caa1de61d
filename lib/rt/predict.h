/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a request will take: recursive least squares with forgetting on the
 * logarithm of time over the logarithms of features, a model for each kind of
 * work (kind, agent, model or tool); quantiles from the recent residuals.
 * Below eight samples a moving average.  A prediction is above 0 and never
 * leaves what was seen by more than a factor of four.
 *
 * Haykin, Adaptive Filter Theory, on RLS; the clamp is ours.
 */
#ifndef SCHEDKIT_RT_PREDICT_H
#define SCHEDKIT_RT_PREDICT_H

#include "rt/request.h"

struct rt_predictor;

struct rt_predictor *rt_predictor_new(void);
void rt_predictor_free(struct rt_predictor *p);

struct rt_prediction {
	double p50_s, p90_s, p95_s;
	size_t samples; /* it rests on; 0: the default of the kind */
};

/* Before anything was seen: q->predicted_s, or a default of the kind. */
void rt_predict(const struct rt_predictor *p, const struct rt_request *q,
		struct rt_prediction *out);
/* It took this long (> 0, finite; others are left out). */
void rt_predictor_learn(struct rt_predictor *p, const struct rt_request *q,
			double seconds);
/* How good it is, for each kind of work: {"work","samples","mape_pct",
 * "kendall_tau","covered_p90_pct"}, over its last predictions made before the
 * outcome was known. */
struct json *rt_predictor_report(const struct rt_predictor *p);
/* Kendall's tau-b of n pairs, -1 … 1; 0 when all of one side are equal.
 * O(n log n). */
double rt_kendall(const double *a, const double *b, size_t n);
/* For the journal: all that it knows. */
struct json *rt_predictor_json(const struct rt_predictor *p);
/* In place of what it knows.  -EINVAL: it stays as it is. */
int rt_predictor_read(struct rt_predictor *p, const struct json *v);

#endif
