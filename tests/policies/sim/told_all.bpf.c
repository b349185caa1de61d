/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has every callback, and ends when one comes that cannot come now: a task
 * becomes runnable, runs, stops and goes quiet in this order, is taken back
 * only when it was given, and a CPU is not told twice that it is idle.  Who
 * waits is kept by pid, or in a queue by vtime.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TASKS	4096
#define CPUS	512
#define SHARED	3
#define TURN_NS 2000000ULL

/* As of 7.1: whatever leaves the policy's hands or queues is told of. */
const volatile u32 told_of_custody;

enum { GONE, QUIET, RUNNABLE, RUNNING };

/* By pid, as there are never so many. */
static u8 state[TASKS], given[TASKS], held[TASKS], enabled[TASKS];
static u32 weight[TASKS];
static u8 is_idle[CPUS];

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, TASKS);
	__type(value, s32);
} pids SEC(".maps");

#define OF(p) ((p)->pid & (TASKS - 1))

static void becomes(const struct task_struct *p, u8 from, u8 to)
{
	if (state[OF(p)] != from)
		scx_bpf_error("%s becomes %d and is %d", p->comm, to,
			      state[OF(p)]);
	state[OF(p)] = to;
}

POLICY_OP("select_cpu")
s32 BPF_PROG(told_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (state[OF(p)] != QUIET)
		scx_bpf_error("%s wakes and is %d", p->comm, state[OF(p)]);
	if (idle && (u32)p->pid % 3)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, TURN_NS, 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(told_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid;

	if (state[OF(p)] != RUNNABLE || given[OF(p)])
		scx_bpf_error("%s is queued and is %d, given %d", p->comm,
			      state[OF(p)], given[OF(p)]);
	held[OF(p)] = 1;
	if (pid & 1) {
		scx_bpf_dsq_insert_vtime(p, SHARED, TURN_NS, p->scx.dsq_vtime,
					 enq_flags);
	} else {
		given[OF(p)] = 1;
		bpf_map_push_elem(&pids, &pid, 0);
	}
	scx_bpf_kick_cpu(scx_bpf_task_cpu(p), SCX_KICK_IDLE);
}

/* Before 7.1 of those only that are in no queue. */
POLICY_OP("dequeue")
void BPF_PROG(told_dequeue, struct task_struct *p, u64 deq_flags)
{
	if (told_of_custody ? !held[OF(p)] : !given[OF(p)])
		scx_bpf_error("%s was not given", p->comm);
	given[OF(p)] = held[OF(p)] = 0;
}

POLICY_OP("dispatch")
void BPF_PROG(told_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	s32 pid;

	if (scx_bpf_dsq_move_to_local(SHARED))
		return;
	bpf_repeat(16)
	{
		if (bpf_map_pop_elem(&pids, &pid))
			return;
		p = bpf_task_from_pid(pid);
		if (!p)
			continue; /* it has ended */
		if (given[OF(p)]) {
			given[OF(p)] = 0;
			scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, TURN_NS, 0);
		}
		bpf_task_release(p);
	}
}

POLICY_OP("runnable")
void BPF_PROG(told_runnable, struct task_struct *p, u64 enq_flags)
{
	becomes(p, QUIET, RUNNABLE);
}

POLICY_OP("running")
void BPF_PROG(told_running, struct task_struct *p)
{
	becomes(p, RUNNABLE, RUNNING);
	if (given[OF(p)] || (told_of_custody && held[OF(p)]))
		scx_bpf_error("%s runs and was given", p->comm);
	if (!scx_bpf_task_running(p))
		scx_bpf_error("%s runs and does not", p->comm);
}

POLICY_OP("stopping")
void BPF_PROG(told_stopping, struct task_struct *p, bool runnable)
{
	becomes(p, RUNNING, RUNNABLE);
	set_vtime(p, p->scx.dsq_vtime + (runnable ? 2000 : 1000));
}

POLICY_OP("quiescent")
void BPF_PROG(told_quiescent, struct task_struct *p, u64 deq_flags)
{
	becomes(p, RUNNABLE, QUIET);
}

