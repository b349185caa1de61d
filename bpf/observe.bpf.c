/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observation of the scheduler, added up in the kernel.
 *
 * The hot events (switch, waking) touch the storage of the tasks in question
 * and one array element per group: no hash, no event stream.  A task's group
 * is looked up when it is first seen and when its name changes.
 */
#include "kernel.bpf.h"

#include <bpf/bpf_tracing.h>

#include "identity.bpf.h"
#include "observe_burst.bpf.h"
#include "observe_task.bpf.h"

/* ---- what this costs --------------------------------------------------- */

static __always_inline void event_end(struct observe_cpu *c, u64 began)
{
	if (c->events++ & (OBSERVE_COST_EVERY - 1))
		return;
	c->sampled++;
	c->sampled_run += bpf_ktime_get_ns() - began;
}

/* ---- switch ------------------------------------------------------------ */

/*
 * What a task that is on a CPU ran since it was last seen.  Some kernels keep
 * a few switches to themselves: of one that was not seen to get its CPU it is
 * what the kernel counted.
 */
static __always_inline u64 ran_since(struct observe_cpu *c,
				     struct task_struct *p, struct task *t,
				     u64 now)
{
	u64 cpu = p->se.sum_exec_runtime, had = t->cpu;

	t->cpu = cpu;
	if (t->state == RUNNING)
		return now > t->since ? now - t->since : 0;
	if (t->state == UNKNOWN)
		return 0;
	c->missed += t->tracked;
	return cpu > had ? cpu - had : 0;
}

/* Both return by how much the number of waiting tasks changes. */
static __always_inline int leave(struct observe_cpu *c, struct task_struct *p,
				 bool preempt, u32 why, u64 now)
{
	struct task *t = task_get(p);
	struct observe_group *g;
	u64 ran;

	if (!t)
		return 0;
	ran = ran_since(c, p, t, now);
	t->since = now;
	c->run += ran;
	t->burst += ran;
	t->run += ran;
	g = t->tracked ? group_of(t) : NULL;
	if (g) {
		g->run += ran;
		task_count(g, p, t);
	}
	if (preempt || why == TASK_RUNNING) {
		t->preempted = true;
		if (t->tracked)
			trace_switch(p, REC_OUT, REC_PREEMPTED);
		if (g)
			g->preemptions++;
		burst_leave(p, t, TASK_RUNNING, ran, now);
		return task_becomes(t, WAITING);
	}
	if (g) {
		g->voluntary++;
		hist_count(&g->burst, t->burst);
	}
	if (t->tracked)
		trace_switch(p, REC_OUT,
			     is_block(why) ? REC_BLOCKS : REC_SLEEPS);
	t->burst = 0;
	t->preempted = false;
	burst_leave(p, t, why, ran, now);
	if (t->woken && now - t->woken < WOKEN_MEANWHILE_NS)
		return task_becomes(t, ASSUMED);
	return task_becomes(t, is_block(why) ? BLOCKED : SLEEPING);
}

/* What it waited on its way to this very CPU is left in *own. */
static __always_inline int enter(struct observe_cpu *c, struct task_struct *p,
				 u64 now, u64 *own)
{
	struct task *t = task_get(p);
	struct observe_group *g;
	u64 since, waited = 0;
	u32 was;

	if (!t)
		return 0;
	if (t->tracked)
		trace_switch(p, REC_IN, 0);
	was = t->state;
	since = t->since;
	if (was >= WAITING) {
		if (now > since)
			waited = now - since;
		c->wait += waited;
		g = t->tracked ? group_of(t) : NULL;
		if (g)
			hist_count(&g->delay, waited);
		*own = t->moved ? 0 : waited;
		burst_enter(p, t, was == ASSUMED, since, now);
	} else if (was != UNKNOWN) {
		c->missed++;
		burst_enter(p, t, true, 0, now);
	}
	if (t->preempted)
		t->resumed = now;
	t->woken = 0;
	t->moved = false;
	t->since = now;
	t->cpu = p->se.sum_exec_runtime;
	return task_becomes(t, RUNNING);
}

