/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a model of integers from one of real numbers, and keeping it.
 *
 * The bound.  A model of integers gives round(S) / 1, S a sum in 2^-20 units,
 * kept within 0 … FORECAST_MOST; the one of real numbers is kept there, too,
 * which never takes two numbers further apart.  Each number that was rounded to
 * its place is off by what is known when it is rounded, e:
 *
 *   linear  |S - real| <= e(bias) + sum of e(weight[i]) * 32768, for no feature
 *           is larger: at most 2^-9 + 24 * 2^-21 * 2^15 = 0.38 units;
 *   trees   thresholds are integers already, so every feature goes the same
 *           way in both, and |S - real| <= e(bias) + the largest e(leaf) of
 *           each tree: at most 2^-9 + 20 * 2^-21 units.
 *
 * Rounding the result adds half a unit.  The arithmetic of the real numbers
 * themselves (sums of 33 doubles below 2^31) is off by less than 2^-17, which
 * is added as well.  tests/unit/test_learn_forecast.c holds both against it.
 *
 * A model's file is struct forecast as it is in memory, little endian, then the
 * SHA-256 of that in hexadecimal digits and a newline.
 */
#ifndef SCHEDKIT_LEARN_FORECAST_H
#define SCHEDKIT_LEARN_FORECAST_H

#include <stddef.h>

#include "base/buf.h"
#include "learn/linear.h"
#include "learn/trees.h"

/* Nothing in it yet. */
void forecast_init(struct forecast *m, uint32_t feature_version,
		   uint32_t features);

/*
 * Into a part whose target is the caller's to choose; error and average_error
 * are left at 0.  -ERANGE: a weight does not fit, the message says which.
 */
int forecast_of_linear(const struct linear *l, struct forecast_part *out);
int forecast_of_trees(const struct trees *t, struct forecast_part *out);

/* The bound, in units. */
double forecast_bound(const struct forecast_part *p);

/* What a model of real numbers says, kept within 0 … FORECAST_MOST. */
double forecast_kept(double units);

/*
 * -EINVAL: a magic, version, count, kind or feature number is out of its
 * bounds, or what has to be 0 is not.  The message says which.
 */
int forecast_check(const struct forecast *m);

/* "none", "linear", "trees"; "burst", "sleep", "class". */
const char *forecast_kind_name(enum forecast_kind k);
const char *forecast_target_name(enum forecast_target t);

/* The file's bytes; -EINVAL for those that are none, or damaged. */
void forecast_put(const struct forecast *m, struct buf *out);
int forecast_get(const void *bytes, size_t len, struct forecast *out);

int forecast_write(const char *path, const struct forecast *m);
int forecast_read(const char *path, struct forecast *out);

#endif
