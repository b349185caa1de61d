/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table for eight CPUs, on any machine. */
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

u64 last[8];

POLICY_OP("select_cpu")
s32 BPF_PROG(beyond_bss_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(beyond_bss_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(beyond_bss_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(beyond_bss_running, struct task_struct *p)
{
	u32 cpu = scx_bpf_task_cpu(p) % scx_bpf_nr_cpu_ids();

	last[cpu] = scx_bpf_now(); /* WRONG: there are 8 */
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(beyond_bss_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops beyond_bss = {
	.select_cpu = (void *)beyond_bss_select_cpu,
	.enqueue = (void *)beyond_bss_enqueue,
	.dispatch = (void *)beyond_bss_dispatch,
	.running = (void *)beyond_bss_running,
	.init = (void *)beyond_bss_init,
	.timeout_ms = 5000,
	.name = "beyond_bss",
};
