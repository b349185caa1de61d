/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short sleepers go first; the helper that does it inserts them. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define FRONT	1
#define BACK	2

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

struct task {
	u64 slept_at;
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

static __noinline void to_front(struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, FRONT, TURN_NS, enq_flags);
}

POLICY_OP("enqueue")
void BPF_PROG(helper_twice_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	u64 turn = turn_of(p);

	if (t && t->slept_at && scx_bpf_now() - t->slept_at < TURN_NS)
		to_front(p, enq_flags);
	scx_bpf_dsq_insert(p, BACK, turn, 0); /* WRONG: perhaps once more */
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(helper_twice_dispatch, s32 cpu, struct task_struct *prev)
{
	bool odd = bpf_get_prandom_u32() & 1;

	if (!scx_bpf_dsq_move_to_local(odd ? FRONT : BACK))
		scx_bpf_dsq_move_to_local(odd ? BACK : FRONT);
}

POLICY_OP("stopping")
void BPF_PROG(helper_twice_stopping, struct task_struct *p, bool runnable)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->slept_at = runnable ? 0 : scx_bpf_now();
}

POLICY_OP("init_task")
s32 BPF_PROG(helper_twice_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(helper_twice_init)
{
	s32 rc = scx_bpf_create_dsq(FRONT, -1);

	return rc ? rc : scx_bpf_create_dsq(BACK, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops helper_twice = {
	.enqueue = (void *)helper_twice_enqueue,
	.dispatch = (void *)helper_twice_dispatch,
	.stopping = (void *)helper_twice_stopping,
	.init_task = (void *)helper_twice_init_task,
	.init = (void *)helper_twice_init,
	.timeout_ms = 5000,
	.name = "helper_twice",
};
