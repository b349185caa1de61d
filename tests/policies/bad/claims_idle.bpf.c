/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks for an idle CPU, and stays where it was. */
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

POLICY_OP("select_cpu")
s32 BPF_PROG(claims_idle_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0); /* WRONG: unused */

	return cpu == prev ? cpu : prev;
}

POLICY_OP("enqueue")
void BPF_PROG(claims_idle_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 key = key_of(p), turn = turn_of(p);

	scx_bpf_dsq_insert_vtime(p, SHARED, turn, key, 0); /* WRONG: kick? */
}

POLICY_OP("dispatch")
void BPF_PROG(claims_idle_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(claims_idle_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(claims_idle_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(claims_idle_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(claims_idle_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops claims_idle = {
	.select_cpu = (void *)claims_idle_select_cpu,
	.enqueue = (void *)claims_idle_enqueue,
	.dispatch = (void *)claims_idle_dispatch,
	.running = (void *)claims_idle_running,
	.stopping = (void *)claims_idle_stopping,
	.enable = (void *)claims_idle_enable,
	.init = (void *)claims_idle_init,
	.timeout_ms = 5000,
	.name = "claims_idle",
};
