/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cannot begin with any cgroup, and is not to be told of the end of one. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

POLICY_OP_SLEEPABLE("cgroup_init")
s32 BPF_PROG(no_group_cgroup_init, struct cgroup *cg,
	     struct scx_cgroup_init_args *args)
{
	return -12; /* ENOMEM */
}

POLICY_OP_SLEEPABLE("cgroup_exit")
void BPF_PROG(no_group_cgroup_exit, struct cgroup *cg)
{
}

SEC(".struct_ops.link")
struct sched_ext_ops no_group = {
	.cgroup_init = (void *)no_group_cgroup_init,
	.cgroup_exit = (void *)no_group_cgroup_exit,
	.timeout_ms = 5000,
	.name = "no_group",
};