static __always_inline void idle_end(struct observe_cpu *c, u64 now, u64 own)
{
	u64 idle = waiting_clock(now) - c->idle_mark;

	/* The way from wakeup to this CPU is no idleness of ours. */
	if (c->idle_since && idle > own)
		c->idle_waiting += idle - own;
	c->idle_since = 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	struct observe_cpu *c = this_cpu();
	u64 now, own = 0;
	int waiting = 0;

	if (!state.live || !c)
		return 0;
	now = bpf_ktime_get_ns();
	if (prev->pid)
		waiting += leave(c, prev, preempt, prev_state, now);
	if (next->pid)
		waiting += enter(c, next, now, &own);
	if (!prev->pid)
		idle_end(c, now, own);
	/* One for the other is no change: CPUs need not agree about it. */
	waiting_change(waiting, now);
	if (!next->pid) {
		c->idle_since = now;
		c->idle_mark = waiting_clock(now);
	}
	event_end(c, now);
	return 0;
}

/* ---- interrupts -------------------------------------------------------- */

/*
 * Whoever runs when a timer or a device wakes a task has no part in it.  Only
 * these are told apart: a softirq of the network, over loopback, runs on
 * behalf of the sender.  The exits come first, so that they are attached
 * first and none is missed.
 */
static __always_inline int interrupt_exit(void)
{
	struct observe_cpu *c = this_cpu();

	if (c && c->interrupts)
		c->interrupts--;
	return 0;
}

static __always_inline int interrupt_entry(void)
{
	struct observe_cpu *c = this_cpu();

	if (c)
		c->interrupts++;
	return 0;
}

SEC("tp_btf/hrtimer_expire_exit")
int on_hrtimer_exit(void *ctx)
{
	return interrupt_exit();
}

SEC("tp_btf/timer_expire_exit")
int on_timer_exit(void *ctx)
{
	return interrupt_exit();
}

SEC("tp_btf/irq_handler_exit")
int on_irq_exit(void *ctx)
{
	return interrupt_exit();
}

SEC("tp_btf/hrtimer_expire_entry")
int on_hrtimer_entry(void *ctx)
{
	return interrupt_entry();
}

SEC("tp_btf/timer_expire_entry")
int on_timer_entry(void *ctx)
{
	return interrupt_entry();
}

SEC("tp_btf/irq_handler_entry")
int on_irq_entry(void *ctx)
{
	return interrupt_entry();
}

/* ---- wakeup ------------------------------------------------------------ */

static __always_inline void pair_count(u32 waker, u32 woken, u64 n)
{
	struct observe_pair pair = {.waker = waker, .woken = woken};
	u64 *count = bpf_map_lookup_elem(&pairs, &pair);

	if (count)
		__sync_fetch_and_add(count, n);
	else if (bpf_map_update_elem(&pairs, &pair, &n, BPF_NOEXIST))
		drop();
}

static __always_inline void waker_count(struct observe_group *g, u32 waker,
					u32 woken)
{
	struct observe_waker *w = &g->wakers[waker & (OBSERVE_WAKERS - 1)];

	if (w->group != waker) {
		if (w->count)
			pair_count(w->group, woken, w->count);
		w->group = waker;
		w->count = 0;
	}
	w->count++;
}

static __always_inline void trace_wake(struct observe_cpu *c,
				       struct task_struct *p, u32 was)
{
	struct task_struct *by = bpf_get_current_task_btf();
	u32 early = was == RUNNING || was == ASSUMED ? REC_EARLY : 0;
	u32 waker = REC_BY_INTERRUPT;
	struct task *w;

	if (!config.trace)
		return;
	if (by->pid && !c->interrupts) {
		w = bpf_task_storage_get(&tasks, by, NULL, 0);
		waker = w && w->tracked ? by->pid : REC_BY_UNKNOWN;
	}
	trace_put(p->pid, waker, 0, REC_WAKE | early << 8);
}

