/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the kernel's own scheduler treats one task: nice value, policy, slice,
 * CPUs, through sched_setattr(2) and sched_setaffinity(2).
 */
#ifndef SCHEDKIT_KNOB_ATTR_H
#define SCHEDKIT_KNOB_ATTR_H

#include <stdint.h>
#include <sys/types.h>

#include "policy/knobs.h"

struct attr {
	uint32_t policy; /* SCHED_OTHER and so on */
	int nice;
	uint64_t slice_ns;
	uint64_t cpus[KNOBS_CPU_WORDS];
};

/* -ESRCH: there is no such task (any more). */
int attr_read(pid_t tid, struct attr *out);

/*
 * Sets the knobs of `set` (enum knob_bits; those of cgroups are none of its):
 * to what the rule says, or where it says nothing to what base says.  rule
 * NULL: all to base.  A task with a real-time policy is left alone.  -ESRCH;
 * -EPERM; -ENOTSUP: the kernel has no slices of a task's own.
 */
int attr_set(pid_t tid, unsigned set, const struct knob_rule *rule,
	     const struct attr *base);

/*
 * Sets the knobs of `set` to exactly what `want` says, as attr_read() has read
 * it once: the kernel's own slice becomes that again, and CPUs that are all
 * that its cpuset allows stay all, whatever the cpuset becomes.  Errors as
 * attr_set(); -EINVAL: no CPU of those is allowed.
 */
int attr_put(pid_t tid, unsigned set, const struct attr *want);

/* Of whom attr_put() sets anything but CPUs: not of the real-time ones. */
bool attr_is_fair(const struct attr *a);

/* -ENOTSUP: the kernel has no slices of a task's own. */
int attr_check_slices(void);

uint32_t attr_policy(enum knob_policy p); /* SCHED_OTHER and so on */
/* "other", "batch", "idle", "ext"; "real-time" for what is none of them. */
const char *attr_policy_name(uint32_t policy);

#endif
