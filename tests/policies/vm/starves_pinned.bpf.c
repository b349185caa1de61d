/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that may run on one CPU only have a queue of their own, and only CPU 0
 * looks into it: tests/dumps/pinned.txt is what the kernel said of it.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 20000000ULL
#define SHARED	1
#define PINNED	2

POLICY_OP("enqueue")
void BPF_PROG(starves_pinned_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (p->nr_cpus_allowed > 1)
		scx_bpf_dsq_insert(p, SHARED, TURN_NS, enq_flags);
	else if (p->flags & PF_KTHREAD)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, TURN_NS, enq_flags);
	else
		scx_bpf_dsq_insert(p, PINNED, TURN_NS, enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(starves_pinned_dispatch, s32 cpu, struct task_struct *prev)
{
	if (cpu == 0 && scx_bpf_dsq_move_to_local(PINNED))
		return;
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(starves_pinned_init)
{
	s32 rc = scx_bpf_create_dsq(SHARED, -1);

	return rc ? rc : scx_bpf_create_dsq(PINNED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops starves_pinned = {
	.enqueue = (void *)starves_pinned_enqueue,
	.dispatch = (void *)starves_pinned_dispatch,
	.init = (void *)starves_pinned_init,
	.timeout_ms = 5000,
	.name = "starves_pinned",
};
