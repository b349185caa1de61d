/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue for every four neighbouring CPUs, as if they shared a cache. Idle
 * CPUs near by are woken first, and who finds nothing at home looks further
 * away.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define CLUSTER 4

#define TURN_NS 3000000ULL

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

/* Sleeping earns the credit of one turn at most. */
static u64 key_of(const struct task_struct *p)
{
	u64 vtime = p->scx.dsq_vtime, floor = vtime_now - TURN_NS;

	return before(vtime, floor) ? floor : vtime;
}

static u32 nr_clusters(void)
{
	return (scx_bpf_nr_cpu_ids() + CLUSTER - 1) / CLUSTER;
}

/* Those near by first, then anyone. */
static void wake_idle(struct task_struct *p, s32 cpu)
{
	u32 first = (u32)cpu / CLUSTER * CLUSTER, i;
	s32 idle;

	bpf_for(i, first, first + CLUSTER)
	{
		if (i < scx_bpf_nr_cpu_ids() &&
		    bpf_cpumask_test_cpu(i, p->cpus_ptr) &&
		    scx_bpf_test_and_clear_cpu_idle(i)) {
			scx_bpf_kick_cpu(i, SCX_KICK_IDLE);
			return;
		}
	}
	idle = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (idle >= 0)
		scx_bpf_kick_cpu(idle, SCX_KICK_IDLE);
}

/* The key of who is first in a queue. */
static bool head(u64 queue, u64 *key)
{
	struct task_struct *p;

	if (scx_bpf_dsq_nr_queued(queue) <= 0)
		return false;
	bpf_for_each(scx_dsq, p, queue, 0)
	{
		*key = p->scx.dsq_vtime;
		return true;
	}
	return false;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(clusters_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(clusters_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 cpu = scx_bpf_task_cpu(p);

	scx_bpf_dsq_insert_vtime(p, cpu / CLUSTER, turn_of(p), key_of(p),
				 enq_flags);
	wake_idle(p, cpu);
}

POLICY_OP("dispatch")
void BPF_PROG(clusters_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 n = nr_clusters(), own = (u32)cpu / CLUSTER, i;
	u32 other = bpf_get_prandom_u32() % n;
	u64 mine = 0, theirs = 0;

	/* A turn's worth behind ours is worth the way. */
	if (head(own, &mine) && head(other, &theirs) &&
	    before(theirs + TURN_NS, mine) && scx_bpf_dsq_move_to_local(other))
		return;
	bpf_for(i, 0, n)
	{
		if (scx_bpf_dsq_move_to_local((own + i) % n))
			return;
	}
}

POLICY_OP("running")
void BPF_PROG(clusters_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(clusters_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(clusters_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(clusters_init)
{
	s32 rc;
	u32 i;

	bpf_for(i, 0, nr_clusters())
	{
		rc = scx_bpf_create_dsq(i, -1);
		if (rc)
			return rc;
	}
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops clusters = {
	.select_cpu = (void *)clusters_select_cpu,
	.enqueue = (void *)clusters_enqueue,
	.dispatch = (void *)clusters_dispatch,
	.running = (void *)clusters_running,
	.stopping = (void *)clusters_stopping,
	.enable = (void *)clusters_enable,
	.init = (void *)clusters_init,
	.timeout_ms = 5000,
	.name = "clusters",
};
