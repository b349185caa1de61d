/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From numbers to places on an axis, and which numbers to write beside it.
 *
 * Ticks are Heckbert's ("Nice numbers for graph labels", Graphics Gems, 1990):
 * steps of 1, 2 or 5 times a power of ten; on a logarithmic axis powers of ten
 * with 2 and 5 between them as far as there is room.
 */
#ifndef SCHEDKIT_PAGE_SCALE_H
#define SCHEDKIT_PAGE_SCALE_H

#include <stdbool.h>
#include <stddef.h>

#define SCALE_TICKS 24

struct scale {
	double lo, hi;	 /* numbers */
	double from, to; /* places */
	bool log;
};

/* From places from to to; whatever lo and hi are, the scale is a sound one. */
void scale_init(struct scale *s, double lo, double hi, double from, double to,
		bool log);

/* Where x is; what lies outside, and NaN, is at the nearer end. */
double scale_at(const struct scale *s, double x);

/* The nice number next to x > 0: the smallest not below it, or the nearest. */
double scale_nice(double x, bool nearest);

/* About want ticks within lo … hi, ascending; at most SCALE_TICKS. */
size_t scale_ticks(const struct scale *s, size_t want,
		   double out[static SCALE_TICKS]);

#endif
