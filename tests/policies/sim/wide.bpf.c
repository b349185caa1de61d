/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives kfuncs numbers in 64 bits that they take in 32, and has maps by the
 * names that the simulator reads and writes, of other sizes than it knows.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define HIGH (0x1234ull << 32)

extern void scx_bpf_cpuperf_set(u64 cpu, u64 perf) __ksym;
extern void scx_bpf_events(void *events, u64 size) __ksym;

struct large {
	u64 v[2048];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct large);
} model_report SEC(".maps"), model_context SEC(".maps");

static u64 high = HIGH;

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(wide_init)
{
	u32 zero = 0;
	volatile struct large *l = bpf_map_lookup_elem(&model_report, &zero);

	if (!l)
		return -22;
	for (int i = 0; i < 2048; i++)
		l->v[i] = ~0ull;
	scx_bpf_cpuperf_set(high | 1, 512);
	return 0;
}

POLICY_OP("enqueue")
void BPF_PROG(wide_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 few[2];

	scx_bpf_events(few, high | sizeof(few));
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL + few[0],
			   enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops wide = {
	.init = (void *)wide_init,
	.enqueue = (void *)wide_enqueue,
	.timeout_ms = 5000,
	.name = "wide",
};
