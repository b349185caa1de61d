/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weighs each CPU against each other, and that for each. */
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

static u64 load[512];

static s32 best(struct task_struct *p)
{
	u32 n = scx_bpf_nr_cpu_ids(), i, j, k;
	u64 best = ~0ULL, sum;
	s32 found = 0;

	bpf_for(i, 0, n)
	{
		sum = 0;
		bpf_for(j, 0, n)
		{
			bpf_for(k, 0, n) /* WRONG: n * n * n */
			{
				u64 d = load[i & 511] - load[k & 511];

				sum += load[j & 511] + d;
			}
		}
		if (sum < best && bpf_cpumask_test_cpu(i, p->cpus_ptr)) {
			best = sum;
			found = i;
		}
	}
	return found;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(cubed_select_cpu, struct task_struct *p, s32 c, u64 f) /* WRONG */
{
	s32 cpu = best(p);

	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	return cpu;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("enqueue")
void BPF_PROG(cubed_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(cubed_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(cubed_running, struct task_struct *p)
{
	load[scx_bpf_task_cpu(p) & 511]++;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(cubed_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops cubed = {
	.select_cpu = (void *)cubed_select_cpu,
	.enqueue = (void *)cubed_enqueue,
	.dispatch = (void *)cubed_dispatch,
	.running = (void *)cubed_running,
	.init = (void *)cubed_init,
	.timeout_ms = 5000,
	.name = "cubed",
};
