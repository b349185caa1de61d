/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything by the kernel's own defaults. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(minimal_init)
{
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops minimal = {
	.init = (void *)minimal_init,
	.timeout_ms = 5000,
	.name = "minimal",
};
