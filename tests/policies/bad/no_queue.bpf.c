/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second queue for the interactive was added, but not to init. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS	    36000000ULL
#define BATCH	    1
#define INTERACTIVE 2

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
void BPF_PROG(no_queue_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 turn = turn_of(p);

	if (enq_flags & SCX_ENQ_WAKEUP) {
		scx_bpf_dsq_insert(p, INTERACTIVE, turn, 0); /* WRONG: none */
		barrier(); /* else both become one call, without a line */
	} else {
		scx_bpf_dsq_insert(p, BATCH, turn, enq_flags);
	}
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(no_queue_dispatch, s32 cpu, struct task_struct *prev)
{
	u64 first = bpf_get_prandom_u32() & 1 ? INTERACTIVE : BATCH;

	if (!scx_bpf_dsq_move_to_local(first))
		scx_bpf_dsq_move_to_local(INTERACTIVE + BATCH - first);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(no_queue_init)
{
	return scx_bpf_create_dsq(BATCH, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops no_queue = {
	.enqueue = (void *)no_queue_enqueue,
	.dispatch = (void *)no_queue_dispatch,
	.init = (void *)no_queue_init,
	.timeout_ms = 5000,
	.name = "no_queue",
};
