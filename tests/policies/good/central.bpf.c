/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One CPU decides for all: a timer there deals out the queue among those whose
 * turn is over. Who would be idle helps itself.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS	  3000000ULL
#define PERIOD_NS 250000ULL
#define DEAL	  128 /* tasks at a time */
#define CPUS	  512
#define NOBODY	  CPUS
#define CENTRAL	  0	      /* the queue */
#define CLOCK_PIN (1ULL << 1) /* BPF_F_TIMER_CPU_PIN */

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

struct clock {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clock);
} clocks SEC(".maps");

static bool hungry[CPUS];

POLICY_OP("select_cpu")
s32 BPF_PROG(central_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(central_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, CENTRAL, turn_of(p), key_of(p), enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(central_dispatch, s32 cpu, struct task_struct *prev)
{
	if (prev && (prev->scx.flags & SCX_TASK_QUEUED))
		hungry[cpu & (CPUS - 1)] = true;
	else
		scx_bpf_dsq_move_to_local(CENTRAL);
}

POLICY_OP("running")
void BPF_PROG(central_running, struct task_struct *p)
{
	u32 cpu = scx_bpf_task_cpu(p) & (CPUS - 1);

	hungry[cpu] = false;
	began[cpu] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(central_stopping, struct task_struct *p, bool runnable)
{
	u32 cpu = scx_bpf_task_cpu(p) & (CPUS - 1);
	u64 ran = scx_bpf_now() - began[cpu];

	set_vtime(p, p->scx.dsq_vtime + ran * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(central_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

static u32 next_hungry(struct task_struct *p, u32 first)
{
	u32 n = scx_bpf_nr_cpu_ids(), i;

	bpf_for(i, 0, n)
	{
		u32 cpu = (first + i) % n;

		if (hungry[cpu & (CPUS - 1)] &&
		    bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			return cpu;
	}
	return NOBODY;
}

static int deal(void *map, u32 *key, struct clock *c)
{
	struct task_struct *p;
	u32 seen = 0;

	/* Before 6.18 what a sleepable program starts counts as sleepable. */
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, CENTRAL, 0)
	{
		u32 cpu = next_hungry(p, seen);

		if (cpu != NOBODY) {
			hungry[cpu & (CPUS - 1)] = false;
			scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p,
					 SCX_DSQ_LOCAL_ON | cpu,
					 SCX_ENQ_PREEMPT);
		}
		if (++seen >= DEAL)
			break;
	}
	bpf_rcu_read_unlock();
	bpf_timer_start(&c->timer, PERIOD_NS, CLOCK_PIN);
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(central_init)
{
	u32 zero = 0;
	struct clock *c = bpf_map_lookup_elem(&clocks, &zero);
	s32 rc = scx_bpf_create_dsq(CENTRAL, -1);

	if (rc || !c)
		return rc;
	bpf_timer_init(&c->timer, &clocks, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&c->timer, deal);
	return bpf_timer_start(&c->timer, PERIOD_NS, CLOCK_PIN);
}

SEC(".struct_ops.link")
struct sched_ext_ops central = {
	.select_cpu = (void *)central_select_cpu,
	.enqueue = (void *)central_enqueue,
	.dispatch = (void *)central_dispatch,
	.running = (void *)central_running,
	.stopping = (void *)central_stopping,
	.enable = (void *)central_enable,
	.init = (void *)central_init,
	.timeout_ms = 5000,
	.name = "central",
};
