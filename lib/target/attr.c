/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/attr.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

/* struct sched_attr of the kernel, which not every C library has. */
struct kernel_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* runtime: a slice */
	uint32_t util_min, util_max;
};

#define ATTR_RESET_ON_FORK 1 /* the one flag that is kept */

static int get(pid_t tid, struct kernel_attr *a)
{
	*a = (struct kernel_attr){.size = sizeof(*a)};
	if (syscall(SYS_sched_getattr, tid, a, sizeof(*a), 0) < 0)
		return err_set(errno,
			       "cannot read how task %d is scheduled: %s", tid,
			       strerror(errno));
	a->flags &= ATTR_RESET_ON_FORK;
	return 0;
}

static int failed(pid_t tid, const char *what)
{
	int e = errno;

	return err_set(
		e, "cannot set the %s of task %d: %s%s", what, tid, strerror(e),
		e == EPERM || e == EACCES ? "; that needs CAP_SYS_NICE" : "");
}

int attr_read(pid_t tid, struct attr *out)
{
	struct kernel_attr a;
	int rc = get(tid, &a);

	if (rc)
		return rc;
	*out = (struct attr){
		.policy = a.policy, .nice = a.nice, .slice_ns = a.runtime};
	/* The system call's own: the C library's wants one size of set. */
	if (syscall(SYS_sched_getaffinity, tid, sizeof(out->cpus), out->cpus) <
	    0)
		return err_set(errno, "cannot read the CPUs of task %d: %s",
			       tid, strerror(errno));
	return 0;
}

static uint32_t kernel_policy(enum knob_policy p)
{
	return p == KNOB_BATCH	? SCHED_BATCH
	       : p == KNOB_IDLE ? SCHED_IDLE
				: SCHED_OTHER;
}

static bool is_fair(uint32_t policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

static int check_slice(pid_t tid, uint64_t wanted)
{
	struct kernel_attr a;
	int rc = get(tid, &a);

	return rc || a.runtime == wanted
		       ? rc
		       : err_set(ENOTSUP,
				 "this kernel has no slices of a task's own "
				 "(slice_us): they came with 6.12");
}

static int set_fair(pid_t tid, unsigned set, unsigned said,
		    const struct knob_rule *rule, const struct attr *base)
{
	struct kernel_attr a;
	int rc = get(tid, &a);

	if (rc || !is_fair(a.policy))
		return rc;
	/* Zero is the kernel's own slice, which it reports by its length. */
	if (set & KNOB_SLICE)
		a.runtime = said & KNOB_SLICE ? rule->slice_us * 1000ull : 0;
	else if (a.runtime == base->slice_ns)
		a.runtime = 0;
	if (set & KNOB_NICE)
		a.nice = said & KNOB_NICE ? rule->nice : base->nice;
	if (set & KNOB_POLICY)
		a.policy = said & KNOB_POLICY ? kernel_policy(rule->policy)
					      : base->policy;
	if (syscall(SYS_sched_setattr, tid, &a, 0) < 0)
		return failed(tid, "nice value, policy or slice");
	return said & KNOB_SLICE ? check_slice(tid, a.runtime) : 0;
}

int attr_set(pid_t tid, unsigned set, const struct knob_rule *rule,
	     const struct attr *base)
{
	unsigned said = rule ? rule->set & set : 0;
	const uint64_t *cpus = said & KNOB_CPUS ? rule->cpus : base->cpus;
	int rc = 0;

	if (set & (KNOB_NICE | KNOB_POLICY | KNOB_SLICE))
		rc = set_fair(tid, set, said, rule, base);
	if (!rc && set & KNOB_CPUS &&
	    syscall(SYS_sched_setaffinity, tid, sizeof(base->cpus), cpus) < 0)
		rc = failed(tid, "CPUs");
	return rc;
}
