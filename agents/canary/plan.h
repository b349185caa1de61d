/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On whom a policy is tried, step by step:
 *
 *   cgroup:PATH  what is in a cgroup and those below it
 *   pid:N        a process and what descends from it
 *   P%           some of all processes, chosen by chance
 *   all          everything, with nothing left for comparison beside it
 */
#ifndef SCHEDKIT_AGENTS_CANARY_PLAN_H
#define SCHEDKIT_AGENTS_CANARY_PLAN_H

#include <stddef.h>

#include "knob/hold.h"

#define CANARY_STEPS	  8
#define CANARY_SCOPE_TEXT (KNOB_PATH_MAX + 8)

enum canary_kind { CANARY_CGROUP, CANARY_TREE, CANARY_SHARE, CANARY_ALL };

struct canary_scope {
	enum canary_kind kind;
	pid_t pid;
	uint32_t parts;		    /* of KNOB_SHARE_ALL */
	char cgroup[KNOB_PATH_MAX]; /* as it was given */
};

struct canary_plan {
	struct canary_scope step[CANARY_STEPS];
	size_t count;
};

/*
 * scope is the first step; widen the others, each wider than the one before:
 * shares and "all" after a share, only "all" after others, "none".  NULL: 25 %
 * and 50 % of all processes after less than that, then all.  -EINVAL.
 */
int canary_plan_parse(const char *scope, const char *widen,
		      struct canary_plan *out);

/* As it is written. */
void canary_scope_text(const struct canary_scope *s,
		       char out[static CANARY_SCOPE_TEXT]);

/* For set-knobs; key chooses the processes of a share. */
void canary_scope_knobs(const struct canary_scope *s, uint64_t key,
			struct knob_scope *out);

#endif
