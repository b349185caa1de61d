/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inserts if a variable says so, which is loaded with acquire: by bytes, as
 * compilers older than the instruction have no word for it.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

u64 wanted; /* set by others */

static u64 acquired(const u64 *from)
{
	u64 is;

	/* r1 = load_acquire((u64 *)(r2 + 0)) */
	asm volatile("r2 = %1\n\tr1 = 1\n\t"
		     ".byte 0xdb, 0x21, 0, 0, 0, 1, 0, 0\n\t"
		     "%0 = r1"
		     : "=r"(is)
		     : "r"(from)
		     : "r1", "r2", "memory");
	return is;
}

POLICY_OP("enqueue")
void BPF_PROG(acquire_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (acquired(&wanted))
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops acquire = {
	.enqueue = (void *)acquire_enqueue,
	.timeout_ms = 5000,
	.name = "acquire",
};
