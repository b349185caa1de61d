/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only finds idle CPUs; who has to wait does so as the kernel has it. */
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

POLICY_OP("select_cpu")
s32 BPF_PROG(direct_only_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("running")
void BPF_PROG(direct_only_running, struct task_struct *p)
{
	set_slice(p, turn_of(p));
}

SEC(".struct_ops.link")
struct sched_ext_ops direct_only = {
	.select_cpu = (void *)direct_only_select_cpu,
	.running = (void *)direct_only_running,
	.timeout_ms = 5000,
	.name = "direct_only",
};
