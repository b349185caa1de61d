/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shortest usual burst first; the key is made of time, so that waiting makes up
 * for any length.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Turns end at a tick: none may be much shorter. */
#define TURN_NS 36000000ULL
#define SHARED	0
#define LONG_NS 50000000ULL /* longer bursts are all alike */

/* Longer turns stand for weight. */
static u64 turn_of(const struct task_struct *p)
{
	u64 ns = TURN_NS * p->scx.weight / 100;

	return ns > 50000 ? ns : 50000;
}

struct task {
	u64 began; /* on a CPU */
	u64 burst; /* since it last slept */
	u64 usual; /* mean of its bursts */
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
s32 BPF_PROG(shortest_select_cpu, struct task_struct *p, s32 prev,
	     u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(shortest_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	u64 usual = t ? t->usual : 0;

	if (t && t->burst > usual)
		usual = t->burst;
	if (usual > LONG_NS)
		usual = LONG_NS;
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), scx_bpf_now() + usual,
				 enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(shortest_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(shortest_running, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->began = scx_bpf_now();
}

POLICY_OP("stopping")
void BPF_PROG(shortest_stopping, struct task_struct *p, bool runnable)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (!t)
		return;
	t->burst += scx_bpf_now() - t->began;
	if (!runnable) {
		t->usual = (3 * t->usual + t->burst) / 4;
		t->burst = 0;
	}
}

POLICY_OP("init_task")
s32 BPF_PROG(shortest_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(shortest_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops shortest = {
	.select_cpu = (void *)shortest_select_cpu,
	.enqueue = (void *)shortest_enqueue,
	.dispatch = (void *)shortest_dispatch,
	.running = (void *)shortest_running,
	.stopping = (void *)shortest_stopping,
	.init_task = (void *)shortest_init_task,
	.init = (void *)shortest_init,
	.timeout_ms = 5000,
	.name = "shortest",
};
