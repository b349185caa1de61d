/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps tasks on purpose: by pid in a map that may be full, and puts them on a
 * CPU that was looked at first.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define SHARED 7ULL

struct {
	__uint(type, 22); /* BPF_MAP_TYPE_QUEUE */
	__uint(max_entries, 128);
	__type(value, s32);
} parked SEC(".maps");

POLICY_OP("enqueue")
void BPF_PROG(parks_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid, cpu = scx_bpf_task_cpu(p) ^ 1;

	if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | cpu, SCX_SLICE_DFL, 0);
		return;
	}
	if (!bpf_map_push_elem(&parked, &pid, 0))
		return;
	scx_bpf_dsq_insert(p, SHARED, SCX_SLICE_DFL, enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(parks_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	s32 pid;

	if (scx_bpf_dsq_move_to_local(SHARED))
		return;
	if (bpf_map_pop_elem(&parked, &pid))
		return;
	p = bpf_task_from_pid(pid);
	if (!p)
		return;
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
	bpf_task_release(p);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(parks_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops parks = {
	.enqueue = (void *)parks_enqueue,
	.dispatch = (void *)parks_dispatch,
	.init = (void *)parks_init,
	.timeout_ms = 5000,
	.name = "parks",
};
