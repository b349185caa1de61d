/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One queue for all, the kernel's own. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

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
s32 BPF_PROG(global_fifo_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(global_fifo_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), enq_flags);
	wake_idle(p);
}

SEC(".struct_ops.link")
struct sched_ext_ops global_fifo = {
	.select_cpu = (void *)global_fifo_select_cpu,
	.enqueue = (void *)global_fifo_enqueue,
	.timeout_ms = 5000,
	.name = "global_fifo",
};
