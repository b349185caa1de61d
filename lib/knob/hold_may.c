/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this process may set, and what is said of a change. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "knob/hold_state.h"

/* ---- may it? ---------------------------------------------------------- */

bool knob_may_nice(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {0};

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	return d[CAP_TO_INDEX(CAP_SYS_NICE)].effective &
	       CAP_TO_MASK(CAP_SYS_NICE);
}

static bool is_ours(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return !stat(path, &st) && st.st_uid == geteuid();
}

/* The lowest nice value that its own limit lets it have. */
static int lowest_nice(pid_t pid)
{
	struct rlimit r = {0};

	if (prlimit(pid, RLIMIT_NICE, NULL, &r) < 0)
		return 20;
	return r.rlim_cur > 40 ? -20 : 20 - (int)r.rlim_cur;
}

/*
 * Whether a task may go from one to the other without CAP_SYS_NICE: to a lower
 * nice value, or out of the policy "idle", only as far as RLIMIT_NICE allows.
 * (user_check_sched_setscheduler() of the kernel.)
 */
static bool may_go(const struct attr *from, const struct attr *to, int lowest)
{
	bool less = to->nice < from->nice;
	bool wakes = from->policy == SCHED_IDLE && to->policy != SCHED_IDLE;

	return (!less && !wakes) || to->nice >= lowest;
}

void knob_may_set(struct knob_hold *h, const struct knob_todo *t)
{
	int lowest;

	if (h->may_nice || !t->e.set)
		return;
	if (!is_ours(t->pid)) {
		strs_printf(&h->lacks,
			    "task %d is another user's: that needs "
			    "CAP_SYS_NICE (root)",
			    t->e.tid);
		return;
	}
	lowest = lowest_nice(t->pid);
	if (!may_go(&t->now, &t->e.ours, lowest))
		strs_printf(&h->lacks,
			    "task %d: its priority cannot be raised: that "
			    "needs CAP_SYS_NICE (root) or a limit, 'nice' in "
			    "limits.conf",
			    t->e.tid);
	else if (!*h->scope.command &&
		 !may_go(&t->e.ours, &t->e.former, lowest))
		strs_printf(&h->lacks,
			    "task %d: its priority could not be set back: "
			    "that needs CAP_SYS_NICE (root) or a limit, 'nice' "
			    "in limits.conf",
			    t->e.tid);
}

/* ---- what it is ------------------------------------------------------- */

static void tell_cpus(struct buf *b, const struct attr *now,
		      const struct attr *is)
{
	char *x = knobs_cpus_text(is->cpus), *y = knobs_cpus_text(now->cpus);

	buf_printf(b, "; CPUs %s, now %s", x, y);
	free(x);
	free(y);
}

void knob_tell(const struct knob_todo *t, struct strs *out)
{
	const struct attr *now = &t->now, *is = &t->e.ours;
	struct buf b;

	buf_init(&b, 65536);
	if (t->e.set & KNOB_NICE && now->nice != is->nice)
		buf_printf(&b, "; nice %d, now %d", is->nice, now->nice);
	if (t->e.set & KNOB_POLICY && now->policy != is->policy)
		buf_printf(&b, "; policy %s, now %s",
			   attr_policy_name(is->policy),
			   attr_policy_name(now->policy));
	if (t->e.set & KNOB_SLICE && now->slice_ns != is->slice_ns)
		buf_printf(&b, "; slice %llu us, now %llu",
			   (unsigned long long)is->slice_ns / 1000,
			   (unsigned long long)now->slice_ns / 1000);
	if (t->e.set & KNOB_CPUS &&
	    memcmp(now->cpus, is->cpus, sizeof(now->cpus)))
		tell_cpus(&b, now, is);
	if (t->into)
		buf_printf(&b, "; into the cgroup '%s'", t->into);
	if (b.len)
		strs_printf(out, "task %d: %s", t->e.tid, b.data + 2);
	buf_release(&b);
}
