/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A linear model by recursive least squares with forgetting (Ljung 1999,
 * "System Identification", section 11.2): each row improves it as it comes, so
 * the same code learns from a recording and goes on learning afterwards.
 * Without forgetting it ends at the ridge regression of all rows.
 */
#ifndef SCHEDKIT_LEARN_LINEAR_H
#define SCHEDKIT_LEARN_LINEAR_H

#include <stdint.h>

#include "bpf/forecast_abi.h"

struct linear {
	unsigned n;    /* features */
	double forget; /* what a row counts for after the next one, <= 1 */
	/* Of features and target in 1/256; the last weight is the constant. */
	double w[FORECAST_FEATURES + 1];
	double p[FORECAST_FEATURES + 1][FORECAST_FEATURES + 1];
};

/* n <= FORECAST_FEATURES; 0 < forget <= 1. */
void linear_init(struct linear *l, unsigned n, double forget);
/* y in units of the model. */
void linear_update(struct linear *l, const int16_t *x, double y);
/* In units, not limited. */
double linear_predict(const struct linear *l, const int16_t *x);

#endif
