/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observation of the scheduler, added up in the kernel.
 *
 * The hot events (switch, waking) touch the storage of the tasks in question
 * and one array element per group: no hash, no event stream.  A task's group
 * is looked up when it is first seen and when its name changes.
 */
#include "kernel.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "identity.bpf.h"
#include "observe_abi.h"

const volatile struct observe_config config;
struct observe_state state;

/*
 * A wakeup can come in while its task is on its way to sleep.  Either it kept
 * the task from sleeping, or the two overtook each other and the task is
 * about to be put in a queue; when the switch follows at once it is the
 * latter, until another wakeup proves that wrong.
 */
#define WOKEN_MEANWHILE_NS 20000

enum { UNKNOWN, RUNNING, WAITING, SLEEPING, BLOCKED };

struct task {
	u64 since;   /* of the state */
	u64 burst;   /* on a CPU since it last slept */
	u64 run;     /* since it took on its identity */
	u64 resumed; /* when it last ran again after a preemption */
	u64 woken;   /* when it was woken while on a CPU */
	u64 identity;
	u32 group;
	u32 state;
	u8 tracked;
	u8 preempted; /* since it last slept */
	u8 moved;     /* to another CPU while it waited */
	u8 counted;   /* among the tasks of its group */
	u8 assumed;   /* to be waiting: see WOKEN_MEANWHILE_NS */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OBSERVE_GROUPS);
	__type(key, u32);
	__type(value, struct observe_group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct observe_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OBSERVE_GROUPS);
	__type(key, struct observe_key);
	__type(value, u32);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OBSERVE_PAIRS);
	__type(key, struct observe_pair);
	__type(value, u64);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OBSERVE_IDENTITIES);
	__type(key, u64);
	__type(value, struct observe_identity);
} identities SEC(".maps");

static __always_inline struct observe_cpu *this_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

static __always_inline struct observe_group *group_of(const struct task *t)
{
	u32 id = t->group;

	return bpf_map_lookup_elem(&groups, &id);
}

static __always_inline void hist_count(struct observe_hist *h, u64 ns)
{
	u32 slot = hist_slot(ns);

	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
	if (slot < HIST_SLOTS)
		h->slot[slot]++;
}

static __always_inline void task_count(struct observe_group *g,
				       struct task_struct *p, struct task *t)
{
	if (t->counted)
		return;
	t->counted = true;
	g->tasks++;
	g->static_prio = p->static_prio;
}

/* ---- the clock of waiting --------------------------------------------- */

static __always_inline void waiting_begin(u64 now)
{
	if (__sync_fetch_and_add(&state.waiting, 1) == 0)
		state.waiting_since = now;
}

static __always_inline void waiting_end(u64 now)
{
	u64 since = state.waiting_since;

	if (__sync_fetch_and_add(&state.waiting, -1) == 1 && now > since)
		__sync_fetch_and_add(&state.waiting_total, now - since);
}

static __always_inline u64 waiting_clock(u64 now)
{
	u64 since = state.waiting_since;

	if (state.waiting > 0 && now > since)
		return state.waiting_total + now - since;
	return state.waiting_total;
}

/* ---- groups ------------------------------------------------------------ */

static __always_inline u64 cgroup_of(struct task_struct *p)
{
	return BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, id);
}

static __always_inline bool in_cgroup(struct task_struct *p)
{
	struct cgroup *own = BPF_CORE_READ(p, cgroups, dfl_cgrp), *up = NULL;

	if (BPF_CORE_READ(own, level) < (int)config.cgroup_level)
		return false;
	bpf_core_read(&up, sizeof(up), &own->ancestors[config.cgroup_level]);
	return BPF_CORE_READ(up, kn, id) == config.cgroup_id;
}

static __always_inline void drop(void)
{
	struct observe_cpu *c = this_cpu();

	if (c)
		c->drops++;
}

