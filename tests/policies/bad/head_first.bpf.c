/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stack for a queue. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("enqueue")
void BPF_PROG(head_first_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 head = bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_HEAD);

	scx_bpf_dsq_insert(p, SHARED, turn_of(p), head); /* WRONG: last first */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(head_first_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(head_first_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops head_first = {
	.enqueue = (void *)head_first_enqueue,
	.dispatch = (void *)head_first_dispatch,
	.init = (void *)head_first_init,
	.timeout_ms = 5000,
	.name = "head_first",
};
