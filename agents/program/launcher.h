/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched-deploy as a session of its own: the one child that outlives who started
 * it, for it holds the policy.
 */
#ifndef SCHEDKIT_AGENTS_PROGRAM_LAUNCHER_H
#define SCHEDKIT_AGENTS_PROGRAM_LAUNCHER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/strs.h"
#include "doc/stream.h"

struct launch {
	const struct strs *args;       /* of sched-deploy */
	const struct doc *const *docs; /* what it reads, n of them */
	size_t n;
	const char *path; /* what it writes goes there; the folder exists */
	const char *by;	  /* who reads that */
	const volatile sig_atomic_t *cancel;
};

struct launched {
	pid_t pid;
	bool gone;	    /* it has ended by now */
	int exit_status;    /* if so, as a shell reports it */
	struct stream *out; /* what it has written so far; NULL: nothing */
};

/*
 * Until it writes a deployment or ends: 0, however it went.  -ETIMEDOUT: it did
 * neither in time, -EINTR: neither until it was cancelled; and was ended.
 * launched_release() in any case.
 */
int launcher_start(const struct launch *l, struct launched *out);
void launched_release(struct launched *l);

/* What such a one has written so far; NULL: there is no such file. */
struct stream *launcher_look(const char *path, const char *by);

/* What sched-deploy says: 1, this policy, or its knobs, are in force; 0, they
 * are not; -errno, it does not say. */
int launcher_in_force(const char *policy, const volatile sig_atomic_t *cancel);

#endif
