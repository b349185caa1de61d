/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who was just woken goes before who has used up a turn, but the latter have
 * every fourth turn for themselves.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define WOKEN	1
#define SPENT	2

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

static u32 turns;

POLICY_OP("select_cpu")
s32 BPF_PROG(two_classes_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(two_classes_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 queue = enq_flags & SCX_ENQ_WAKEUP ? WOKEN : SPENT;

	scx_bpf_dsq_insert(p, queue, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(two_classes_dispatch, s32 cpu, struct task_struct *prev)
{
	if (__sync_fetch_and_add(&turns, 1) % 4 == 0 &&
	    scx_bpf_dsq_move_to_local(SPENT))
		return;
	if (!scx_bpf_dsq_move_to_local(WOKEN))
		scx_bpf_dsq_move_to_local(SPENT);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(two_classes_init)
{
	s32 rc = scx_bpf_create_dsq(WOKEN, -1);

	return rc ? rc : scx_bpf_create_dsq(SPENT, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops two_classes = {
	.select_cpu = (void *)two_classes_select_cpu,
	.enqueue = (void *)two_classes_enqueue,
	.dispatch = (void *)two_classes_dispatch,
	.init = (void *)two_classes_init,
	.timeout_ms = 5000,
	.name = "two_classes",
};
