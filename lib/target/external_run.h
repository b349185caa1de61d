/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program of a policy of the form "external" while it schedules: started
 * with the privilege of the caller and no network, awaited until the kernel
 * has its scheduler, watched, and ended.
 *
 * What is executed is the file whose digest was taken, not what has its name
 * by then.  It leads a process group, and is killed with the process that
 * started it, however that dies: the kernel takes off what nobody holds.
 */
#ifndef SCHEDKIT_TARGET_EXTERNAL_RUN_H
#define SCHEDKIT_TARGET_EXTERNAL_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/external.h"

struct external_run;

struct external_start {
	const struct external *what;
	/* As external_find() gave it; checked again, as is the shape of what.
	 */
	const char *path;
	const char *sha256; /* that it must have; NULL: any */
	/* Asked again and again while it is awaited, true: given up.  NULL:
	 * nobody is. */
	bool (*over)(void *arg);
	void *arg;
};

/*
 * When 0 is returned the kernel has a scheduler that this very process has
 * brought.  -EACCES: others than root might have changed the program, or it is
 * another one than sha256 says; -ENOEXEC: a script, of which a digest says
 * nothing; -EBUSY: another scheduler is attached; -EIO: it ended, with its
 * last words; -ETIMEDOUT: it did not attach; -EINTR: over() said so.
 */
int external_run_start(const struct external_start *s,
		       struct external_run **out);

/* Still what was attached first, without a break. */
bool external_run_alive(struct external_run *e);

/*
 * For who watches it some times a second: true as long as it schedules, or may
 * be about to do so again.  A program may attach anew by itself when CPUs come
 * or go; it has some seconds for that, and must have stayed some before.
 */
bool external_run_look(struct external_run *e);

/*
 * Ends the program: SIGINT, on which such programs detach, SIGTERM if that
 * does not end it in time, SIGKILL; what else is in its group is killed.
 * Waits until the kernel has no scheduler.  -ETIMEDOUT: it still has that one.
 */
int external_run_stop(struct external_run *e);

pid_t external_run_pid(const struct external_run *e); /* 0: it ended */
/* The scheduler's name as the kernel has it. */
const char *external_run_ops(const struct external_run *e);
/* The digest of what was executed. */
const char *external_run_sha256(const struct external_run *e);
unsigned external_run_restarts(const struct external_run *e);

/* "it ended with status 1: LAST LINE", of one that did: the caller's. */
char *external_run_end(const struct external_run *e);

/* The end of what it printed, some KiB: the caller's. */
char *external_run_output(const struct external_run *e);
/* The last line of that; "" for none: the caller's. */
char *external_run_words(const struct external_run *e);

void external_run_free(struct external_run *e); /* NULL is fine */

#endif
