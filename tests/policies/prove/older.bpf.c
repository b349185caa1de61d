/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As headers by others do it: each name that a call ever had is tried, the
 * oldest one without a test.  No kernel that has the newer one gets there.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

extern void scx_bpf_dsq_insert___named(struct task_struct *p, u64 dsq,
				       u64 slice, u64 enq_flags) __ksym __weak;
extern void scx_bpf_dispatch___older(struct task_struct *p, u64 dsq, u64 slice,
				     u64 enq_flags) __ksym __weak;

POLICY_OP("enqueue")
void BPF_PROG(older_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___named))
		scx_bpf_dsq_insert___named(p, SCX_DSQ_GLOBAL, 5000000,
					   enq_flags);
	else
		scx_bpf_dispatch___older(p, SCX_DSQ_GLOBAL, 5000000, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops older = {
	.enqueue = (void *)older_enqueue,
	.timeout_ms = 5000,
	.name = "older",
};