static __always_inline void wake(struct observe_cpu *c, struct task *t, u32 was,
				 u64 now)
{
	struct task_struct *by = bpf_get_current_task_btf();
	struct observe_group *g = group_of(t);
	u32 waker = OBSERVE_INTERRUPT;
	struct task *w;

	if (!g)
		return;
	g->wakeups++;
	if (was == SLEEPING)
		hist_count(&g->sleep, now - t->since);
	else if (was == BLOCKED)
		hist_count(&g->block, now - t->since);
	if (by->pid && !c->interrupts) {
		w = bpf_task_storage_get(&tasks, by, NULL, 0);
		if (!w)
			return;
		waker = w->tracked ? w->group : OBSERVE_OTHERS;
		/* It slept on while its waker was off the CPU. */
		if (w->preempted && t->since < w->resumed &&
		    (was == SLEEPING || was == BLOCKED))
			g->holder_wakes++;
	}
	waker_count(g, waker, t->group);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *p)
{
	struct observe_cpu *c = this_cpu();
	struct task *t;
	u64 now;
	u32 was;

	if (!state.live || !c)
		return 0;
	now = bpf_ktime_get_ns();
	t = task_get(p);
	if (!t)
		return 0;
	was = t->state;
	if (was == WAITING || (was == UNKNOWN && p->on_rq))
		goto done;
	if (t->tracked) {
		trace_wake(c, p, was);
		wake(c, t, was, now);
	}
	if (was == RUNNING) {
		t->woken = now;
		goto done;
	}
	burst_woken(p, t, c->interrupts, now);
	t->since = now;
	if (__sync_val_compare_and_swap(&t->state, was, WAITING) == was &&
	    was < WAITING)
		waiting_begin(now);
done:
	event_end(c, now);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	struct task *t = state.live ? task_get(p) : NULL;
	u64 now;

	if (!t)
		return 0;
	now = bpf_ktime_get_ns();
	t->since = now;
	burst_first(p, t, now);
	waiting_change(task_becomes(t, WAITING), now);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *p, int cpu)
{
	struct observe_cpu *c = this_cpu();
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);
	struct observe_group *g;

	if (!state.live || !c || !t)
		return 0;
	c->events++;
	/* While it is being woken its state is TASK_WAKING. */
	if (!p->__state)
		t->moved = true;
	g = t->tracked ? group_of(t) : NULL;
	if (g)
		g->migrations++;
	return 0;
}

/* ---- life -------------------------------------------------------------- */

static __always_inline void identity_run(struct task *t)
{
	struct observe_identity *i;
	u64 key = t->identity;

	if (!key || !t->run)
		goto done;
	i = bpf_map_lookup_elem(&identities, &key);
	if (!i)
		goto done;
	__sync_fetch_and_add(&i->run, t->run);
	__sync_fetch_and_add(&i->whole, t->run);
	if (t->run > i->max)
		i->max = t->run;
	for (int n = 0; n < TASK_ABOVE; n++) {
		key = t->above[n];
		i = key ? bpf_map_lookup_elem(&identities, &key) : NULL;
		if (!i)
			break;
		__sync_fetch_and_add(&i->whole, t->run);
	}
done:
	t->run = 0;
}

static __noinline void identity_exec(struct task_struct *p, u64 key)
{
	struct observe_identity fresh = {.execs = 1}, *i;

	i = bpf_map_lookup_elem(&identities, &key);
	if (i) {
		__sync_fetch_and_add(&i->execs, 1);
		return;
	}
	bpf_probe_read_kernel_str(fresh.name, sizeof(fresh.name), p->comm);
	if (bpf_map_update_elem(&identities, &key, &fresh, BPF_NOEXIST))
		drop();
}

/* What ran so far on this CPU still belongs to what it was before. */
static __always_inline void settle(struct task_struct *p, struct task *t,
				   u64 now)
{
	struct observe_cpu *c = this_cpu();
	struct observe_group *g = t->tracked ? group_of(t) : NULL;
	u64 ran;

	if (!c || t->state == UNKNOWN)
		return;
	ran = ran_since(c, p, t, now);
	waiting_change(task_becomes(t, RUNNING), now);
	t->since = now;
	t->burst += ran;
	t->run += ran;
	burst_ran(p, t, ran);
	c->run += ran;
	if (!g)
		return;
	g->run += ran;
	task_count(g, p, t);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct task *from = task_get(parent), *t;
	struct observe_group *g;

	if (!state.live)
		return 0;
	t = bpf_task_storage_get(&tasks, child, NULL,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!from || !t) {
		drop();
		return 0;
	}
	t->identity = from->identity;
	for (int n = 0; n < TASK_ABOVE; n++)
		t->above[n] = from->above[n];
	if (from->tracked)
		trace_event(parent->pid, child->pid, 0, REC_FORK);
	regroup(child, t, child->comm, from->tracked);
	burst_forked(parent, child, t);
	g = from->tracked ? group_of(from) : NULL;
	if (g)
		g->forks++;
	return 0;
}

