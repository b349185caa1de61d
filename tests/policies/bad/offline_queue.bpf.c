/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue per CPU, each served by its CPU alone. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL

static u32 next;

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

POLICY_OP("enqueue")
void BPF_PROG(offline_queue_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 cpu = scx_bpf_task_cpu(p), n = scx_bpf_nr_cpu_ids();

	if (p->nr_cpus_allowed == n)
		cpu = __sync_fetch_and_add(&next, 1) % n;
	scx_bpf_dsq_insert(p, cpu, turn_of(p), enq_flags); /* WRONG: online? */
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("dispatch")
void BPF_PROG(offline_queue_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(cpu);
}

/* Both handle hotplug, they say. */
POLICY_OP("cpu_online")
void BPF_PROG(offline_queue_cpu_online, s32 cpu)
{
	next = cpu;
}

POLICY_OP("cpu_offline")
void BPF_PROG(offline_queue_cpu_offline, s32 cpu)
{
	next = 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(offline_queue_init)
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
struct sched_ext_ops offline_queue = {
	.enqueue = (void *)offline_queue_enqueue,
	.dispatch = (void *)offline_queue_dispatch,
	.cpu_online = (void *)offline_queue_cpu_online,
	.cpu_offline = (void *)offline_queue_cpu_offline,
	.init = (void *)offline_queue_init,
	.timeout_ms = 5000,
	.name = "offline_queue",
};
