/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue per CPU, each for itself. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

static u32 next;

POLICY_OP("select_cpu")
s32 BPF_PROG(no_stealing_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	u32 n = scx_bpf_nr_cpu_ids();
	s32 cpu = __sync_fetch_and_add(&next, 1) % n;

	return bpf_cpumask_test_cpu(cpu, p->cpus_ptr) ? cpu : prev;
}

POLICY_OP("enqueue")
void BPF_PROG(no_stealing_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 own = scx_bpf_task_cpu(p), turn = turn_of(p);

	scx_bpf_dsq_insert(p, own, turn, enq_flags); /* WRONG: only there */
}

POLICY_OP("dispatch")
void BPF_PROG(no_stealing_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(cpu); /* WRONG: and the other queues? */
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(no_stealing_init)
{
	s32 rc;
	u32 i;

	bpf_for(i, 0, scx_bpf_nr_cpu_ids())
	{
		rc = scx_bpf_create_dsq(i, -1);
		if (rc)
			return rc;
	}
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops no_stealing = {
	.select_cpu = (void *)no_stealing_select_cpu,
	.enqueue = (void *)no_stealing_enqueue,
	.dispatch = (void *)no_stealing_dispatch,
	.init = (void *)no_stealing_init,
	.timeout_ms = 5000,
	.name = "no_stealing",
};
