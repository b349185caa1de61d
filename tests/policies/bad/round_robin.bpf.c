/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deals tasks out to the CPUs like cards. */
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

POLICY_OP("enqueue")
void BPF_PROG(round_robin_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 cpu = __sync_fetch_and_add(&next, 1) % scx_bpf_nr_cpu_ids();
	u64 queue = SCX_DSQ_LOCAL_ON | cpu;

	scx_bpf_dsq_insert(p, queue, turn_of(p), 0); /* WRONG: may it? */
}

SEC(".struct_ops.link")
struct sched_ext_ops round_robin = {
	.enqueue = (void *)round_robin_enqueue,
	.timeout_ms = 5000,
	.name = "round_robin",
};
