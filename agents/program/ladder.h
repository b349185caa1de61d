/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ladder as a program: sched-verify in a process of its own. */
#ifndef SCHEDKIT_AGENTS_PROGRAM_LADDER_H
#define SCHEDKIT_AGENTS_PROGRAM_LADDER_H

#include <signal.h>

#include "doc/doc.h"

/* Who says when there is a core for a climb. */
struct ladder_gate {
	/* mark: what is climbed with, "" when it does not matter.  Waits.
	 * -ECANCELED: it has no use, and why; -EINTR. */
	int (*enter)(void *arg, const char *mark);
	void (*leave)(void *arg);
	void *arg;
};

/* 0 at once where there is no gate. */
int ladder_enter(const struct ladder_gate *g, const char *mark);
void ladder_leave(const struct ladder_gate *g);

/*
 * One draft up the ladder: sched-verify as a child process, with the profile
 * and the draft on its standard input.  *verdict is the caller's; NULL when it
 * gave none (-errno).  stages: "lint,build,prove,sim".
 */
int ladder_climb(const struct doc *profile, const struct doc *policy,
		 const char *stages, const volatile sig_atomic_t *cancel,
		 struct doc **verdict);

#endif
