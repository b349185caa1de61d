/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inserts on every round of a loop, so perhaps never and perhaps twice. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

u32 rounds; /* set by others */

POLICY_OP("enqueue")
void BPF_PROG(again_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 i;

	bpf_for(i, 0, rounds)
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops again = {
	.enqueue = (void *)again_enqueue,
	.timeout_ms = 5000,
	.name = "again",
};
