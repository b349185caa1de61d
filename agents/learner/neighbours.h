/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the history learned on workloads like one that was observed. */
#ifndef SCHEDKIT_AGENTS_LEARNER_NEIGHBOURS_H
#define SCHEDKIT_AGENTS_LEARNER_NEIGHBOURS_H

#include <stddef.h>

#include "doc/doc.h"
#include "history/history.h"

struct neighbour {
	struct doc *lesson;
	double distance; /* learner_lesson_distance() */
};

struct neighbours_opts {
	size_t max;
	double max_distance;
};

/*
 * The nearest lessons for a profile (its body), nearest first; among equals
 * those that say more (accepted ones, the larger effect) come first.  What was
 * reverted is left out.  One pass over the lessons of the history.
 */
int neighbours_find(struct history *h, const struct json *profile,
		    const struct neighbours_opts *o, struct neighbour **out,
		    size_t *n);
void neighbours_free(struct neighbour *list, size_t n);

/*
 * Every lesson of the history about a profile, by its id; what was reverted
 * is left out.  distance is 0.
 */
int neighbours_of(struct history *h, const char *profile,
		  struct neighbour **out, size_t *n);

#endif
