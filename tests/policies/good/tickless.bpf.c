/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long slices that a timer ends, and only where somebody waits. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS	 3000000ULL
#define LONG_NS	 1000000000ULL
#define CHECK_NS 1000000ULL
#define CPUS	 512
#define SHARED	 0

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

struct clock {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clock);
} clocks SEC(".maps");

static u64 until[CPUS]; /* when the turn is over; 0: nobody's turn */

POLICY_OP("select_cpu")
s32 BPF_PROG(tickless_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, LONG_NS, 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(tickless_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, SHARED, LONG_NS, key_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(tickless_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(tickless_running, struct task_struct *p)
{
	u32 cpu = scx_bpf_task_cpu(p) & (CPUS - 1);

	began[cpu] = scx_bpf_now();
	until[cpu] = began[cpu] + turn_of(p);
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(tickless_stopping, struct task_struct *p, bool runnable)
{
	u32 cpu = scx_bpf_task_cpu(p) & (CPUS - 1);
	u64 ran = scx_bpf_now() - began[cpu];

	until[cpu] = 0;
	set_vtime(p, p->scx.dsq_vtime + ran * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(tickless_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

static int check(void *map, u32 *key, struct clock *c)
{
	s32 waiting = scx_bpf_dsq_nr_queued(SHARED);
	u64 now = scx_bpf_now();
	u32 i;

	if (waiting > 0) {
		bpf_for(i, 0, scx_bpf_nr_cpu_ids())
		{
			u64 end = until[i & (CPUS - 1)];

			if (end && before(end, now))
				scx_bpf_kick_cpu(i, SCX_KICK_PREEMPT);
		}
	}
	bpf_timer_start(&c->timer, CHECK_NS, 0);
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(tickless_init)
{
	u32 zero = 0;
	struct clock *c = bpf_map_lookup_elem(&clocks, &zero);
	s32 rc = scx_bpf_create_dsq(SHARED, -1);

	if (rc || !c)
		return rc;
	bpf_timer_init(&c->timer, &clocks, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&c->timer, check);
	return bpf_timer_start(&c->timer, CHECK_NS, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops tickless = {
	.select_cpu = (void *)tickless_select_cpu,
	.enqueue = (void *)tickless_enqueue,
	.dispatch = (void *)tickless_dispatch,
	.running = (void *)tickless_running,
	.stopping = (void *)tickless_stopping,
	.enable = (void *)tickless_enable,
	.init = (void *)tickless_init,
	.timeout_ms = 5000,
	.name = "tickless",
};
