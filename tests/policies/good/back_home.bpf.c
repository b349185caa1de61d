/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In order of arrival, but a CPU takes one that ran on it last, if there is one
 * among the first and nobody has waited long.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define PATIENCE_NS 20000000ULL
#define LOOK	    16

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
	u64 queued_at;
	s32 home;
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
s32 BPF_PROG(back_home_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(back_home_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->queued_at = scx_bpf_now();
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(back_home_dispatch, s32 cpu, struct task_struct *prev)
{
	u64 now = scx_bpf_now();
	struct task_struct *p;
	u32 seen = 0;

	bpf_for_each(scx_dsq, p, SHARED, 0)
	{
		struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

		if (!t || now - t->queued_at > PATIENCE_NS)
			break;
		if (t->home == cpu && bpf_cpumask_test_cpu(cpu, p->cpus_ptr) &&
		    scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL, 0))
			return;
		if (++seen >= LOOK)
			break;
	}
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(back_home_running, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->home = scx_bpf_task_cpu(p);
}

POLICY_OP("init_task")
s32 BPF_PROG(back_home_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(back_home_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops back_home = {
	.select_cpu = (void *)back_home_select_cpu,
	.enqueue = (void *)back_home_enqueue,
	.dispatch = (void *)back_home_dispatch,
	.running = (void *)back_home_running,
	.init_task = (void *)back_home_init_task,
	.init = (void *)back_home_init,
	.timeout_ms = 5000,
	.name = "back_home",
};