POLICY_OP("tick")
void BPF_PROG(told_tick, struct task_struct *p)
{
	if (state[OF(p)] != RUNNING)
		scx_bpf_error("a tick of %s, which is %d", p->comm,
			      state[OF(p)]);
}

POLICY_OP("yield")
bool BPF_PROG(told_yield, struct task_struct *from, struct task_struct *to)
{
	if (state[OF(from)] != RUNNING)
		scx_bpf_error("%s yields and is %d", from->comm,
			      state[OF(from)]);
	set_slice(from, 0);
	return false;
}

POLICY_OP("set_weight")
void BPF_PROG(told_set_weight, struct task_struct *p, u32 w)
{
	if (weight[OF(p)] == w || p->scx.weight != w)
		scx_bpf_error("%s weighs %d again", p->comm, w);
	weight[OF(p)] = w;
}

POLICY_OP("set_cpumask")
void BPF_PROG(told_set_cpumask, struct task_struct *p,
	      const struct cpumask *mask)
{
	if (!enabled[OF(p)] ||
	    bpf_cpumask_weight(mask) != (u32)p->nr_cpus_allowed)
		scx_bpf_error("%s has another mask", p->comm);
}

POLICY_OP("update_idle")
void BPF_PROG(told_update_idle, s32 cpu, bool idle)
{
	/* All of them are idle in the beginning, and nobody is told. */
	if (!is_idle[cpu & (CPUS - 1)] == idle)
		scx_bpf_error("CPU %d is idle: %d, again", cpu, idle);
	is_idle[cpu & (CPUS - 1)] = !idle;
}

POLICY_OP("enable")
void BPF_PROG(told_enable, struct task_struct *p)
{
	if (enabled[OF(p)] || state[OF(p)] != QUIET)
		scx_bpf_error("%s is enabled again", p->comm);
	enabled[OF(p)] = 1;
}

POLICY_OP("disable")
void BPF_PROG(told_disable, struct task_struct *p)
{
	if (!enabled[OF(p)])
		scx_bpf_error("%s is disabled again", p->comm);
	enabled[OF(p)] = 0;
}

POLICY_OP("init_task")
s32 BPF_PROG(told_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	becomes(p, GONE, QUIET);
	return 0;
}

POLICY_OP("exit_task")
void BPF_PROG(told_exit_task, struct task_struct *p,
	      struct scx_exit_task_args *args)
{
	if (enabled[OF(p)])
		scx_bpf_error("%s ends and is enabled", p->comm);
	state[OF(p)] = GONE;
	weight[OF(p)] = 0;
}

POLICY_OP_SLEEPABLE("cpu_online")
void BPF_PROG(told_cpu_online, s32 cpu)
{
	is_idle[cpu & (CPUS - 1)] = 0;
}

POLICY_OP_SLEEPABLE("cpu_offline")
void BPF_PROG(told_cpu_offline, s32 cpu)
{
	is_idle[cpu & (CPUS - 1)] = 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(told_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops told_all = {
	.select_cpu = (void *)told_select_cpu,
	.enqueue = (void *)told_enqueue,
	.dequeue = (void *)told_dequeue,
	.dispatch = (void *)told_dispatch,
	.runnable = (void *)told_runnable,
	.running = (void *)told_running,
	.stopping = (void *)told_stopping,
	.quiescent = (void *)told_quiescent,
	.tick = (void *)told_tick,
	.yield = (void *)told_yield,
	.set_weight = (void *)told_set_weight,
	.set_cpumask = (void *)told_set_cpumask,
	.update_idle = (void *)told_update_idle,
	.enable = (void *)told_enable,
	.disable = (void *)told_disable,
	.init_task = (void *)told_init_task,
	.exit_task = (void *)told_exit_task,
	.cpu_online = (void *)told_cpu_online,
	.cpu_offline = (void *)told_cpu_offline,
	.init = (void *)told_init,
	.flags = SCX_OPS_KEEP_BUILTIN_IDLE,
	.timeout_ms = 5000,
	.name = "told_all",
};
