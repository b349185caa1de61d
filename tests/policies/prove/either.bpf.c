/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inserts into one of two queues at one place, and takes from the second. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

u64 first, second; /* set by others */

POLICY_OP("enqueue")
void BPF_PROG(either_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 id = first;

	if (p->pid & 1)
		id = second;
	scx_bpf_dsq_insert(p, id, SCX_SLICE_DFL, enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(either_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(second);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(either_init)
{
	s32 err = scx_bpf_create_dsq(first, -1);

	return err ? err : scx_bpf_create_dsq(second, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops either = {
	.enqueue = (void *)either_enqueue,
	.dispatch = (void *)either_dispatch,
	.init = (void *)either_init,
	.timeout_ms = 5000,
	.name = "either",
};
