/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts who becomes runnable and leaves it at that. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

u64 queued;

static u64 turn_of(const struct task_struct *p)
{
	return TURN_NS * p->scx.weight / 100 + 1;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(never_inserts_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(never_inserts_enqueue, struct task_struct *p, u64 enq_flags)
{
	__sync_fetch_and_add(&queued, 1); /* WRONG: and who inserts it? */
}

POLICY_OP("dispatch")
void BPF_PROG(never_inserts_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(never_inserts_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops never_inserts = {
	.select_cpu = (void *)never_inserts_select_cpu,
	.enqueue = (void *)never_inserts_enqueue,
	.dispatch = (void *)never_inserts_dispatch,
	.init = (void *)never_inserts_init,
	.timeout_ms = 5000,
	.name = "never_inserts",
};
