/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers with units as a page shows them, in any locale; term/num.h. */
#ifndef SCHEDKIT_PAGE_FIGURE_H
#define SCHEDKIT_PAGE_FIGURE_H

#include <stdbool.h>

#include "term/num.h"

char *figure_us(char out[static NUM_LEN], double us);

/* A value of a metric: "6.38 s", "172 /s", "1.20 k"; unit as documents have
 * it, at most some characters of it are shown. */
char *figure_value(char out[static NUM_LEN], double x, const char *unit);

/* "1.16×" */
char *figure_ratio(char out[static NUM_LEN], double ratio);

/* An interval of ratios: "1.13 to 1.19"; an end that is open: "below 2.1". */
char *figure_interval(char out[static 2 * NUM_LEN], double lo, double hi);

/* For axes: as short as it gets, the same for equal numbers. */
char *figure_tick(char out[static NUM_LEN], double x, const char *unit);

/* Microseconds in one of unit; 0: no unit of time. */
double figure_time_unit(const char *unit);

#endif
