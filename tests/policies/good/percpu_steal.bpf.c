/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue per CPU, ordered by weighted run time.  A CPU looks at its own and
 * one other, drawn by lot, and takes who deserves it more; with nothing at
 * hand it takes from anywhere.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 5000000ULL

static u64 vtime_now;

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(steal_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, TURN_NS, 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(steal_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime = p->scx.dsq_vtime;
	s32 cpu;

	if (before(vtime, vtime_now - TURN_NS))
		vtime = vtime_now - TURN_NS;
	scx_bpf_dsq_insert_vtime(p, scx_bpf_task_cpu(p), TURN_NS, vtime,
				 enq_flags);
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

static bool head(u64 queue, u64 *vtime)
{
	struct task_struct *p;

	if (scx_bpf_dsq_nr_queued(queue) <= 0)
		return false;
	bpf_for_each(scx_dsq, p, queue, 0)
	{
		*vtime = p->scx.dsq_vtime;
		return true;
	}
	return false;
}

POLICY_OP("dispatch")
void BPF_PROG(steal_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 n = scx_bpf_nr_cpu_ids(), other = bpf_get_prandom_u32() % n, i;
	u64 mine = 0, theirs = 0;

	if (head(other, &theirs) &&
	    (!head(cpu, &mine) || before(theirs, mine)) &&
	    scx_bpf_dsq_move_to_local(other))
		return;
	if (scx_bpf_dsq_move_to_local(cpu))
		return;
	bpf_for(i, 1, n)
	{
		other = (cpu + i) % n;
		if (scx_bpf_dsq_nr_queued(other) > 0 &&
		    scx_bpf_dsq_move_to_local(other))
			return;
	}
}

POLICY_OP("running")
void BPF_PROG(steal_running, struct task_struct *p)
{
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(steal_stopping, struct task_struct *p, bool runnable)
{
	u64 left = p->scx.slice, used = left < TURN_NS ? TURN_NS - left : 0;

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(steal_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(steal_init)
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
struct sched_ext_ops percpu_steal = {
	.select_cpu = (void *)steal_select_cpu,
	.enqueue = (void *)steal_enqueue,
	.dispatch = (void *)steal_dispatch,
	.running = (void *)steal_running,
	.stopping = (void *)steal_stopping,
	.enable = (void *)steal_enable,
	.init = (void *)steal_init,
	.timeout_ms = 5000,
	.name = "percpu_steal",
};
