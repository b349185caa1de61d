/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of turns by class; who has no entry is forgotten. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} turns SEC(".maps");

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("enqueue")
void BPF_PROG(lookup_error_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 class = p->static_prio;
	u64 *turn = bpf_map_lookup_elem(&turns, &class);

	if (!turn) /* WRONG: nobody else inserts it */
		return;
	scx_bpf_dsq_insert(p, SHARED, *turn + TURN_NS, enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(lookup_error_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("enable")
void BPF_PROG(lookup_error_enable, struct task_struct *p)
{
	u32 class = p->static_prio;
	u64 turn = TURN_NS * p->scx.weight / 100;

	bpf_map_update_elem(&turns, &class, &turn, BPF_ANY);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(lookup_error_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops lookup_error = {
	.enqueue = (void *)lookup_error_enqueue,
	.dispatch = (void *)lookup_error_dispatch,
	.enable = (void *)lookup_error_enable,
	.init = (void *)lookup_error_init,
	.timeout_ms = 5000,
	.name = "lookup_error",
};
