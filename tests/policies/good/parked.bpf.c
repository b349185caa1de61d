/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks wait by pid in a queue map; dispatch turns pids into tasks again. Who
 * does not fit goes straight to the global queue.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	__type(value, s32);
} pids SEC(".maps");

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(parked_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(parked_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid;

	if (bpf_map_push_elem(&pids, &pid, 0))
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(parked_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	bool here;
	s32 pid;

	bpf_repeat(32)
	{
		if (bpf_map_pop_elem(&pids, &pid))
			return;
		p = bpf_task_from_pid(pid);
		if (!p)
			continue; /* it has ended */
		here = bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), 0);
		if (!here)
			wake_idle(p);
		bpf_task_release(p);
		if (here)
			return;
	}
}

SEC(".struct_ops.link")
struct sched_ext_ops parked = {
	.select_cpu = (void *)parked_select_cpu,
	.enqueue = (void *)parked_enqueue,
	.dispatch = (void *)parked_dispatch,
	.dispatch_max_batch = 32,
	.timeout_ms = 5000,
	.name = "parked",
};
