/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefers CPUs of a mask that it never checks. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

struct masks {
	struct bpf_cpumask __kptr *big;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct masks);
} masks SEC(".maps");

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
s32 BPF_PROG(null_mask_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	u32 zero = 0;
	struct masks *m = bpf_map_lookup_elem(&masks, &zero);
	s32 cpu = prev;

	if (!m)
		return prev;
	bpf_rcu_read_lock();
	if (bpf_cpumask_test_cpu(prev, &m->big->cpumask)) /* WRONG: NULL? */
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	bpf_rcu_read_unlock();
	if (cpu < 0)
		return prev;
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(null_mask_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(null_mask_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(null_mask_init)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	u32 zero = 0;
	struct masks *m = bpf_map_lookup_elem(&masks, &zero);

	if (mask && m)
		mask = bpf_kptr_xchg(&m->big, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops null_mask = {
	.select_cpu = (void *)null_mask_select_cpu,
	.enqueue = (void *)null_mask_enqueue,
	.dispatch = (void *)null_mask_dispatch,
	.init = (void *)null_mask_init,
	.timeout_ms = 5000,
	.name = "null_mask",
};
