/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong in the same way at the same line of two files. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} seen SEC(".maps");

#line 100 "begin.h"
POLICY_OP("running")
void BPF_PROG(lines_running, struct task_struct *p)
{
	u32 key = p->pid;
	u64 *n = bpf_map_lookup_elem(&seen, &key);

	*n = 1;
}

#line 100 "end.h"
POLICY_OP("stopping")
void BPF_PROG(lines_stopping, struct task_struct *p, bool runnable)
{
	u32 key = p->pid;
	u64 *n = bpf_map_lookup_elem(&seen, &key);

	*n = 2;
}

SEC(".struct_ops.link")
struct sched_ext_ops lines = {
	.running = (void *)lines_running,
	.stopping = (void *)lines_stopping,
	.timeout_ms = 5000,
	.name = "lines",
};
