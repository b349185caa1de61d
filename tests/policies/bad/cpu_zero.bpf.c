/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything goes to the first CPU. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define FIRST	(SCX_DSQ_LOCAL_ON | 0)

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

POLICY_OP("enqueue")
void BPF_PROG(cpu_zero_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 turn = turn_of(p);

	scx_bpf_dsq_insert(p, FIRST, turn, 0); /* WRONG: may it? */
}

SEC(".struct_ops.link")
struct sched_ext_ops cpu_zero = {
	.enqueue = (void *)cpu_zero_enqueue,
	.timeout_ms = 5000,
	.name = "cpu_zero",
};
