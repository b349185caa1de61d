/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ladder as the test of `bisect run`: sched-verify, a program of its own
 * with whatever privilege it needs, measures the policy to be tested beside
 * the good one of the beginning.
 */
#ifndef SCHEDKIT_CMD_HISTORY_LADDER_H
#define SCHEDKIT_CMD_HISTORY_LADDER_H

#include "doc/doc.h"
#include "history/bisect.h"

struct ladder_arg {
	const char *metric;	     /* NULL: the goal */
	double worse_pct;	     /* more than this is bad */
	const char *target, *kernel; /* for sched-verify; NULL: its default */
	long pairs, cpus;	     /* likewise; 0 */
};

struct ladder {
	const struct ladder_arg *arg;
	struct doc *profile; /* what all are measured with */
	struct doc *good;    /* what they are held against */
};

/* -ENOENT: no profile of the workload, or no policy.  Release in any case. */
int ladder_begin(struct ladder *l, struct history *h, const struct bisect *b,
		 const struct ladder_arg *arg);
void ladder_release(struct ladder *l);

/*
 * 0, *mark and *why, to be freed: what was measured, or why it cannot be.
 * -EINTR; -EINVAL: sched-verify does not take the options; -EAGAIN, -EIO: it
 * could not measure the good one either.
 */
int ladder_test(const struct ladder *l, const struct doc *policy,
		enum bisect_mark *mark, char **why);

#endif
