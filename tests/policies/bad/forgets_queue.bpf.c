/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two queues, by nice; dispatch knows of one. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define NORMAL	1
#define BATCH	2

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

POLICY_OP("select_cpu")
s32 BPF_PROG(forgets_queue_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(forgets_queue_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 turn = turn_of(p);

	if (p->scx.weight < 100) {
		scx_bpf_dsq_insert(p, BATCH, turn, 0); /* WRONG: for ever */
		barrier(); /* else both become one call, without a line */
	} else {
		scx_bpf_dsq_insert(p, NORMAL, turn, 0);
	}
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(forgets_queue_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(NORMAL);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(forgets_queue_init)
{
	s32 rc = scx_bpf_create_dsq(NORMAL, -1);

	return rc ? rc : scx_bpf_create_dsq(BATCH, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops forgets_queue = {
	.select_cpu = (void *)forgets_queue_select_cpu,
	.enqueue = (void *)forgets_queue_enqueue,
	.dispatch = (void *)forgets_queue_dispatch,
	.init = (void *)forgets_queue_init,
	.timeout_ms = 5000,
	.name = "forgets_queue",
};
