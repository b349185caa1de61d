/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where several metrics count: who is not outdone, and what is paid for what.
 */
#include <math.h>
#include <stdlib.h>

#include "agents/verifier/state.h"
#include "base/mem.h"
#include "stats/pareto.h"

/* One pair has no interval, and what ran on a rung alone had other partners. */
static bool is_measured(const struct candidate *c)
{
	return c->main.n > 1;
}

/* Logarithms, of which the kernel's own scheduler has none. */
static void figures(const struct verifier *v, const struct group *g,
		    const struct candidate *c, struct interval *row)
{
	for (size_t m = 0; m < g->w.metric_count; m++) {
		struct evidence e;

		verdict_judge(v, g, &c->main, m, &e);
		row[m] = (struct interval){log(e.lo), log(e.ratio), log(e.hi)};
	}
}

void front_mark(const struct verifier *v, struct group *g)
{
	size_t metrics = g->w.metric_count, n = 1;
	struct interval *rows;
	bool *front;

	if (metrics < 2)
		return;
	/* Row 0 is the kernel's own: nothing better, nothing worse. */
	rows = mem_zalloc((g->n + 1) * metrics, sizeof(*rows));
	front = mem_zalloc(g->n + 1, sizeof(*front));
	for (size_t i = 0; i < g->n; i++)
		if (is_measured(g->c[i]))
			figures(v, g, g->c[i], rows + metrics * n++);
	pareto_front(rows, n, metrics, front);
	n = 1;
	for (size_t i = 0; i < g->n; i++) {
		g->c[i]->ranked = is_measured(g->c[i]);
		g->c[i]->pareto = g->c[i]->ranked && front[n++];
	}
	free(rows);
	free(front);
}

/* The metric that is clearly worse by the most, beside a goal that is clearly
 * better; or the other way round.  0: the goals do not conflict. */
static size_t worst_conflict(const struct verifier *v, const struct group *g,
			     const struct candidate *c,
			     const struct evidence *goal, struct evidence *out)
{
	size_t worst = 0;

	for (size_t m = 1; m < g->w.metric_count; m++) {
		struct evidence e;
		bool against;

		verdict_judge(v, g, &c->main, m, &e);
		against = (goal->lo > 1 && e.hi < 1) ||
			  (goal->hi < 1 && e.lo > 1);
		if (against &&
		    (!worst || fabs(log(e.ratio)) > fabs(log(out->ratio)))) {
			worst = m;
			*out = e;
		}
	}
	return worst;
}

char *front_trade(const struct verifier *v, const struct group *g,
		  const struct candidate *c)
{
	struct evidence goal, other;
	size_t m;

	if (!is_measured(c) || g->w.metric_count < 2)
		return NULL;
	verdict_judge(v, g, &c->main, 0, &goal);
	m = worst_conflict(v, g, c, &goal, &other);
	if (!m)
		return NULL;
	return mem_printf("the goals conflict: %s %.3g times as good (%.3g to "
			  "%.3g) for %s %.3g times as good (%.3g to %.3g)",
			  g->w.metrics[0].name, goal.ratio, goal.lo, goal.hi,
			  g->w.metrics[m].name, other.ratio, other.lo,
			  other.hi);
}
