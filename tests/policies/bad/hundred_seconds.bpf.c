/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Microseconds taken for nanoseconds, so that turns last 100 s. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_US 100000ULL
#define SHARED	0

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("enqueue")
void BPF_PROG(hundred_seconds_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 turn = TURN_US * 1000000;

	scx_bpf_dsq_insert(p, SHARED, turn, enq_flags); /* WRONG: 100 s */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(hundred_seconds_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(hundred_seconds_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops hundred_seconds = {
	.enqueue = (void *)hundred_seconds_enqueue,
	.dispatch = (void *)hundred_seconds_dispatch,
	.init = (void *)hundred_seconds_init,
	.timeout_ms = 5000,
	.name = "hundred_seconds",
};
