/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descendants of this process, as /proc shows them.  While it is the
 * reaper of orphans (PR_SET_CHILD_SUBREAPER) none of them can get away.
 */
#ifndef SCHEDKIT_TARGET_KIN_H
#define SCHEDKIT_TARGET_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define KIN_NAME 16

struct kin_task {
	pid_t tid, pid, parent; /* parent: of the process, when it was new */
	char name[KIN_NAME];
	int mark; /* the caller's; the same at the next look */
	bool fresh;
};

struct kin {
	struct kin_task *tasks; /* ascending by process */
	size_t count;
	/* Processes that are somebody else's, ascending. */
	pid_t *others;
	size_t other_count;
};

/* Looks again.  -errno: no /proc. */
int kin_look(struct kin *k);
/* NULL: not one of them. */
const struct kin_task *kin_find(const struct kin *k, pid_t tid);
void kin_release(struct kin *k);

/* Ends and reaps every one. */
void kin_kill(void);

#endif
