/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is deployed is recorded with sched-history, as a child that nobody waits
 * for before the end: a policy that was just attached may starve it.
 */
#ifndef SCHEDKIT_CMD_DEPLOY_RECORD_H
#define SCHEDKIT_CMD_DEPLOY_RECORD_H

#include <signal.h>

#include "base/opt.h"
#include "base/proc.h"
#include "doc/stream.h"

struct deploy_recorder {
	const struct opt_tool *tool;
	const struct stream *s;
	size_t recorded; /* documents of it that were handed on */
	char *program;
	char *argv[4];
	struct proc *proc;		/* at work; NULL: none is */
	volatile sig_atomic_t given_up; /* it took too long */
};

/*
 * Begins to record everything of the stream so far, if there is something new
 * and the one before is done; a failure is said and changes nothing.
 */
void deploy_record(void *recorder);

/* All of it, to its end. */
void deploy_record_rest(struct deploy_recorder *r);

#endif
