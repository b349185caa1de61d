/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task that fits its CPU is put there, and then again for all. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	1024

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
s32 BPF_PROG(inserts_twice_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(inserts_twice_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 own = scx_bpf_task_cpu(p), turn = turn_of(p);

	if (p->nr_cpus_allowed == 1)
		scx_bpf_dsq_insert(p, own, turn, enq_flags);
	scx_bpf_dsq_insert(p, SHARED, turn, enq_flags); /* WRONG: again */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(inserts_twice_dispatch, s32 cpu, struct task_struct *prev)
{
	if (!scx_bpf_dsq_move_to_local(cpu))
		scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(inserts_twice_init)
{
	s32 rc;
	u32 i;

	bpf_for(i, 0, scx_bpf_nr_cpu_ids())
	{
		rc = scx_bpf_create_dsq(i, -1);
		if (rc)
			return rc;
	}
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops inserts_twice = {
	.select_cpu = (void *)inserts_twice_select_cpu,
	.enqueue = (void *)inserts_twice_enqueue,
	.dispatch = (void *)inserts_twice_dispatch,
	.init = (void *)inserts_twice_init,
	.timeout_ms = 5000,
	.name = "inserts_twice",
};
