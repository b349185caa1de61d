/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells user space of every wait that took more than a millisecond. */
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

struct wait {
	s32 pid, cpu;
	u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} waits SEC(".maps");

struct task {
	u64 queued_at;
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

static u64 dropped;

POLICY_OP("select_cpu")
s32 BPF_PROG(logged_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(logged_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (t)
		t->queued_at = scx_bpf_now();
	scx_bpf_dsq_insert(p, SHARED, turn_of(p), enq_flags);
	wake_idle(p);
}

POLICY_OP("dispatch")
void BPF_PROG(logged_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP("running")
void BPF_PROG(logged_running, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	struct wait *w;
	u64 ns;

	if (!t || !t->queued_at)
		return;
	ns = scx_bpf_now() - t->queued_at;
	t->queued_at = 0;
	if (ns < 1000000)
		return;
	w = bpf_ringbuf_reserve(&waits, sizeof(*w), 0);
	if (!w) {
		__sync_fetch_and_add(&dropped, 1);
		return;
	}
	w->pid = p->pid;
	w->cpu = scx_bpf_task_cpu(p);
	w->ns = ns;
	bpf_ringbuf_submit(w, 0);
}

POLICY_OP("init_task")
s32 BPF_PROG(logged_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	if (!bpf_task_storage_get(&tasks, p, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE))
		return -12; /* ENOMEM */
	return 0;
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(logged_init)
{
	return scx_bpf_create_dsq(SHARED, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops logged = {
	.select_cpu = (void *)logged_select_cpu,
	.enqueue = (void *)logged_enqueue,
	.dispatch = (void *)logged_dispatch,
	.running = (void *)logged_running,
	.init_task = (void *)logged_init_task,
	.init = (void *)logged_init,
	.timeout_ms = 5000,
	.name = "logged",
};
