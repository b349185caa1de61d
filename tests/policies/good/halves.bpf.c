/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batch tasks are sent to the upper half of the CPUs, the others to the lower
 * one, while there are idle ones to choose from.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 3000000ULL
#define SHARED	0

static u64 vtime_now;
static u64 began[512]; /* the turn on each CPU */

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* Sleeping earns the credit of one turn at most. */
static u64 key_of(const struct task_struct *p)
{
	u64 vtime = p->scx.dsq_vtime, floor = vtime_now - TURN_NS;

	return before(vtime, floor) ? floor : vtime;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

struct masks {
	struct bpf_cpumask __kptr *lower;
	struct bpf_cpumask __kptr *upper;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct masks);
} masks SEC(".maps");

/* An idle CPU of the half that p belongs to; < 0: none. */
static s32 idle_in_half(struct task_struct *p)
{
	u32 zero = 0;
	struct masks *m = bpf_map_lookup_elem(&masks, &zero);
	struct bpf_cpumask *half;
	s32 cpu = -1;

	if (!m || bpf_cpumask_weight(p->cpus_ptr) < scx_bpf_nr_cpu_ids())
		return -1;
	bpf_rcu_read_lock();
	half = p->scx.weight < 100 ? m->upper : m->lower;
	if (half)
		cpu = scx_bpf_pick_idle_cpu((const struct cpumask *)half, 0);
	bpf_rcu_read_unlock();
	return cpu;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(halves_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	s32 cpu = idle_in_half(p);
	bool idle = cpu >= 0;

	if (!idle)
		cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);
	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(halves_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(halves_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(halves_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(halves_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(halves_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

static s32 make_half(struct bpf_cpumask **place, u32 from, u32 to)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	u32 i;

	if (!mask)
		return -12; /* ENOMEM */
	bpf_for(i, from, to) bpf_cpumask_set_cpu(i, mask);
	mask = bpf_kptr_xchg(place, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(halves_init)
{
	u32 zero = 0, n = scx_bpf_nr_cpu_ids();
	struct masks *m = bpf_map_lookup_elem(&masks, &zero);
	s32 rc;

	if (!m)
		return -2; /* ENOENT */
	rc = make_half(&m->lower, 0, (n + 1) / 2);
	if (!rc)
		rc = make_half(&m->upper, (n + 1) / 2, n);
	return rc ? rc : scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops halves = {
	.select_cpu = (void *)halves_select_cpu,
	.enqueue = (void *)halves_enqueue,
	.dispatch = (void *)halves_dispatch,
	.running = (void *)halves_running,
	.stopping = (void *)halves_stopping,
	.enable = (void *)halves_enable,
	.init = (void *)halves_init,
	.timeout_ms = 5000,
	.name = "halves",
};
