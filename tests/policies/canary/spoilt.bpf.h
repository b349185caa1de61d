/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue by weighted run time, made worse on purpose in one respect, for
 * check-canary; none of it loses a task.  Includers say in which:
 *
 *   IDLE_PCT   so much of the time no CPU takes anything
 *   TURN_NS    how long a turn is
 *   LATE_NS    whoever is called LATE_NAME ("victim") stands that long longer
 *   LATE_WAKE  and so does whoever wakes up
 *   LIFO       the newest comes first
 *   ONE_CPU    only the first CPU takes anything
 *   REVERSED   weights count the wrong way round
 *   NOISE_NS   each dispatch takes that long
 */
#ifndef SCHEDKIT_POLICIES_SPOILT_BPF_H
#define SCHEDKIT_POLICIES_SPOILT_BPF_H

#include "bpf/scx.bpf.h"

char _license[] SEC("license") = "GPL";

#ifndef TURN_NS
#define TURN_NS 5000000ULL
#endif
#define PERIOD_NS 40000000ULL
#define SHARED	  0
#define LATE	  1
#define CPUS	  512

static u64 vtime_now;
static u64 began[CPUS]; /* the turn on each CPU */
static bool is_off;
#ifdef LATE_NS
static u64 late_since;
#endif

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static u64 weight_of(const struct task_struct *p)
{
#ifdef REVERSED
	return 10000 / (p->scx.weight ?: 1);
#else
	return p->scx.weight;
#endif
}

static u64 key_of(const struct task_struct *p)
{
	u64 vtime = p->scx.dsq_vtime, floor = vtime_now - TURN_NS;

#ifdef LIFO
	return -scx_bpf_now();
#endif
	return before(vtime, floor) ? floor : vtime;
}

static bool is_late(const struct task_struct *p, u64 flags)
{
#ifdef LATE_WAKE
	return flags & SCX_ENQ_WAKEUP;
#elif defined(LATE_NS)
	return p->comm[0] == 'v' && p->comm[1] == 'i' && p->comm[2] == 'c';
#else
	return false;
#endif
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

/* Nobody runs without having stood in the queue. */
POLICY_OP("select_cpu")
s32 BPF_PROG(spoilt_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	return prev;
}

POLICY_OP("enqueue")
void BPF_PROG(spoilt_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 key = key_of(p);

	if (is_late(p, enq_flags)) {
		scx_bpf_dsq_insert(p, LATE, TURN_NS, enq_flags);
		return;
	}
	scx_bpf_dsq_insert_vtime(p, SHARED, TURN_NS, key, enq_flags);
	wake_idle(p);
}

#ifdef NOISE_NS
static void waste(void)
{
	u64 end = bpf_ktime_get_ns() + NOISE_NS;
	u32 i;

	bpf_for(i, 0, 1000000)
	{
		if (!before(bpf_ktime_get_ns(), end))
			break;
	}
}
#endif

POLICY_OP("dispatch")
void BPF_PROG(spoilt_dispatch, s32 cpu, struct task_struct *prev)
{
#ifdef ONE_CPU
	if (cpu)
		return;
#endif
#ifdef NOISE_NS
	waste();
#endif
#ifdef LATE_NS
	u64 now = scx_bpf_now();

	if (now - late_since > LATE_NS) {
		late_since = now;
		if (scx_bpf_dsq_move_to_local(LATE))
			return;
	}
#endif
	if (is_off || scx_bpf_dsq_move_to_local(SHARED))
		return;
	if (prev && (prev->scx.flags & SCX_TASK_QUEUED))
		set_slice(prev, TURN_NS);
}

POLICY_OP("running")
void BPF_PROG(spoilt_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & (CPUS - 1)] = bpf_ktime_get_ns();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(spoilt_stopping, struct task_struct *p, bool runnable)
{
	u64 now = bpf_ktime_get_ns();
	u64 ran = now - began[scx_bpf_task_cpu(p) & (CPUS - 1)];

	set_vtime(p, p->scx.dsq_vtime + ran * 100 / weight_of(p));
}

POLICY_OP("enable")
void BPF_PROG(spoilt_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

/* ---- a clock: the time in which nothing is taken, and who waits ------- */

struct clock {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clock);
} clocks SEC(".maps");

#ifdef IDLE_PCT
#define OFF_NS (PERIOD_NS * IDLE_PCT / 100)
#else
#define OFF_NS 0
#endif

static int turn(void *map, u32 *key, struct clock *c)
{
	u32 n = scx_bpf_nr_cpu_ids(), i;

	is_off = OFF_NS && !is_off;
	bpf_for(i, 0, n)
	{
		scx_bpf_kick_cpu(i, is_off ? SCX_KICK_PREEMPT : SCX_KICK_IDLE);
	}
	bpf_timer_start(&c->timer, is_off ? OFF_NS : PERIOD_NS - OFF_NS, 0);
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(spoilt_init)
{
	u32 zero = 0;
	struct clock *c = bpf_map_lookup_elem(&clocks, &zero);
	s32 rc = scx_bpf_create_dsq(SHARED, -1);

	if (!rc)
		rc = scx_bpf_create_dsq(LATE, -1);
	if (rc || !c)
		return rc;
	bpf_timer_init(&c->timer, &clocks, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&c->timer, turn);
	return bpf_timer_start(&c->timer, PERIOD_NS, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops spoilt = {
	.select_cpu = (void *)spoilt_select_cpu,
	.enqueue = (void *)spoilt_enqueue,
	.dispatch = (void *)spoilt_dispatch,
	.running = (void *)spoilt_running,
	.stopping = (void *)spoilt_stopping,
	.enable = (void *)spoilt_enable,
	.init = (void *)spoilt_init,
	.flags = SCX_OPS_ENQ_LAST,
	.timeout_ms = 10000,
	.name = "spoilt",
};

#endif
