/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that minds an external scheduler on this host, as its asker sees
 * it: a program of its own, that gets a name, a digest and flags, and ends the
 * scheduler when its asker dies.  If it dies itself the kernel kills the
 * scheduler with it.
 */
#ifndef SCHEDKIT_AGENTS_ATTACHER_MINDER_H
#define SCHEDKIT_AGENTS_ATTACHER_MINDER_H

#include "base/answer.h"
#include "base/child.h"
#include "base/strs.h"
#include "target/external_serve.h"

struct minder {
	struct child child;
	struct answers answers;
	bool held; /* it was attached, or could be */
	bool done; /* it is not any more, and its program is gone */
	int rc;	   /* what could not be, and why */
	char *why;
	char *path;    /* of the program; NULL: not known yet */
	char *ops;     /* as the kernel has it; NULL: not attached yet */
	char *gone;    /* why it was over before its time; NULL: it was not */
	long pid;      /* of the program; 0: none */
	long restarts; /* how often it attached anew by itself */
	struct strs said; /* the last lines that the program printed */
};

/*
 * Starts it and waits until the scheduler is attached, or could be.  On an
 * error nothing runs; minder_release() in any case.  cancel becoming true ends
 * it with -EINTR.
 */
int minder_start(struct minder *m, const struct external_request *r,
		 const volatile sig_atomic_t *cancel);

/* Whether it still schedules; waits for its end at most that long. */
bool minder_alive(struct minder *m, int wait_ms);

/*
 * Has the program ended, and makes sure of it if its minder was killed: the
 * kernel has none of its schedulers then, or the error says so.
 */
int minder_end(struct minder *m);

void minder_release(struct minder *m);

#endif
