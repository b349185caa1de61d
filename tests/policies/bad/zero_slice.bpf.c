/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the length of the turn from a table that is empty for most. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("enqueue")
void BPF_PROG(zero_slice_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 turn = 0;

	if (p->flags & PF_KTHREAD)
		turn = TURN_NS;
	scx_bpf_dsq_insert(p, SHARED, turn, enq_flags); /* WRONG: may be 0 */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(zero_slice_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(zero_slice_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops zero_slice = {
	.enqueue = (void *)zero_slice_enqueue,
	.dispatch = (void *)zero_slice_dispatch,
	.init = (void *)zero_slice_init,
	.timeout_ms = 5000,
	.name = "zero_slice",
};
