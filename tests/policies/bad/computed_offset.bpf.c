/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts by CPU in a row of eight. */
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

struct row {
	u64 ran[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct row);
} rows SEC(".maps");

POLICY_OP("select_cpu")
s32 BPF_PROG(computed_offset_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(computed_offset_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(computed_offset_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(computed_offset_running, struct task_struct *p)
{
	u32 zero = 0, i = p->pid & 15;
	struct row *r = bpf_map_lookup_elem(&rows, &zero);

	if (r)
		r->ran[i]++; /* WRONG: up to 15 */
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(computed_offset_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops computed_offset = {
	.select_cpu = (void *)computed_offset_select_cpu,
	.enqueue = (void *)computed_offset_enqueue,
	.dispatch = (void *)computed_offset_dispatch,
	.running = (void *)computed_offset_running,
	.init = (void *)computed_offset_init,
	.timeout_ms = 5000,
	.name = "computed_offset",
};
