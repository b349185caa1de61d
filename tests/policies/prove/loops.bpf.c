/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loops that end: counted, by an iterator inside another, by a callback. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define QUEUES 4
#define BASE   0x100ULL

static u64 sums[16];

static int add(u32 i, u64 *sum)
{
	*sum += i;
	return *sum > 1000;
}

POLICY_OP("enqueue")
void BPF_PROG(loops_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 sum = 0, queue = 0;
	int i, k;

	/* Not unrolled: each round depends on what was read. */
	for (i = 0; i < 100; i++)
		sum += sums[(sum + i) & 15];
	bpf_for(i, 0, 3)
	{
		bpf_for(k, 0, i + 1) sum += sums[(i + k) & 15];
	}
	bpf_loop(20, add, &sum, 0);
	queue = sum % QUEUES;
	scx_bpf_dsq_insert(p, BASE + queue, SCX_SLICE_DFL, enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(loops_dispatch, s32 cpu, struct task_struct *prev)
{
	int i;

	bpf_for(i, 0, QUEUES) if (scx_bpf_dsq_move_to_local(BASE + i)) return;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(loops_init)
{
	int i;

	bpf_for(i, 0, QUEUES)
	{
		s32 rc = scx_bpf_create_dsq(BASE + i, -1);

		if (rc)
			return rc;
	}
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops loops = {
	.enqueue = (void *)loops_enqueue,
	.dispatch = (void *)loops_dispatch,
	.init = (void *)loops_init,
	.timeout_ms = 5000,
	.name = "loops",
};
