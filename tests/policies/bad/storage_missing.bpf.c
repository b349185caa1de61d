/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps a count per task in storage that nothing ever makes. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0

struct task {
	u64 queued;
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

POLICY_OP("enqueue")
void BPF_PROG(storage_missing_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	u64 turn = TURN_NS;

	if (!t) /* WRONG: there never is one, and nobody inserts */
		return;
	t->queued++;
	if (t->queued > 1000)
		turn *= 2;
	scx_bpf_dsq_insert(p, SHARED, turn, enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(storage_missing_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(storage_missing_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops storage_missing = {
	.enqueue = (void *)storage_missing_enqueue,
	.dispatch = (void *)storage_missing_dispatch,
	.init = (void *)storage_missing_init,
	.timeout_ms = 5000,
	.name = "storage_missing",
};
