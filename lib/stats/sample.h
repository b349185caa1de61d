/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Order statistics of a list of numbers. */
#ifndef SCHEDKIT_STATS_SAMPLE_H
#define SCHEDKIT_STATS_SAMPLE_H

#include <stddef.h>

/* Ascending, in place. */
void sample_sort(double *x, size_t n);

/*
 * The q-quantile (0 <= q <= 1) of a sorted sample, n > 0: linear between the
 * two nearest order statistics (Hyndman and Fan's definition 7).
 */
double sample_quantile(const double *sorted, size_t n, double q);

/* The median; x is left as it is; n > 0. */
double sample_median(const double *x, size_t n);

double sample_mean(const double *x, size_t n);
/* The standard deviation with n - 1; 0 for n < 2. */
double sample_sd(const double *x, size_t n);

#endif
