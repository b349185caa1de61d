/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deals out those that may run anywhere; takes that from a count that knows
 * nothing of tasks that must not be moved for a while.
 */
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

static u32 next;

POLICY_OP("enqueue")
void BPF_PROG(moves_pinned_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 n = scx_bpf_nr_cpu_ids(), cpu = scx_bpf_task_cpu(p);
	u64 turn = turn_of(p), queue;

	if (p->nr_cpus_allowed == n)
		cpu = __sync_fetch_and_add(&next, 1) % n;
	queue = SCX_DSQ_LOCAL_ON | cpu;
	scx_bpf_dsq_insert(p, queue, turn, 0); /* WRONG: may it move? */
}

SEC(".struct_ops.link")
struct sched_ext_ops moves_pinned = {
	.enqueue = (void *)moves_pinned_enqueue,
	.flags = SCX_OPS_ENQ_MIGRATION_DISABLED,
	.timeout_ms = 5000,
	.name = "moves_pinned",
};
