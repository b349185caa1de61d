/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks for an idle CPU among all but its own. */
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

POLICY_OP("select_cpu")
s32 BPF_PROG(leaks_mask_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	struct bpf_cpumask *others = bpf_cpumask_create(); /* WRONG: kept */
	const struct cpumask *idle;
	s32 cpu;

	if (!others)
		return prev;
	idle = scx_bpf_get_idle_cpumask();
	bpf_cpumask_and(others, p->cpus_ptr, idle);
	scx_bpf_put_idle_cpumask(idle);
	bpf_cpumask_clear_cpu(prev, others);
	cpu = scx_bpf_pick_idle_cpu((const struct cpumask *)others, 0);
	if (cpu < 0)
		return prev;
	bpf_cpumask_release(others);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(leaks_mask_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(leaks_mask_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(leaks_mask_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops leaks_mask = {
	.select_cpu = (void *)leaks_mask_select_cpu,
	.enqueue = (void *)leaks_mask_enqueue,
	.dispatch = (void *)leaks_mask_dispatch,
	.init = (void *)leaks_mask_init,
	.timeout_ms = 5000,
	.name = "leaks_mask",
};
