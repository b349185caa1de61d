/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes down when a task began, without asking whether there is a place for
 * it.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

struct task {
	u64 began;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(null_storage_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(null_storage_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(null_storage_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(null_storage_running, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	t->began = scx_bpf_now(); /* WRONG: t may be NULL */
}

POLICY_OP("init_task")
s32 BPF_PROG(null_storage_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(null_storage_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops null_storage = {
	.select_cpu = (void *)null_storage_select_cpu,
	.enqueue = (void *)null_storage_enqueue,
	.dispatch = (void *)null_storage_dispatch,
	.running = (void *)null_storage_running,
	.init_task = (void *)null_storage_init_task,
	.init = (void *)null_storage_init,
	.timeout_ms = 5000,
	.name = "null_storage",
};
