/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives up at the first task that it is to queue, which is before or just after
 * the kernel calls it enabled: nobody may have seen that by then.  Like the
 * template it writes down why it ended.
 */
#include "scx.bpf.h"
#include "policy_abi.h"

char _license[] SEC("license") = "GPL";

struct policy_exit ended;

POLICY_OP("enqueue")
void BPF_PROG(dropped_at_once_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_error("nobody is served");
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

POLICY_OP("exit")
void BPF_PROG(dropped_at_once_exit, struct scx_exit_info *ei)
{
	bpf_probe_read_kernel_str(ended.reason, sizeof(ended.reason),
				  ei->reason);
	bpf_probe_read_kernel_str(ended.message, sizeof(ended.message),
				  ei->msg);
	ended.kind = ei->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops dropped_at_once = {
	.enqueue = (void *)dropped_at_once_enqueue,
	.exit = (void *)dropped_at_once_exit,
	.timeout_ms = 5000,
	.name = "dropped_at_once",
};
