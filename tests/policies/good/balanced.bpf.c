/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue per CPU; a timer evens them out: who has had least moves to where
 * others have had most.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define PERIOD_NS 2000000ULL

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

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
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

/* Whatever there is, anywhere. */
static bool steal(s32 cpu)
{
	u32 n = scx_bpf_nr_cpu_ids(), i;

	bpf_for(i, 1, n)
	{
		u32 other = (cpu + i) % n;

		if (scx_bpf_dsq_nr_queued(other) > 0 &&
		    scx_bpf_dsq_move_to_local(other))
			return true;
	}
	return false;
}

struct clock {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clock);
} clocks SEC(".maps");

POLICY_OP("select_cpu")
s32 BPF_PROG(balanced_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(balanced_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, scx_bpf_task_cpu(p), turn_of(p), key_of(p),
				 enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(balanced_dispatch, s32 cpu, struct task_struct *prev)
{
	if (!scx_bpf_dsq_move_to_local(cpu))
		steal(cpu);
}

POLICY_OP("running")
void BPF_PROG(balanced_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(balanced_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(balanced_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

/* The head of queue from, to queue to, if it may run there. */
static void move(u32 from, u32 to)
{
	struct task_struct *p;

	bpf_for_each(scx_dsq, p, from, 0)
	{
		if (bpf_cpumask_test_cpu(to, p->cpus_ptr))
			scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p, to, 0);
		break;
	}
}

static int balance(void *map, u32 *key, struct clock *c)
{
	u64 least = 0, most = 0, vtime = 0;
	u32 from = 0, to = 0, i;
	bool any = false;

	/* Before 6.18 what a sleepable program starts counts as sleepable. */
	bpf_rcu_read_lock();
	bpf_for(i, 0, scx_bpf_nr_cpu_ids())
	{
		if (!head(i, &vtime))
			continue;
		if (!any || before(vtime, least)) {
			least = vtime;
			from = i;
		}
		if (!any || before(most, vtime)) {
			most = vtime;
			to = i;
		}
		any = true;
	}
	if (any && before(least + TURN_NS, most))
		move(from, to);
	bpf_rcu_read_unlock();
	bpf_timer_start(&c->timer, PERIOD_NS, 0);
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(balanced_init)
{
	u32 zero = 0, i;
	struct clock *c = bpf_map_lookup_elem(&clocks, &zero);
	s32 rc;

	bpf_for(i, 0, scx_bpf_nr_cpu_ids())
	{
		rc = scx_bpf_create_dsq(i, -1);
		if (rc)
			return rc;
	}
	if (!c)
		return -2; /* ENOENT */
	bpf_timer_init(&c->timer, &clocks, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&c->timer, balance);
	return bpf_timer_start(&c->timer, PERIOD_NS, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops balanced = {
	.select_cpu = (void *)balanced_select_cpu,
	.enqueue = (void *)balanced_enqueue,
	.dispatch = (void *)balanced_dispatch,
	.running = (void *)balanced_running,
	.stopping = (void *)balanced_stopping,
	.enable = (void *)balanced_enable,
	.init = (void *)balanced_init,
	.timeout_ms = 5000,
	.name = "balanced",
};
