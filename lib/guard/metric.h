/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number of the user's.  A process of its own asks for it again and again,
 * so that who watches never forks; it dies with who started it.
 */
#ifndef SCHEDKIT_GUARD_METRIC_H
#define SCHEDKIT_GUARD_METRIC_H

#include <stdbool.h>

#include "base/child.h"
#include "guard/rule.h"

#define METRIC_EVERY_S 0.25
/* It is told no more when nothing came for so long. */
#define METRIC_SILENCE_S 5.0

struct metric_source {
	const char *name; /* lent, like arg */
	/* 0 and a number, or -errno; in that process. */
	int (*read)(void *arg, double *value);
	void *arg;
	struct child child;
	double heard; /* when the last number came */
	bool dead;    /* nobody will tell any more */
};

/* Starts telling, and waits for the first number: -EIO: there is none.  Close
 * it in any case. */
int metric_source_open(struct metric_source *m, double now);
/* The latest number, if one came since; NAN: it is told no more. */
bool metric_source_tick(struct metric_source *m, double now, double *value);
void metric_source_close(struct metric_source *m);

#endif
