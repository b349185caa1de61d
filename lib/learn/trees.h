/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gradient-boosted shallow trees (Friedman 2001, "Greedy function
 * approximation: a gradient boosting machine", Annals of Statistics 29, the
 * algorithm with Huber's loss), with splits found in histograms.
 *
 * Thresholds lie between integers that the feature has taken, so integers
 * decide exactly as these trees do.
 */
#ifndef SCHEDKIT_LEARN_TREES_H
#define SCHEDKIT_LEARN_TREES_H

#include <stdint.h>

#include "learn/rows.h"

/* As struct forecast_tree, with leaves in units; a node that does not split has
 * the threshold INT16_MAX, so that all go left. */
struct tree {
	uint8_t feature[FORECAST_NODES];
	int16_t threshold[FORECAST_NODES];
	double leaf[FORECAST_NODES];
};

struct trees {
	unsigned n;
	double base; /* what all begin with */
	struct tree tree[FORECAST_TREES];
};

/*
 * From the rows of fit (n > 0), by the first features of them; most trees, 1 to
 * FORECAST_TREES, or fewer where that does better on the rows of valid, which
 * are later ones.  Same rows, same trees.
 */
void trees_fit(const struct picks *fit, const struct picks *valid,
	       unsigned features, unsigned most, struct trees *out);

/* In units, not limited. */
double trees_predict(const struct trees *t, const int16_t *x);

#endif