static __noinline u32 group_find(struct task_struct *p, const char *comm)
{
	struct observe_key key = {};
	u32 id, *known;

	bpf_probe_read_kernel_str(key.name, sizeof(key.name), comm);
	key.kernel = !!(p->flags & PF_KTHREAD);
	if (config.scope == OBSERVE_CGROUP)
		key.cgroup = cgroup_of(p);
	known = bpf_map_lookup_elem(&names, &key);
	if (known)
		return *known;
	if (state.next_group >= OBSERVE_GROUPS - OBSERVE_FIRST)
		goto full;
	id = OBSERVE_FIRST + __sync_fetch_and_add(&state.next_group, 1);
	if (id >= OBSERVE_GROUPS)
		goto full;
	if (!bpf_map_update_elem(&names, &key, &id, BPF_NOEXIST))
		return id;
	known = bpf_map_lookup_elem(&names, &key);
	if (known)
		return *known;
full:
	drop();
	return OBSERVE_OTHERS;
}

static __always_inline void regroup(struct task_struct *p, struct task *t,
				    const char *comm)
{
	u32 group;

	if (config.scope == OBSERVE_ALL)
		t->tracked = true;
	else if (config.scope == OBSERVE_CGROUP)
		t->tracked = in_cgroup(p);
	if (!t->tracked)
		return;
	group = group_find(p, comm);
	if (group != t->group)
		t->counted = false;
	t->group = group;
}

static __always_inline struct task *task_make(struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL,
					      BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (t)
		regroup(p, t, p->comm);
	else
		drop();
	return t;
}

static __always_inline struct task *task_get(struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	return t ? t : task_make(p);
}

/* ---- what this costs --------------------------------------------------- */

static __always_inline void event_end(struct observe_cpu *c, u64 began)
{
	if (c->events++ & (OBSERVE_COST_EVERY - 1))
		return;
	c->sampled++;
	c->sampled_run += bpf_ktime_get_ns() - began;
}

/* ---- switch ------------------------------------------------------------ */

static __always_inline bool is_block(u32 why)
{
	return (why & TASK_UNINTERRUPTIBLE) && !(why & TASK_NOLOAD);
}

static __always_inline void leave(struct observe_cpu *c, struct task_struct *p,
				  bool preempt, u32 why, u64 now)
{
	struct task *t = task_get(p);
	struct observe_group *g;
	u64 ran = 0;

	if (!t)
		return;
	if (t->state == RUNNING)
		ran = now - t->since;
	else if (t->state == WAITING)
		waiting_end(now);
	t->since = now;
	c->run += ran;
	t->burst += ran;
	t->run += ran;
	g = t->tracked ? group_of(t) : NULL;
	if (g)
		task_count(g, p, t);
	if (preempt || why == TASK_RUNNING) {
		t->state = WAITING;
		t->preempted = true;
		waiting_begin(now);
		if (g) {
			g->run += ran;
			g->preemptions++;
		}
		return;
	}
	if (g) {
		g->run += ran;
		g->voluntary++;
		hist_count(&g->burst, t->burst);
	}
	t->burst = 0;
	t->preempted = false;
	if (t->woken && now - t->woken < WOKEN_MEANWHILE_NS) {
		t->assumed = true;
		t->state = WAITING;
		waiting_begin(now);
	} else {
		t->state = is_block(why) ? BLOCKED : SLEEPING;
	}
}

