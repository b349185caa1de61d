/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy whose own loader would set its constants and the length of an
 * array, and that takes its queue away while tasks are still in it.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

extern void scx_bpf_destroy_dsq(u64 dsq_id) __ksym;

const volatile u32 nr_cpu_ids = 1;
const volatile u64 slice_ns;
const volatile s32 fail;
u64 turns[1] SEC(".data.turns");

POLICY_OP("enqueue")
void BPF_PROG(loaded_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, 0, slice_ns, enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(loaded_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 i = cpu;

	if (i >= nr_cpu_ids)
		scx_bpf_error("CPU %d of %u", cpu, nr_cpu_ids);
	else
		((volatile u64 *)turns)[i]++;
	scx_bpf_dsq_move_to_local(0);
}

POLICY_OP("exit_task")
void BPF_PROG(loaded_exit_task, struct task_struct *p,
	      struct scx_exit_task_args *args)
{
	if (p->pid == 100)
		scx_bpf_destroy_dsq(0);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(loaded_init)
{
	return fail || !slice_ns ? -22 : scx_bpf_create_dsq(0, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops loaded = {
	.enqueue = (void *)loaded_enqueue,
	.dispatch = (void *)loaded_dispatch,
	.exit_task = (void *)loaded_exit_task,
	.init = (void *)loaded_init,
	.timeout_ms = 5000,
	.name = "loaded",
};
