/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the observer knows of a task and of a group, and where it keeps that.
 */
#ifndef SCHEDKIT_BPF_OBSERVE_TASK_BPF_H
#define SCHEDKIT_BPF_OBSERVE_TASK_BPF_H

#include "kernel.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "feature.bpf.h"
#include "observe_abi.h"
#include "observe_trace.bpf.h"

/*
 * A wakeup can come in while its task is on its way to sleep.  Either it kept
 * the task from sleeping, or the two overtook each other and the task is
 * about to be put in a queue.  When the switch follows at once the latter is
 * ASSUMED, until another wakeup proves that wrong.
 */
#define WOKEN_MEANWHILE_NS 20000

/* From WAITING on a task is counted in state.waiting. */
enum { UNKNOWN, RUNNING, SLEEPING, BLOCKED, WAITING, ASSUMED };

#define TASK_ABOVE 4

struct task {
	u64 since;   /* of the state */
	u64 burst;   /* on a CPU since it last slept */
	u64 run;     /* since it took on its identity */
	u64 cpu;     /* what the kernel had counted when it was last seen */
	u64 resumed; /* when it last ran again after a preemption */
	u64 woken;   /* when it was woken while on a CPU */
	u64 identity;
	u64 above[TASK_ABOVE]; /* whose identities started it, nearest first */
	u32 group;
	u32 state;
	u8 tracked;
	u8 preempted; /* since it last slept */
	u8 moved;     /* to another CPU while it waited */
	u8 counted;   /* among the tasks of its group */
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

static __always_inline bool is_block(u32 why)
{
	return (why & TASK_UNINTERRUPTIBLE) && !(why & TASK_NOLOAD);
}

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

/*
 * Two CPUs may deal with one task at the same time; the count stays right as
 * every change of state is one step.  Returns what it does to the count.
 */
static __always_inline int task_becomes(struct task *t, u32 new)
{
	u32 old = __sync_lock_test_and_set(&t->state, new);

	return (new >= WAITING) - (old >= WAITING);
}

static __always_inline void waiting_change(int by, u64 now)
{
	if (by > 0)
		waiting_begin(now);
	if (by < 0)
		waiting_end(now);
	if (by < -1)
		waiting_end(now);
}

static __always_inline u64 waiting_clock(u64 now)
{
	u64 since = state.waiting_since;

	if (state.waiting > 0 && now > since)
		return state.waiting_total + now - since;
	return state.waiting_total;
}

/* ---- groups ------------------------------------------------------------ */

static __always_inline bool in_cgroup(struct task_struct *p)
{
	struct cgroup *own = BPF_CORE_READ(p, cgroups, dfl_cgrp), *up = NULL;
	u32 level = config.cgroup_level;
	void *ancestors;

	if (BPF_CORE_READ(own, level) < (int)level)
		return false;
	ancestors = (void *)own + bpf_core_field_offset(own->ancestors);
	bpf_probe_read_kernel(&up, sizeof(up), ancestors + level * sizeof(up));
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
				    const char *comm, bool tracked)
{
	u32 group;

	if (config.scope == OBSERVE_ALL)
		tracked = true;
	else if (config.scope == OBSERVE_CGROUP)
		tracked = in_cgroup(p);
	if (tracked) {
		group = group_find(p, comm);
		if (group != t->group)
			t->counted = false;
		t->group = group;
		trace_name(p, comm);
	}
	/* Last: the CPU that it is on may count it at once. */
	barrier();
	t->tracked = tracked;
}

static __always_inline struct task *task_make(struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL,
					      BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!t) {
		drop();
		return t;
	}
	t->cpu = p->se.sum_exec_runtime;
	regroup(p, t, p->comm, t->tracked);
	return t;
}

static __always_inline struct task *task_get(struct task_struct *p)
{
	struct task *t = bpf_task_storage_get(&tasks, p, NULL, 0);

	return t ? t : task_make(p);
}

#endif
