/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroups of a policy of the form "knobs": one for the workload, in it one
 * for each rule and one for what no rule is for.
 */
#ifndef SCHEDKIT_TARGET_KNOB_GROUPS_H
#define SCHEDKIT_TARGET_KNOB_GROUPS_H

#include <sys/types.h>

#include "policy/knobs.h"

struct knob_groups {
	char *path; /* of the workload's; NULL: there are none */
};

/* Makes them if a rule needs them.  -ENOTSUP: no unified hierarchy; -EACCES:
 * no privilege; what was made is gone then. */
int knob_groups_make(const struct knobs *k, struct knob_groups *g);

/* rule -1: none is for pid.  -ESRCH. */
int knob_groups_put(const struct knob_groups *g, int rule, pid_t pid);

/* When nothing is left in them. */
void knob_groups_remove(const struct knobs *k, struct knob_groups *g);

#endif
