/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/pareto.h"

bool pareto_clearly(const struct interval *a, const struct interval *b)
{
	return a->lo > b->mid && b->hi < a->mid;
}

bool pareto_dominates(const struct interval *a, const struct interval *b,
		      size_t figures)
{
	double more = 0;
	bool any = false;

	for (size_t i = 0; i < figures; i++) {
		if (pareto_clearly(&b[i], &a[i]))
			return false;
		any |= pareto_clearly(&a[i], &b[i]);
		more += a[i].mid - b[i].mid;
	}
	return any && more > 0;
}

void pareto_front(const struct interval *rows, size_t n, size_t figures,
		  bool *front)
{
	for (size_t i = 0; i < n; i++) {
		front[i] = true;
		for (size_t k = 0; k < n; k++)
			if (k != i &&
			    pareto_dominates(rows + k * figures,
					     rows + i * figures, figures))
				front[i] = false;
	}
}
