/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is not outdone, where several figures count and each is uncertain.
 *
 * A figure is an interval; more is better.  a is clearly better than b in a
 * figure when a's interval lies above b's middle and b's below a's middle.  a
 * dominates b when a is clearly better in at least one figure, b clearly better
 * in none, and a's middles are the larger ones together.  (Without that, since
 * being about as good is not transitive, three could outdo each other in a
 * circle and leave nobody.)
 */
#ifndef SCHEDKIT_STATS_PARETO_H
#define SCHEDKIT_STATS_PARETO_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/bootstrap.h"

bool pareto_clearly(const struct interval *a, const struct interval *b);

/* a and b: a row of `figures` intervals each. */
bool pareto_dominates(const struct interval *a, const struct interval *b,
		      size_t figures);

/* rows: n rows of figures; front[i]: nobody dominates row i.  n > 0 leaves at
 * least one. */
void pareto_front(const struct interval *rows, size_t n, size_t figures,
		  bool *front);

#endif
