/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who watches a policy must not be scheduled by it: while it watches, this
 * process is a real-time one of the lowest priority, with its memory locked.
 * What it forks is not.
 */
#ifndef SCHEDKIT_GUARD_STAND_H
#define SCHEDKIT_GUARD_STAND_H

#include <pthread.h>
#include <stdbool.h>

struct stand {
	bool above;  /* real-time */
	bool locked; /* no page of it has to be fetched */
	int policy;  /* what it was before */
};

/* As far as it may: without CAP_SYS_NICE, or a limit `rtprio`, above stays
 * false. */
void stand_above(struct stand *s);
/* A thread of ours is what we are; it ends as such. */
void stand_beside(pthread_t thread);
/* Back to what it was. */
void stand_down(struct stand *s);

#endif
