/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Empties its parking place at one go. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
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
void BPF_PROG(batch_overflow_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid;

	if (bpf_map_push_elem(&parked, &pid, 0)) {
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), enq_flags);
		return;
	}
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(batch_overflow_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	u64 turn;
	s32 pid;

	bpf_repeat(512)
	{
		if (bpf_map_pop_elem(&parked, &pid))
			return;
		p = bpf_task_from_pid(pid);
		if (!p)
			continue;
		turn = turn_of(p);
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn, 0); /* WRONG: 2? */
		bpf_task_release(p);
	}
}

SEC(".struct_ops.link")
struct sched_ext_ops batch_overflow = {
	.enqueue = (void *)batch_overflow_enqueue,
	.dispatch = (void *)batch_overflow_dispatch,
	.dispatch_max_batch = 2,
	.timeout_ms = 5000,
	.name = "batch_overflow",
};
