/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Weighted round robin by budgets: who sleeps keeps what is left of its turn,
 * who has used it up goes to the back with a new one.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS	 36000000ULL
#define SHARED	 0
#define LEAST_NS 100000ULL

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

struct task {
	u64 left; /* of its budget */
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

static u64 budget_of(struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t && t->left >= LEAST_NS && t->left < turn_of(p))
		return t->left;
	return turn_of(p);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(budget_rr_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, budget_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(budget_rr_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, SHARED, budget_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(budget_rr_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("stopping")
void BPF_PROG(budget_rr_stopping, struct task_struct *p, bool runnable)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->left = p->scx.slice;
}

POLICY_OP("init_task")
s32 BPF_PROG(budget_rr_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(budget_rr_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops budget_rr = {
	.select_cpu = (void *)budget_rr_select_cpu,
	.enqueue = (void *)budget_rr_enqueue,
	.dispatch = (void *)budget_rr_dispatch,
	.stopping = (void *)budget_rr_stopping,
	.init_task = (void *)budget_rr_init_task,
	.init = (void *)budget_rr_init,
	.timeout_ms = 5000,
	.name = "budget_rr",
};
