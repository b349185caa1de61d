/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Weighted run time, and a throw of dice: nobody can tell who is next, and in
 * the long run all have their share.
 */
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
	u64 vtime; /* without luck */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

/* Sleeping earns the credit of one turn at most. */
static u64 key_of(struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	u64 floor = vtime_now - TURN_NS;

	if (!t)
		return floor;
	if (before(t->vtime, floor))
		t->vtime = floor;
	return t->vtime;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(dice_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(dice_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 luck = bpf_get_prandom_u32() % (2 * TURN_NS);

	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key_of(p) + luck,
				 enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(dice_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(dice_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(dice_stopping, struct task_struct *p, bool runnable)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	if (t)
		t->vtime += used * 100 / p->scx.weight;
}

POLICY_OP("enable")
void BPF_PROG(dice_enable, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->vtime = vtime_now;
}

POLICY_OP("init_task")
s32 BPF_PROG(dice_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(dice_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops dice = {
	.select_cpu = (void *)dice_select_cpu,
	.enqueue = (void *)dice_enqueue,
	.dispatch = (void *)dice_dispatch,
	.running = (void *)dice_running,
	.stopping = (void *)dice_stopping,
	.init_task = (void *)dice_init_task,
	.enable = (void *)dice_enable,
	.init = (void *)dice_init,
	.timeout_ms = 5000,
	.name = "dice",
};