/* What it was before has started what it is now, be it by a fork or as a
 * shell's exec does.  None stands above itself: its run time counts once. */
static __always_inline void execute(struct task *t, u64 identity)
{
	u64 next = t->identity;

	t->identity = identity;
	for (int n = 0; n < TASK_ABOVE && next && next != identity; n++) {
		u64 here = t->above[n];

		t->above[n] = next;
		next = here;
	}
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *p, int old_pid,
	     struct linux_binprm *bprm)
{
	struct task *t = state.live ? task_get(p) : NULL;

	if (!t)
		return 0;
	settle(p, t, bpf_ktime_get_ns());
	identity_run(t);
	regroup(p, t, p->comm,
		t->tracked || (config.scope == OBSERVE_TREE &&
			       p->tgid == (int)state.root_pid));
	if (!t->tracked)
		return 0;
	execute(t, identity_hash(p, bprm));
	burst_executed(p, t, bpf_ktime_get_ns());
	trace_event(p->pid, 0, t->identity, REC_EXEC);
	identity_exec(p, t->identity);
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *p, const char *comm)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (!state.live || !t || !t->tracked)
		return 0;
	settle(p, t, bpf_ktime_get_ns());
	/* Reported before the name is changed. */
	regroup(p, t, comm, true);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (!state.live || !t || !t->tracked)
		return 0;
	trace_event(p->pid, 0, 0, REC_EXIT);
	settle(p, t, bpf_ktime_get_ns());
	identity_run(t);
	t->identity = 0;
	burst_exits(p);
	return 0;
}

/* ---- before and after -------------------------------------------------- */

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#define MAX_DEPTH 64

static __always_inline bool descends(struct task_struct *p, int root)
{
	struct task_struct *up = p;

	for (int i = 0; i < MAX_DEPTH; i++) {
		int tgid = BPF_CORE_READ(up, tgid);

		if (tgid == root)
			return true;
		if (tgid <= 1)
			break;
		up = BPF_CORE_READ(up, real_parent);
	}
	return false;
}

/* Tasks that are there already: events may be coming in meanwhile. */
SEC("iter/task")
int before(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	struct task *t;
	u32 now_is;

	if (!p)
		return 0;
	t = task_get(p);
	if (!t)
		return 0;
	if (config.scope == OBSERVE_TREE && state.root_pid &&
	    descends(p, state.root_pid))
		regroup(p, t, p->comm, true);
	if (p->on_cpu)
		now_is = RUNNING;
	else if (!p->on_rq)
		now_is = is_block(p->__state) ? BLOCKED : SLEEPING;
	else
		return 0;
	if (!t->since)
		t->since = bpf_ktime_get_ns();
	__sync_val_compare_and_swap(&t->state, UNKNOWN, now_is);
	return 0;
}

/* Tasks that are still there; nothing else comes in any more. */
SEC("iter/task")
int after(struct bpf_iter__task *ctx)
{
	struct observe_cpu *c = this_cpu();
	struct task_struct *p = ctx->task;
	struct observe_group *g;
	struct task *t;

	if (!p || !c)
		return 0;
	t = bpf_task_storage_get(&tasks, p, NULL, 0);
	if (!t)
		return 0;
	/* Some kernels keep a few tasks' switches to themselves. */
	if (p->on_cpu)
		settle(p, t, state.end_at);
	burst_left(p);
	identity_run(t);
	g = t->tracked ? group_of(t) : NULL;
	if (t->state >= WAITING && state.end_at > t->since) {
		c->wait += state.end_at - t->since;
		if (g)
			hist_count(&g->delay, state.end_at - t->since);
	}
	/* A burst without end is what a batch job has. */
	if (g && t->burst && (t->state == RUNNING || t->state >= WAITING))
		hist_count(&g->burst, t->burst);
	return 0;
}

char _license[] SEC("license") = "GPL";
