/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dispatch does not give up. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 3000000ULL
#define SHARED	0

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

POLICY_OP("select_cpu")
s32 BPF_PROG(endless_loop_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(endless_loop_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(endless_loop_dispatch, s32 cpu, struct task_struct *prev)
{
	for (;;) {
		if (scx_bpf_dsq_move_to_local(SHARED)) /* WRONG: none? */
			break;
	}
}

POLICY_OP("running")
void BPF_PROG(endless_loop_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(endless_loop_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(endless_loop_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(endless_loop_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops endless_loop = {
	.select_cpu = (void *)endless_loop_select_cpu,
	.enqueue = (void *)endless_loop_enqueue,
	.dispatch = (void *)endless_loop_dispatch,
	.running = (void *)endless_loop_running,
	.stopping = (void *)endless_loop_stopping,
	.enable = (void *)endless_loop_enable,
	.init = (void *)endless_loop_init,
	.timeout_ms = 5000,
	.name = "endless_loop",
};
