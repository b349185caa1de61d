/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of CPUs by index, walked to its end. */
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

static u32 next_of[64];

POLICY_OP("enqueue")
void BPF_PROG(data_loop_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 cpu = scx_bpf_task_cpu(p) & 63;

	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	while (!scx_bpf_test_and_clear_cpu_idle(cpu)) { /* WRONG: how long? */
		cpu = next_of[cpu & 63];
		if (cpu >= scx_bpf_nr_cpu_ids())
			return;
	}
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("dispatch")
void BPF_PROG(data_loop_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(data_loop_init)
{
	u32 i;

	bpf_for(i, 0, 64) next_of[i] = i + 1;
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops data_loop = {
	.enqueue = (void *)data_loop_enqueue,
	.dispatch = (void *)data_loop_dispatch,
	.init = (void *)data_loop_init,
	.timeout_ms = 5000,
	.name = "data_loop",
};
