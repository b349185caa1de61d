/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every turn is drawn by lot; weights are tickets. The task that has just run
 * takes part.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 2000000ULL
#define SHARED	0
#define DRAW	64 /* among so many at most */

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(lottery_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, TURN_NS, 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(lottery_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, TURN_NS, enq_flags);
	wake_idle(p);
}

static u32 tickets(s32 cpu)
{
	struct task_struct *p;
	u32 sum = 0, seen = 0;

	bpf_for_each(scx_dsq, p, SHARED, 0)
	{
		if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			sum += p->scx.weight;
		if (++seen >= DRAW)
			break;
	}
	return sum;
}

static bool draw(s32 cpu, u32 ticket)
{
	struct task_struct *p;
	u32 seen = 0;

	bpf_for_each(scx_dsq, p, SHARED, 0)
	{
		if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
			if (ticket < p->scx.weight)
				return scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p,
							SCX_DSQ_LOCAL, 0);
			ticket -= p->scx.weight;
		}
		if (++seen >= DRAW)
			break;
	}
	return false;
}

POLICY_OP("dispatch")
void BPF_PROG(lottery_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 mine = 0, sum = tickets(cpu), ticket;

	if (prev && (prev->scx.flags & SCX_TASK_QUEUED))
		mine = prev->scx.weight;
	if (sum) {
		ticket = bpf_get_prandom_u32() % (sum + mine);
		if (ticket < mine) {
			set_slice(prev, TURN_NS);
			return;
		}
		if (draw(cpu, ticket - mine))
			return;
	}
	/* Somebody was faster, or stands behind those that were asked. */
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(lottery_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops lottery = {
	.select_cpu = (void *)lottery_select_cpu,
	.enqueue = (void *)lottery_enqueue,
	.dispatch = (void *)lottery_dispatch,
	.init = (void *)lottery_init,
	.timeout_ms = 5000,
	.name = "lottery",
};
