/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plots that fit on a line; ASCII where the locale is not UTF-8. */
#ifndef SCHEDKIT_TERM_PLOT_H
#define SCHEDKIT_TERM_PLOT_H

#include <stddef.h>

#include "base/buf.h"

/*
 * A bar that fills share (0 to 1, clamped) of columns; what it does not fill
 * is not written.  A share above 0 is never invisible.
 */
void plot_bar(struct buf *out, double share, size_t columns);

/* One column per value, 0 to the largest; absent (NaN) values are blank. */
void plot_spark(struct buf *out, const double *v, size_t n);

/*
 * An interval on an axis from low to high that is columns wide:
 * "     |  --o---  ", '|' marking where at (say, no change) is.
 */
void plot_interval(struct buf *out, const double ci[static 2], double middle,
		   double at, const double axis[static 2], size_t columns);

#endif
