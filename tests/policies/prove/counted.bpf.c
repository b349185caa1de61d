/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A variable that not every kernel has is tested, and its address taken anew
 * where it is used, as compilers do it.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

extern const int __preempt_count __ksym __weak;

POLICY_OP("enqueue")
void BPF_PROG(counted_enqueue, struct task_struct *p, u64 enq_flags)
{
	const int *count;
	u64 slice = 5000000;

	if (bpf_ksym_exists(&__preempt_count)) {
		slice += scx_bpf_task_cpu(p);
		count = bpf_this_cpu_ptr(&__preempt_count);
		slice += *count & 1;
	}
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, slice, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops counted = {
	.enqueue = (void *)counted_enqueue,
	.timeout_ms = 5000,
	.name = "counted",
};
