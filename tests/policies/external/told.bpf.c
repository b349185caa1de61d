/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One queue for all, the kernel's own; counts, and tells how it ended. */
#include "scx.bpf.h"
#include "told_abi.h"

char _license[] SEC("license") = "GPL";

struct told told;

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(told_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (told.fail)
		scx_bpf_error("asked to fail");
	if (idle) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, told.slice_ns, 0);
		__sync_fetch_and_add(&told.direct, 1);
	}
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(told_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, told.slice_ns, enq_flags);
	__sync_fetch_and_add(&told.queued, 1);
	wake_idle(p);
}

POLICY_OP("exit")
void BPF_PROG(told_exit, struct scx_exit_info *ei)
{
	bpf_probe_read_kernel_str(told.reason, sizeof(told.reason), ei->reason);
	bpf_probe_read_kernel_str(told.message, sizeof(told.message), ei->msg);
	told.code = ei->exit_code;
	told.kind = ei->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops testfifo = {
	.select_cpu = (void *)told_select_cpu,
	.enqueue = (void *)told_enqueue,
	.exit = (void *)told_exit,
	.timeout_ms = 30000,
	.name = "testfifo",
};
