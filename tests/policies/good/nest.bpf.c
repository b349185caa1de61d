/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps work on few CPUs: one that ran something lately is preferred to one
 * that has been idle for long; whole idle cores come after those.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define WARM_NS 2000000ULL
#define LOOK	32 /* at so many CPUs */
#define CPUS	512

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

static u64 used_at[CPUS];

static s32 warm_cpu(struct task_struct *p, s32 first)
{
	u32 n = scx_bpf_nr_cpu_ids(), i;
	u64 now = scx_bpf_now();

	bpf_for(i, 0, LOOK)
	{
		u32 cpu = first + i;

		if (i >= n)
			break;
		if (cpu >= n)
			cpu -= n;
		if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr) &&
		    now - used_at[cpu & (CPUS - 1)] < WARM_NS &&
		    scx_bpf_test_and_clear_cpu_idle(cpu))
			return cpu;
	}
	return -1;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(nest_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	s32 cpu = warm_cpu(p, prev);

	if (cpu < 0)
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, SCX_PICK_IDLE_CORE);
	if (cpu < 0)
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu < 0)
		return prev;
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(nest_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(nest_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(nest_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(nest_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	used_at[scx_bpf_task_cpu(p) & (CPUS - 1)] = scx_bpf_now();
	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(nest_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(nest_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops nest = {
	.select_cpu = (void *)nest_select_cpu,
	.enqueue = (void *)nest_enqueue,
	.dispatch = (void *)nest_dispatch,
	.running = (void *)nest_running,
	.stopping = (void *)nest_stopping,
	.enable = (void *)nest_enable,
	.init = (void *)nest_init,
	.timeout_ms = 5000,
	.name = "nest",
};
