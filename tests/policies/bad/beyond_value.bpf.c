/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps a total behind the last of eight. */
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
s32 BPF_PROG(beyond_value_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(beyond_value_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(beyond_value_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("stopping")
void BPF_PROG(beyond_value_stopping, struct task_struct *p, bool runnable)
{
	u32 zero = 0;
	struct row *r = bpf_map_lookup_elem(&rows, &zero);

	if (r)
		r->ran[8] += p->scx.slice; /* WRONG: there are 8: 0 to 7 */
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(beyond_value_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops beyond_value = {
	.select_cpu = (void *)beyond_value_select_cpu,
	.enqueue = (void *)beyond_value_enqueue,
	.dispatch = (void *)beyond_value_dispatch,
	.stopping = (void *)beyond_value_stopping,
	.init = (void *)beyond_value_init,
	.timeout_ms = 5000,
	.name = "beyond_value",
};
