/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workloads share: time, work and quantiles. */
#ifndef SCHEDKIT_TESTS_WORKLOADS_WORK_H
#define SCHEDKIT_TESTS_WORKLOADS_WORK_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* Seconds. */
static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The result must be used, or nothing is computed. */
static inline uint64_t compute(long rounds)
{
	uint64_t x = 88172645463325252ULL;

	for (long i = 0; i < rounds; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static inline int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Of n > 0 sorted samples. */
static inline double quantile(const double *sorted, size_t n, double q)
{
	return sorted[(size_t)((double)(n - 1) * q)];
}

#endif
