/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/attr.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
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
#define POLICY_EXT	   7 /* SCHED_EXT, for which no C library has a name */

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

uint32_t attr_policy(enum knob_policy p)
{
	return p == KNOB_BATCH	? SCHED_BATCH
	       : p == KNOB_IDLE ? SCHED_IDLE
	       : p == KNOB_EXT	? POLICY_EXT
				: SCHED_OTHER;
}

const char *attr_policy_name(uint32_t policy)
{
	return policy == SCHED_OTHER   ? "other"
	       : policy == SCHED_BATCH ? "batch"
	       : policy == SCHED_IDLE  ? "idle"
	       : policy == POLICY_EXT  ? "ext"
				       : "real-time";
}

static bool is_fair(uint32_t policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE || policy == POLICY_EXT;
}

static int no_slices(void)
{
	return err_set(ENOTSUP, "this kernel has no slices of a task's own "
				"(slice_us): they came with 6.12");
}

bool attr_is_fair(const struct attr *a)
{
	return is_fair(a->policy);
}

/* ---- as it was -------------------------------------------------------- */

/*
 * Sets this thread's own and tells what the kernel makes of it.  One with the
 * policy "idle" cannot set a slice before it is out of that; if it must not,
 * *out is the slice that it has.  False: it could not be tried.
 */
static bool probe_slice(uint64_t slice, uint64_t *out)
{
	struct kernel_attr was, a;
	bool tried;

	*out = 0;
	if (get(0, &was) || !is_fair(was.policy))
		return false;
	a = was;
	a.runtime = slice;
	if (was.policy == SCHED_IDLE)
		a.policy = SCHED_OTHER;
	tried = !syscall(SYS_sched_setattr, 0, &a, 0) && !get(0, &a);
	*out = tried ? a.runtime : was.runtime;
	a.policy = was.policy;
	a.runtime = 0;
	if (was.policy == SCHED_IDLE && tried)
		syscall(SYS_sched_setattr, 0, &a, 0);
	return tried;
}

/*
 * How long the kernel's own slice is.  The kernel tells a task's slice, not
 * whether it is of the task's own; this thread's becomes the kernel's.
 */
static uint64_t usual_slice(void)
{
	uint64_t usual;

	probe_slice(0, &usual);
	return usual;
}

int attr_check_slices(void)
{
	const uint64_t odd = 1234567;
	uint64_t got, usual;
	bool tried = probe_slice(odd, &got);

	probe_slice(0, &usual);
	return got == odd || !tried ? 0 : no_slices();
}

/* Who never was held to some CPUs is not held to those there are now. */
static int put_cpus(pid_t tid, const struct attr *want)
{
	uint64_t all[KNOBS_CPU_WORDS], now[KNOBS_CPU_WORDS] = {0};

	memset(all, 0xff, sizeof(all));
	if (syscall(SYS_sched_setaffinity, tid, sizeof(all), all) < 0)
		return failed(tid, "CPUs");
	if (syscall(SYS_sched_getaffinity, tid, sizeof(now), now) >= 0 &&
	    !memcmp(now, want->cpus, sizeof(now)))
		return 0;
	return syscall(SYS_sched_setaffinity, tid, sizeof(want->cpus),
		       want->cpus) < 0
		       ? failed(tid, "CPUs")
		       : 0;
}

static int call(pid_t tid, struct kernel_attr *a)
{
	return syscall(SYS_sched_setattr, tid, a, 0) < 0
		       ? failed(tid, "nice value, policy or slice")
		       : 0;
}

/*
 * To sched_setattr(2) a task of the policy "idle" has neither a nice value nor
 * a slice, though it keeps both: the one is set by setpriority(2), the other
 * before it becomes idle.
 */
static int put_idle(pid_t tid, struct kernel_attr *a, bool slice, bool nice)
{
	int rc = 0;

	if (slice) {
		a->policy = SCHED_OTHER;
		rc = call(tid, a);
		a->policy = SCHED_IDLE;
	}
	if (!rc)
		rc = call(tid, a);
	if (!rc && nice && setpriority(PRIO_PROCESS, (id_t)tid, a->nice) < 0)
		rc = failed(tid, "nice value");
	return rc;
}

static int put_fair(pid_t tid, unsigned set, const struct attr *want)
{
	uint64_t usual = usual_slice();
	struct kernel_attr a;
	bool slice, nice;
	int rc = get(tid, &a);

	if (rc || !is_fair(a.policy))
		return rc;
	slice = set & KNOB_SLICE && a.runtime != want->slice_ns;
	nice = set & KNOB_NICE && a.nice != want->nice;
	if (set & KNOB_SLICE)
		a.runtime = want->slice_ns;
	/* Zero is the kernel's own slice, which it reports by its length. */
	if (a.runtime == usual)
		a.runtime = 0;
	if (set & KNOB_NICE)
		a.nice = want->nice;
	if (set & KNOB_POLICY)
		a.policy = want->policy;
	return a.policy == SCHED_IDLE ? put_idle(tid, &a, slice, nice)
				      : call(tid, &a);
}

int attr_put(pid_t tid, unsigned set, const struct attr *want)
{
	int rc = 0;

	if (set & (KNOB_NICE | KNOB_POLICY | KNOB_SLICE))
		rc = put_fair(tid, set, want);
	if (!rc && set & KNOB_CPUS)
		rc = put_cpus(tid, want);
	return rc;
}

/* ---- as a rule says --------------------------------------------------- */

static int check_slice(pid_t tid, uint64_t wanted)
{
	struct kernel_attr a;
	int rc = get(tid, &a);

	return rc || !is_fair(a.policy) || a.runtime == wanted ? rc
							       : no_slices();
}

int attr_set(pid_t tid, unsigned set, const struct knob_rule *rule,
	     const struct attr *base)
{
	unsigned said = rule ? rule->set & set : 0;
	struct attr want = *base;
	int rc;

	if (said & KNOB_NICE)
		want.nice = rule->nice;
	if (said & KNOB_POLICY)
		want.policy = attr_policy(rule->policy);
	if (said & KNOB_SLICE)
		want.slice_ns = rule->slice_us * 1000ull;
	if (said & KNOB_CPUS)
		memcpy(want.cpus, rule->cpus, sizeof(want.cpus));
	rc = attr_put(tid, set, &want);
	return rc || !(said & KNOB_SLICE) ? rc
					  : check_slice(tid, want.slice_ns);
}
