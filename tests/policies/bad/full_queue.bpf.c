/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parks tasks by pid in a queue of eight. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, s32);
} parked SEC(".maps");

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

POLICY_OP("enqueue")
void BPF_PROG(full_queue_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid;

	bpf_map_push_elem(&parked, &pid, 0); /* WRONG: it may be full */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(full_queue_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	s32 pid;

	bpf_repeat(8)
	{
		if (bpf_map_pop_elem(&parked, &pid))
			return;
		p = bpf_task_from_pid(pid);
		if (!p)
			continue;
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), 0);
		bpf_task_release(p);
	}
}

SEC(".struct_ops.link")
struct sched_ext_ops full_queue = {
	.enqueue = (void *)full_queue_enqueue,
	.dispatch = (void *)full_queue_dispatch,
	.timeout_ms = 5000,
	.name = "full_queue",
};
