/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything by the kernel's own defaults, but longer turns for those who weigh
 * more.
 */
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

POLICY_OP("running")
void BPF_PROG(minimal_running, struct task_struct *p)
{
	set_slice(p, turn_of(p));
}

SEC(".struct_ops.link")
struct sched_ext_ops minimal = {
	.running = (void *)minimal_running,
	.timeout_ms = 5000,
	.name = "minimal",
};
