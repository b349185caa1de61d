/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks wait in a red-black tree of the policy's own, ordered by weighted run
 * time, until dispatch takes the leftmost.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define TURN_NS 3000000ULL

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

/* Sleeping earns the credit of one turn at most. */
static u64 key_of(const struct task_struct *p)
{
	u64 vtime = p->scx.dsq_vtime, floor = vtime_now - TURN_NS;

	return before(vtime, floor) ? floor : vtime;
}

static void wake_idle(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

struct waiting {
	struct bpf_rb_node node; /* first, for waiting_of() */
	u64 key;
	s32 pid;
};

#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
#define contains(type, member) \
	__attribute__((btf_decl_tag("contains:" #type ":" #member)))

#define waiting_of(node) ((struct waiting *)(node))

private(WAITING) struct bpf_spin_lock lock;
private(WAITING) struct bpf_rb_root root contains(waiting, node);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return before(waiting_of(a)->key, waiting_of(b)->key);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(tree_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, turn_of(p), 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(tree_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct waiting *w = bpf_obj_new(struct waiting);

	if (!w) {
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), enq_flags);
		wake_idle(p);
		return;
	}
	w->key = key_of(p);
	w->pid = p->pid;
	bpf_spin_lock(&lock);
	bpf_rbtree_add(&root, &w->node, less);
	bpf_spin_unlock(&lock);
	wake_idle(p);
}

/* The pid of the leftmost, which is taken out; 0: none. */
static s32 leftmost(void)
{
	struct bpf_rb_node *node;
	struct waiting *w;
	s32 pid;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_first(&root);
	if (!node) {
		bpf_spin_unlock(&lock);
		return 0;
	}
	node = bpf_rbtree_remove(&root, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return 0;
	w = waiting_of(node);
	pid = w->pid;
	bpf_obj_drop(w);
	return pid;
}

POLICY_OP("dispatch")
void BPF_PROG(tree_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;
	bool here;
	s32 pid;

	bpf_repeat(32)
	{
		pid = leftmost();
		if (!pid)
			return;
		p = bpf_task_from_pid(pid);
		if (!p)
			continue; /* it has ended */
		here = bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, turn_of(p), 0);
		if (!here)
			wake_idle(p);
		bpf_task_release(p);
		if (here)
			return;
	}
}

POLICY_OP("running")
void BPF_PROG(tree_running, struct task_struct *p)
{
	began[scx_bpf_task_cpu(p) & 511] = scx_bpf_now();
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

POLICY_OP("stopping")
void BPF_PROG(tree_stopping, struct task_struct *p, bool runnable)
{
	u64 used = scx_bpf_now() - began[scx_bpf_task_cpu(p) & 511];

	set_vtime(p, p->scx.dsq_vtime + used * 100 / p->scx.weight);
}

POLICY_OP("enable")
void BPF_PROG(tree_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

SEC(".struct_ops.link")
struct sched_ext_ops tree = {
	.select_cpu = (void *)tree_select_cpu,
	.enqueue = (void *)tree_enqueue,
	.dispatch = (void *)tree_dispatch,
	.running = (void *)tree_running,
	.stopping = (void *)tree_stopping,
	.enable = (void *)tree_enable,
	.dispatch_max_batch = 32,
	.timeout_ms = 5000,
	.name = "tree",
};
