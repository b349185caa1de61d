/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the queue by nice in an array on the stack. */
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

u64 crowded;

POLICY_OP("select_cpu")
s32 BPF_PROG(beyond_stack_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(beyond_stack_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(beyond_stack_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	u32 seen[4] = {}, n = 0;

	bpf_for_each(scx_dsq, p, SHARED, 0)
	{
		u32 level = p->static_prio & 127;

		seen[level]++; /* WRONG: there are 4 */
		if (++n >= 16)
			break;
	}
	if (seen[0] + seen[3] > 8)
		crowded++;
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(beyond_stack_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops beyond_stack = {
	.select_cpu = (void *)beyond_stack_select_cpu,
	.enqueue = (void *)beyond_stack_enqueue,
	.dispatch = (void *)beyond_stack_dispatch,
	.init = (void *)beyond_stack_init,
	.timeout_ms = 5000,
	.name = "beyond_stack",
};
