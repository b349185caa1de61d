/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Levels: who uses up a turn goes down one, who sleeps goes up one.  The top
 * is served first, but every level has its turn of each sixteen.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define LEVELS 4

struct task {
	u32 level;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

static u32 turns;

/* 4.5, 9, 18, 36 ms, more for who weighs more. */
static u64 turn_of(const struct task_struct *p, u32 level)
{
	u64 ns = (4500000ULL << level) * p->scx.weight / 100;

	return ns > 100000 ? ns : 100000;
}

POLICY_OP("enqueue")
void BPF_PROG(mlfq_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	u32 level = t ? t->level & (LEVELS - 1) : 0;
	s32 cpu;

	scx_bpf_dsq_insert(p, level, turn_of(p, level), enq_flags);
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("dispatch")
void BPF_PROG(mlfq_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 turn = __sync_fetch_and_add(&turns, 1), i;

	/* Ageing: in turn, so that none is passed over for ever. */
	if (turn % 4 == 0 && scx_bpf_dsq_move_to_local(turn / 4 % LEVELS))
		return;
	bpf_for(i, 0, LEVELS)
	{
		if (scx_bpf_dsq_move_to_local(i))
			return;
	}
}

POLICY_OP("stopping")
void BPF_PROG(mlfq_stopping, struct task_struct *p, bool runnable)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (!t)
		return;
	if (runnable && !p->scx.slice && t->level < LEVELS - 1)
		t->level++;
	else if (!runnable && t->level)
		t->level--;
}

POLICY_OP("init_task")
s32 BPF_PROG(mlfq_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(mlfq_init)
{
	s32 rc;
	u32 i;

	bpf_for(i, 0, LEVELS)
	{
		rc = scx_bpf_create_dsq(i, -1);
		if (rc)
			return rc;
	}
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops mlfq = {
	.enqueue = (void *)mlfq_enqueue,
	.dispatch = (void *)mlfq_dispatch,
	.stopping = (void *)mlfq_stopping,
	.init_task = (void *)mlfq_init_task,
	.init = (void *)mlfq_init,
	.timeout_ms = 5000,
	.name = "mlfq",
};
