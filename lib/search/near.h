/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nearest neighbours of a vector of features: Euclidean distance after each
 * feature was scaled by its own median absolute deviation over the set (the
 * mean one where the median is 0, 1 where all points are equal).  Features
 * that a point or the query lacks (NAN; infinities count as lacking) are left
 * out and the rest is scaled up; a point that shares none is no hit.
 */
#ifndef SCHEDKIT_SEARCH_NEAR_H
#define SCHEDKIT_SEARCH_NEAR_H

#include <stddef.h>

struct near_hit {
	size_t point;
	double distance;
};

/* points: n rows of d.  Nearest first, ties by the later row; at most max. */
size_t near_search(const double *points, size_t n, size_t d,
		   const double *query, struct near_hit *out, size_t max);

/*
 * From a to the query b, a difference in feature i counted in units of
 * scale[i].  NAN: they have no feature in common.
 */
double near_distance(const double *a, const double *b, const double *scale,
		     size_t d);

#endif
