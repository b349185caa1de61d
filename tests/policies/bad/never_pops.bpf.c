/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parks tasks by pid; dispatch only counts them. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	__type(value, s32);
} parked SEC(".maps");

u64 peeked;

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

POLICY_OP("enqueue")
void BPF_PROG(never_pops_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid;

	if (bpf_map_push_elem(&parked, &pid, 0)) /* WRONG: never popped */
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(never_pops_dispatch, s32 cpu, struct task_struct *prev)
{
	s32 pid;

	if (!bpf_map_peek_elem(&parked, &pid))
		__sync_fetch_and_add(&peeked, 1);
}

SEC(".struct_ops.link")
struct sched_ext_ops never_pops = {
	.enqueue = (void *)never_pops_enqueue,
	.dispatch = (void *)never_pops_dispatch,
	.timeout_ms = 5000,
	.name = "never_pops",
};
