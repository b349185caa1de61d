/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weighted run time; who wakes up often stands up to two turns earlier. */
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

struct task {
	u64 vtime; /* the kernel puts the key into p->scx.dsq_vtime */
	u64 woken_at;
	u64 interval; /* between wakeups, mean */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

/* None for those that wake every 100 ms or more seldom. */
static u64 boost_of(const struct task *t)
{
	if (!t->interval || t->interval >= 100000000)
		return 0;
	return 2 * TURN_NS * (100000000 - t->interval) / 100000000;
}

/* Sleeping earns the credit of one turn at most. */
static u64 key_of(struct task *t)
{
	u64 floor = vtime_now - TURN_NS;

	if (before(t->vtime, floor))
		t->vtime = floor;
	return t->vtime - boost_of(t);
}

static struct task *task_of(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(interactive_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(interactive_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_of(p);
	u64 key = t ? key_of(t) : vtime_now;

	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key, enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(interactive_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("runnable")
void BPF_PROG(interactive_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_of(p);
	u64 now = scx_bpf_now(), since;

	if (!t)
		return;
	since = now - t->woken_at;
	if (since > 1000000000)
		since = 1000000000;
	t->interval = (7 * t->interval + since) / 8;
	t->woken_at = now;
}

POLICY_OP("running")
void BPF_PROG(interactive_running, struct task_struct *p)
{
	struct task *t = task_of(p);

	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (t && before(vtime_now, t->vtime))
		vtime_now = t->vtime;
}

POLICY_OP("stopping")
void BPF_PROG(interactive_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];
	struct task *t = task_of(p);

	if (t)
		t->vtime += used * 100 / p->scx.weight;
}

POLICY_OP("enable")
void BPF_PROG(interactive_enable, struct task_struct *p)
{
	struct task *t = task_of(p);

	if (t)
		t->vtime = vtime_now;
}

POLICY_OP("init_task")
s32 BPF_PROG(interactive_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(interactive_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops interactive = {
	.select_cpu = (void *)interactive_select_cpu,
	.enqueue = (void *)interactive_enqueue,
	.dispatch = (void *)interactive_dispatch,
	.runnable = (void *)interactive_runnable,
	.running = (void *)interactive_running,
	.stopping = (void *)interactive_stopping,
	.init_task = (void *)interactive_init_task,
	.enable = (void *)interactive_enable,
	.init = (void *)interactive_init,
	.timeout_ms = 5000,
	.name = "interactive",
};