static __always_inline u64 enter(struct observe_cpu *c, struct task_struct *p,
				 u64 now)
{
	struct task *t = task_get(p);
	struct observe_group *g;
	u64 waited = 0, own = 0;

	if (!t)
		return 0;
	g = t->tracked ? group_of(t) : NULL;
	if (t->state == WAITING) {
		waiting_end(now);
		if (now > t->since)
			waited = now - t->since;
		c->wait += waited;
		if (g)
			hist_count(&g->delay, waited);
		own = t->moved ? 0 : waited;
	} else if (t->state != UNKNOWN) {
		c->missed++;
	}
	if (t->preempted)
		t->resumed = now;
	t->woken = 0;
	t->moved = false;
	t->assumed = false;
	t->since = now;
	t->state = RUNNING;
	return own;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	struct observe_cpu *c = this_cpu();
	u64 now, own = 0, idle;

	if (!state.live || !c)
		return 0;
	now = bpf_ktime_get_ns();
	if (prev->pid)
		leave(c, prev, preempt, prev_state, now);
	if (next->pid)
		own = enter(c, next, now);
	if (!next->pid) {
		c->idle_since = now;
		c->idle_mark = waiting_clock(now);
	} else if (!prev->pid && c->idle_since) {
		/* The way from wakeup to this CPU is no idleness of ours. */
		idle = waiting_clock(now) - c->idle_mark;
		if (idle > own)
			c->idle_waiting += idle - own;
		c->idle_since = 0;
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

static __always_inline void wake(struct observe_cpu *c, struct task *t, u64 now)
{
	struct task_struct *by = bpf_get_current_task_btf();
	struct observe_group *g = group_of(t);
	u32 waker = OBSERVE_INTERRUPT;
	struct task *w;

	if (!g)
		return;
	g->wakeups++;
	if (t->state == SLEEPING)
		hist_count(&g->sleep, now - t->since);
	else if (t->state == BLOCKED)
		hist_count(&g->block, now - t->since);
	if (by->pid && !c->interrupts) {
		w = bpf_task_storage_get(&tasks, by, NULL, 0);
		if (!w)
			return;
		waker = w->tracked ? w->group : OBSERVE_OTHERS;
		/* It slept on while its waker was off the CPU. */
		if (w->preempted && t->since < w->resumed &&
		    (t->state == SLEEPING || t->state == BLOCKED))
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

	if (!state.live || !c)
		return 0;
	now = bpf_ktime_get_ns();
	t = task_get(p);
	if (!t)
		return 0;
	if (t->state == WAITING && !t->assumed)
		goto done;
	if (t->state == UNKNOWN && p->on_rq)
		goto done;
	if (t->tracked)
		wake(c, t, now);
	if (t->state == RUNNING) {
		t->woken = now;
		goto done;
	}
	t->since = now;
	if (t->assumed) {
		t->assumed = false;
		goto done;
	}
	t->state = WAITING;
	waiting_begin(now);
done:
	event_end(c, now);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	u64 now = bpf_ktime_get_ns();
	struct task *t = state.live ? task_get(p) : NULL;

	if (!t || t->state == WAITING)
		return 0;
	t->since = now;
	t->state = WAITING;
	waiting_begin(now);
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
	if (t->run > i->max)
		i->max = t->run;
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

	if (t->state != RUNNING || now < t->since)
		return;
	ran = now - t->since;
	t->since = now;
	t->burst += ran;
	t->run += ran;
	if (c)
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
	t->tracked = from->tracked;
	t->identity = from->identity;
	regroup(child, t, child->comm);
	g = from->tracked ? group_of(from) : NULL;
	if (g)
		g->forks++;
	return 0;
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
	if (config.scope == OBSERVE_TREE && p->tgid == (int)state.root_pid)
		t->tracked = true;
	regroup(p, t, p->comm);
	if (!t->tracked)
		return 0;
	t->identity = identity_hash(p, bprm);
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
	regroup(p, t, comm);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	if (!state.live || !t || !t->tracked)
		return 0;
	settle(p, t, bpf_ktime_get_ns());
	identity_run(t);
	t->identity = 0;
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
	    descends(p, state.root_pid)) {
		t->tracked = true;
		regroup(p, t, p->comm);
	}
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
	identity_run(t);
	g = t->tracked ? group_of(t) : NULL;
	if (t->state == WAITING && state.end_at > t->since) {
		c->wait += state.end_at - t->since;
		if (g)
			hist_count(&g->delay, state.end_at - t->since);
	}
	/* A burst without end is what a batch job has. */
	if (g && t->burst && (t->state == RUNNING || t->state == WAITING))
		hist_count(&g->burst, t->burst);
	return 0;
}

char _license[] SEC("license") = "GPL";
