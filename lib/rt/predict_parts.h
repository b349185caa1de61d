/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of predict.h share. */
#ifndef SCHEDKIT_RT_PREDICT_PARTS_H
#define SCHEDKIT_RT_PREDICT_PARTS_H

#include "rt/predict.h"

#define TERMS	  (RT_FEATURES + 2) /* 1, the submitter's guess, features */
#define RECENT	  64
#define WORK_MAX  512 /* bytes of a name */
#define WORKS_MAX 256
#define FEW	  8 /* samples, below which there is no model */

/* A time that is believed. */
#define LEAST_S 1e-9
#define MOST_S	1e7

struct recent {
	double seconds;
	double p50, p90; /* foretold; 0: it was the first */
	double residual; /* of the model before it knew, a logarithm; it counts
			    where counted is set */
	bool counted;
};

/*
 * Least squares with forgetting: info = sum(λ^age x x'), moment = sum(λ^age
 * x y), weight = info^-1 moment.
 */
struct work {
	char *name;
	uint64_t hash;
	uint64_t used_at; /* of the predictor's count of samples */
	size_t samples;
	double info[TERMS][TERMS], moment[TERMS];
	struct recent recent[RECENT]; /* a ring */
	/* From all that is above. */
	double weight[TERMS];
	double least, most, mean; /* of recent seconds */
	double sorted[RECENT];	  /* the recent residuals that count */
	size_t sorted_count;
};

struct rt_predictor {
	struct work **v;
	size_t count;
	uint64_t samples;
};

/* The recent ones there are. */
static inline size_t recent_count(const struct work *w)
{
	return w->samples < RECENT ? w->samples : RECENT;
}

/* After info and moment changed; false: they are none. */
bool work_solve(struct work *w);
/* Puts r in the place of the oldest of recent. */
void work_remember(struct work *w, const struct recent *r);
struct work *predictor_add(struct rt_predictor *p, const char *name);

#endif
