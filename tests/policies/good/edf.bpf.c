/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Earliest deadline first: weighted run time plus what a burst of this task
 * usually takes.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 3000000ULL
#define SHARED	0

static u64 vtime_now;

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
	u64 began; /* on a CPU */
	u64 burst; /* since it last slept */
	u64 usual; /* mean of its bursts */
	u64 vtime; /* weighted run time */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

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
s32 BPF_PROG(edf_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(edf_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_of(p);
	u64 key = vtime_now;

	if (t) {
		if (before(t->vtime, vtime_now - TURN_NS))
			t->vtime = vtime_now - TURN_NS;
		key = t->vtime + t->usual * 100 / p->scx.weight;
	}
	scx_bpf_dsq_insert_vtime(p, SHARED, turn_of(p), key, enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(edf_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(edf_running, struct task_struct *p)
{
	struct task *t = task_of(p);

	if (!t)
		return;
	t->began = scx_bpf_now();
	if (before(vtime_now, t->vtime))
		vtime_now = t->vtime;
}

POLICY_OP("stopping")
void BPF_PROG(edf_stopping, struct task_struct *p, bool runnable)
{
	struct task *t = task_of(p);
	u64 ran;

	if (!t)
		return;
	ran = scx_bpf_now() - t->began;
	t->vtime += ran * 100 / p->scx.weight;
	t->burst += ran;
	if (t->burst > 2 * TURN_NS)
		t->burst = 2 * TURN_NS;
	if (!runnable) {
		t->usual = (3 * t->usual + t->burst) / 4;
		t->burst = 0;
	} else if (t->usual < t->burst) {
		t->usual = t->burst;
	}
}

POLICY_OP("enable")
void BPF_PROG(edf_enable, struct task_struct *p)
{
	struct task *t = task_of(p);

	if (t)
		t->vtime = vtime_now;
}

POLICY_OP("init_task")
s32 BPF_PROG(edf_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(edf_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops edf = {
	.select_cpu = (void *)edf_select_cpu,
	.enqueue = (void *)edf_enqueue,
	.dispatch = (void *)edf_dispatch,
	.running = (void *)edf_running,
	.stopping = (void *)edf_stopping,
	.init_task = (void *)edf_init_task,
	.enable = (void *)edf_enable,
	.init = (void *)edf_init,
	.timeout_ms = 5000,
	.name = "edf",
};
