/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shares the CPUs between cgroups by their weight, and within a cgroup in turn.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

struct group {
	u64 vtime; /* run time by its weight */
	u32 weight;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct group);
} groups SEC(".maps");

static u64 vtime_now;
static u64 began[512]; /* the turn on each CPU */

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(cgroups_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(cgroups_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct cgroup *cg = scx_bpf_task_cgroup(p);
	struct group *g = bpf_cgrp_storage_get(&groups, cg, NULL, 0);
	u64 key = vtime_now;

	if (g) {
		key = g->vtime;
		if (before(key, vtime_now - TURN_NS))
			key = g->vtime = vtime_now - TURN_NS;
	}
	bpf_cgroup_release(cg);
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key, enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(cgroups_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(cgroups_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(cgroups_stopping, struct task_struct *p, bool runnable)
{
	struct cgroup *cg = scx_bpf_task_cgroup(p);
	struct group *g = bpf_cgrp_storage_get(&groups, cg, NULL, 0);
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	if (g && g->weight)
		__sync_fetch_and_add(&g->vtime, used * 100 / g->weight);
	bpf_cgroup_release(cg);
}

POLICY_OP_SLEEPABLE("cgroup_init")
s32 BPF_PROG(cgroups_cgroup_init, struct cgroup *cg,
	     struct scx_cgroup_init_args *args)
{
	struct group *g = bpf_cgrp_storage_get(&groups, cg, NULL,
					       BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!g)
		return -12; /* ENOMEM */
	g->vtime = vtime_now;
	g->weight = args->weight;
	return 0;
}

POLICY_OP("cgroup_set_weight")
void BPF_PROG(cgroups_cgroup_set_weight, struct cgroup *cg, u32 weight)
{
	struct group *g = bpf_cgrp_storage_get(&groups, cg, NULL, 0);

	if (g)
		g->weight = weight;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(cgroups_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops cgroups = {
	.select_cpu = (void *)cgroups_select_cpu,
	.enqueue = (void *)cgroups_enqueue,
	.dispatch = (void *)cgroups_dispatch,
	.running = (void *)cgroups_running,
	.stopping = (void *)cgroups_stopping,
	.cgroup_init = (void *)cgroups_cgroup_init,
	.cgroup_set_weight = (void *)cgroups_cgroup_set_weight,
	.init = (void *)cgroups_init,
	.timeout_ms = 5000,
	.name = "cgroups",
};
