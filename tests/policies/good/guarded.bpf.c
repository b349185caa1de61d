/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Weighted run time, with what newer kernels have where it is there: a search
 * for whole idle cores, the weight of whom to preempt.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 3000000ULL
#define SHARED	0

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

/* Is it worth more than twice what runs on its CPU? */
static bool weighs_more(struct task_struct *p)
{
	struct task_struct *curr;
	bool more = false;

	if (!bpf_ksym_exists(scx_bpf_cpu_curr))
		return false;
	bpf_rcu_read_lock();
	curr = scx_bpf_cpu_curr(scx_bpf_task_cpu(p));
	if (curr)
		more = p->scx.weight > 2 * curr->scx.weight;
	bpf_rcu_read_unlock();
	return more;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(guarded_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = -1;

	if (bpf_ksym_exists(scx_bpf_select_cpu_and)) {
		cpu = scx_bpf_select_cpu_and(p, prev, wake_flags, p->cpus_ptr,
					     SCX_PICK_IDLE_CORE);
		idle = cpu >= 0;
	}
	if (!idle)
		cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);
	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(guarded_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key_of(p), enq_flags);
	if ((enq_flags & SCX_ENQ_WAKEUP) && weighs_more(p))
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), SCX_KICK_PREEMPT);
	else
		wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(guarded_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(guarded_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(guarded_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(guarded_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(guarded_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops guarded = {
	.select_cpu = (void *)guarded_select_cpu,
	.enqueue = (void *)guarded_enqueue,
	.dispatch = (void *)guarded_dispatch,
	.running = (void *)guarded_running,
	.stopping = (void *)guarded_stopping,
	.enable = (void *)guarded_enable,
	.init = (void *)guarded_init,
	.timeout_ms = 5000,
	.name = "guarded",
};
