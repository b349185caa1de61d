/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A count under a lock. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

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

struct total {
	struct bpf_spin_lock lock;
	u64 queued, heavy;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct total);
} totals SEC(".maps");

POLICY_OP("select_cpu")
s32 BPF_PROG(keeps_lock_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(keeps_lock_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 zero = 0, weight = p->scx.weight;
	struct total *t = bpf_map_lookup_elem(&totals, &zero);

	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
	if (!t)
		return;
	bpf_spin_lock(&t->lock); /* WRONG: not always unlocked */
	t->queued++;
	if (weight <= 100)
		return;
	t->heavy++;
	bpf_spin_unlock(&t->lock);
}

POLICY_OP("dispatch")
void BPF_PROG(keeps_lock_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(keeps_lock_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops keeps_lock = {
	.select_cpu = (void *)keeps_lock_select_cpu,
	.enqueue = (void *)keeps_lock_enqueue,
	.dispatch = (void *)keeps_lock_dispatch,
	.init = (void *)keeps_lock_init,
	.timeout_ms = 5000,
	.name = "keeps_lock",
};
