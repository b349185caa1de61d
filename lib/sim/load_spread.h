/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distributions of times as a profile has them; private to lib/sim/load*.c. */
#ifndef SCHEDKIT_SIM_LOAD_SPREAD_H
#define SCHEDKIT_SIM_LOAD_SPREAD_H

#include "bpf/hist_abi.h"
#include "sim/load.h"

/* The buckets of a histogram that hold anything, ascending. */
struct spread {
	size_t n;
	struct {
		double low, high; /* ns */
		double count;
	} b[HIST_SLOTS];
	double count, sum_ns;
};

/* Adds a profile's histogram to s.  -EINVAL: it is none. */
int spread_add(struct spread *s, const struct json *hist);

/* The q-quantile, ns. */
double spread_quantile(const struct spread *s, double q);

/* The part [from, to] of the distribution as a table of a load, the caller's;
 * with a mean of exactly mean_ns if that is not 0. */
struct load_dist spread_table(const struct spread *s, double from, double to,
			      double mean_ns);
/* The mean of what that table gives. */
double spread_table_mean(const struct load_dist *d);

/* Where short and long part: the quantile that does it best, or 0 when they
 * are not apart by a factor of four. */
double spread_split(const struct spread *s);

/* The narrowest range that holds `share` of all: [*from, *to]. */
void spread_densest(const struct spread *s, double share, double *from,
		    double *to);

#endif
