/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two queues by nice, in strict order. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define HIGH	1
#define LOW	2

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
s32 BPF_PROG(strict_priority_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(strict_priority_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 queue = p->scx.weight < 100 ? LOW : HIGH, turn = turn_of(p);

	scx_bpf_dsq_insert(p, queue, turn, 0); /* WRONG: LOW may starve */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(strict_priority_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_bpf_dsq_move_to_local(HIGH)) /* WRONG: LOW may starve */
		return;
	scx_bpf_dsq_move_to_local(LOW);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(strict_priority_init)
{
	s32 rc = scx_bpf_create_dsq(HIGH, -1);

	return rc ? rc : scx_bpf_create_dsq(LOW, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops strict_priority = {
	.select_cpu = (void *)strict_priority_select_cpu,
	.enqueue = (void *)strict_priority_enqueue,
	.dispatch = (void *)strict_priority_dispatch,
	.init = (void *)strict_priority_init,
	.timeout_ms = 5000,
	.name = "strict_priority",
};
