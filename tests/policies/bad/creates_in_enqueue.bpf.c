/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue for each task that is first seen. */
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
void BPF_PROG(creates_in_enqueue_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (scx_bpf_dsq_nr_queued(SHARED) < 0)
		scx_bpf_create_dsq(SHARED, -1); /* WRONG: it may sleep */
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(creates_in_enqueue_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

SEC(".struct_ops.link")
struct sched_ext_ops creates_in_enqueue = {
	.enqueue = (void *)creates_in_enqueue_enqueue,
	.dispatch = (void *)creates_in_enqueue_dispatch,
	.timeout_ms = 5000,
	.name = "creates_in_enqueue",
};
