/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is woken by one that is about to sleep waits near it; the others may
 * fetch it from there.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 3000000ULL

static u64 vtime_now;
static u64 began[512]; /* the turn on each CPU */

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* Sleeping earns the credit of one turn at most. */
static u64 key_of(const struct task_struct *p)
{
	u64 vtime = p->scx.dsq_vtime, floor = vtime_now - TURN_NS;

	return before(vtime, floor) ? floor : vtime;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

/* The key of who is first in a queue. */
static bool head(u64 queue, u64 *key)
{
	struct task_struct *p;

	if (scx_bpf_dsq_nr_queued(queue) <= 0)
		return false;
	bpf_for_each(scx_dsq, p, queue, 0)
	{
		*key = p->scx.dsq_vtime;
		return true;
	}
	return false;
}

/* Whatever there is, anywhere. */
static bool steal(s32 cpu)
{
	u32 n = scx_bpf_nr_cpu_ids(), i;

	bpf_for(i, 1, n)
	{
		u32 other = (cpu + i) % n;

		if (scx_bpf_dsq_nr_queued(other) > 0 &&
		    scx_bpf_dsq_move_to_local(other))
			return true;
	}
	return false;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(waker_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	s32 here = bpf_get_smp_processor_id(), cpu;
	bool idle = false;

	if ((wake_flags & SCX_WAKE_SYNC) &&
	    bpf_cpumask_test_cpu(here, p->cpus_ptr) &&
	    scx_bpf_dsq_nr_queued(here) == 0)
		return here;
	cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);
	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(waker_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, scx_bpf_task_cpu(p), turn_of(p), key_of(p),
				 enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(waker_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 other = bpf_get_prandom_u32() % scx_bpf_nr_cpu_ids();
	u64 mine = 0, theirs = 0;

	if (head(other, &theirs) &&
	    (!head(cpu, &mine) || before(theirs, mine)) &&
	    scx_bpf_dsq_move_to_local(other))
		return;
	if (!scx_bpf_dsq_move_to_local(cpu))
		steal(cpu);
}

POLICY_OP("running")
void BPF_PROG(waker_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(waker_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(waker_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(waker_init)
{
	s32 rc;
	u32 i;

	bpf_for(i, 0, scx_bpf_nr_cpu_ids())
	{
		rc = scx_bpf_create_dsq(i, -1);
		if (rc)
			return rc;
	}
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops waker = {
	.select_cpu = (void *)waker_select_cpu,
	.enqueue = (void *)waker_enqueue,
	.dispatch = (void *)waker_dispatch,
	.running = (void *)waker_running,
	.stopping = (void *)waker_stopping,
	.enable = (void *)waker_enable,
	.init = (void *)waker_init,
	.timeout_ms = 5000,
	.name = "waker",
};
