/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bursts of the tasks observed, burst_abi.h, one record each: made when
 * the task becomes runnable, handed on when the sleep after it has ended.
 * Nothing of it is in the program unless it is asked for.
 */
#ifndef SCHEDKIT_BPF_OBSERVE_BURST_BPF_H
#define SCHEDKIT_BPF_OBSERVE_BURST_BPF_H

#include "observe_task.bpf.h"

#include "burst_abi.h"
#include "feature.bpf.h"
#include "intent.bpf.h"

#define TASK_DEAD 0x80

/* UNSEEN: its burst began before anything was seen of it. */
enum { UNSEEN, ASLEEP, AWAKE };

struct burst {
	struct feature_task f;
	struct burst_record r;
	u64 identity; /* whose bursts these are; the task forgets as it exits */
	u64 declared; /* number of the facts by which a rule was looked up */
	u32 stage;
	bool recorded; /* this burst is one of the sample */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct burst);
} burst_tasks SEC(".maps");

/* By identity and by cgroup: numbers of the former are so large and spread
 * that none is a cgroup's, too.  User space makes both of these large when
 * they are wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, u64);
	__type(value, struct feature_group);
} burst_groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bursts SEC(".maps");

static __always_inline struct burst *burst_get(struct task_struct *p, u64 flags)
{
	if (!config.bursts)
		return NULL;
	return bpf_task_storage_get(&burst_tasks, p, NULL, flags);
}

static __always_inline struct burst *burst_make(struct task_struct *p)
{
	struct burst *b = burst_get(p, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (config.bursts && !b)
		__sync_fetch_and_add(&state.burst_drops, 1);
	return b;
}

static __noinline int burst_emit(struct burst *b)
{
	if (!b->recorded)
		return 0;
	b->recorded = false;
	if (bpf_ringbuf_output(&bursts, &b->r, sizeof(b->r), RB_NO_WAKEUP))
		__sync_fetch_and_add(&state.burst_drops, 1);
	return 0;
}

/* ---- what is known of the task ---------------------------------------- */

static __always_inline s16 burst_learn(u64 key, s16 log)
{
	struct feature_group *g = bpf_map_lookup_elem(&burst_groups, &key);
	struct feature_group fresh = {};

	if (g)
		return feature_learn(g, log);
	log = feature_learn(&fresh, log);
	bpf_map_update_elem(&burst_groups, &key, &fresh, BPF_NOEXIST);
	return log;
}

static __always_inline s16 burst_learned(u64 key)
{
	struct feature_group *g = bpf_map_lookup_elem(&burst_groups, &key);

	return g ? g->mean >> 8 : 0;
}

/* ---- what is declared about it ----------------------------------------- */

struct burst_marks {
	u64 of[3];
};

/* Global, so that it is verified once, not for each rule that may be there: an
 * observer runs on kernels that have no bpf_for(). */
__noinline int burst_rule_holds(const struct intent_facts *f,
				const struct burst_marks *m, u32 at)
{
	u32 zero = 0;
	struct intent_table *table = bpf_map_lookup_elem(&intents, &zero);

	at &= INTENT_MAX_RULES - 1;
	if (!table || !f || !m || at >= table->count)
		return 0;
	return entry_holds(&table->v[at], at, f, m->of);
}

/* The first rule that is for it says of which class it is.  It is looked up
 * again when what rules may ask of it has changed. */
static __noinline int burst_declared(struct burst *b, struct task_struct *p)
{
	u32 zero = 0, i;
	struct intent_table *table = bpf_map_lookup_elem(&intents, &zero);
	struct intent_facts f = {};
	struct burst_marks m;
	u64 seen;

	if (!table)
		return 0;
	tell_intent_facts(&f, p, table->kinds);
	seen = number_of_facts(&f);
	if (b->declared == seen)
		return 0;
	b->declared = seen;
	b->f.intent = 0;
	find_marks(&f, table->kinds, 0, m.of);
	for (i = 0; i < INTENT_MAX_RULES; i++) {
		if (!burst_rule_holds(&f, &m, i))
			continue;
		if (table->v[i].set & INTENT_CLASS)
			b->f.intent = 1 + table->v[i].class;
		break;
	}
	return 0;
}

/* ---- its life ---------------------------------------------------------- */

static __always_inline void burst_sample(struct burst *b, struct task_struct *p,
					 u64 now, u32 flags)
{
	b->recorded = config.bursts == 1 ||
		      bpf_get_prandom_u32() % config.bursts == 0;
	if (!b->recorded)
		return;
	b->r.at = now;
	b->r.identity = b->identity;
	b->r.cgroup = cgroup_of(p);
	b->r.run_ns = 0;
	b->r.wait_ns = 0;
	b->r.sleep_ns = 0;
	b->r.tid = p->pid;
	b->r.tgid = p->tgid;
	b->r.preempted = 0;
	b->r.flags = flags;
	feature_take(&b->f, &state.context, p->start_time, now, b->r.features);
}

/* how: enum feature_waker, flags << 8 */
static __noinline int burst_begin(struct burst *b, struct task_struct *p,
				  const struct burst *by, u32 how, u64 now)
{
	if (b->stage == ASLEEP) {
		b->r.sleep_ns = feature_since(b->f.slept_at, now);
		burst_emit(b);
	}
	tell_task(&b->f, p);
	if (config.intents)
		burst_declared(b, p);
	feature_woke(&b->f, by ? &by->f : NULL, how & 0xff, now);
	burst_sample(b, p, now, how >> 8);
	b->stage = AWAKE;
	return 0;
}

/* It is woken by what runs here, or by an interrupt. */
static __always_inline void burst_woken(struct task_struct *p, struct task *t,
					bool interrupt, u64 now)
{
	struct task_struct *by = bpf_get_current_task_btf();
	struct burst *b, *waker = NULL;
	u32 how;

	if (!config.bursts || !t->tracked)
		return;
	b = burst_make(p);
	if (!b)
		return;
	how = waker_kind(p, by, interrupt);
	if (how != FEATURE_BY_INTERRUPT)
		waker = burst_get(by, 0);
	burst_begin(b, p, waker, how, now);
}

static __always_inline void burst_forked(struct task_struct *parent,
					 struct task_struct *child,
					 struct task *t)
{
	struct burst *b, *from;

	if (!config.bursts || !t->tracked)
		return;
	b = burst_make(child);
	from = burst_get(parent, 0);
	if (!b)
		return;
	feature_forked(&b->f, from ? &from->f : NULL);
	b->identity = t->identity;
}

static __always_inline void burst_first(struct task_struct *p, struct task *t,
					u64 now)
{
	struct burst *b = t->tracked ? burst_get(p, 0) : NULL;

	if (b)
		burst_begin(b, p, burst_get(bpf_get_current_task_btf(), 0),
			    FEATURE_BY_FORK | BURST_FORKED << 8, now);
}

/* It gets a CPU.  asleep: of how it was woken nothing was seen; then that was
 * at since, if it is known. */
static __always_inline void burst_enter(struct task_struct *p, struct task *t,
					bool asleep, u64 since, u64 now)
{
	struct burst *b = t->tracked ? burst_get(p, 0) : NULL;
	u64 at = since ? since : now;

	if (!b)
		return;
	if (b->stage == ASLEEP && asleep)
		burst_begin(b, p, NULL, FEATURE_BY_OTHER, at);
	if (b->stage == AWAKE && since && now > since)
		b->r.wait_ns += now - since;
}

static __always_inline void burst_ran(struct task_struct *p, struct task *t,
				      u64 ran)
{
	struct burst *b = t->tracked ? burst_get(p, 0) : NULL;

	if (b && b->stage == AWAKE)
		feature_ran(&b->f, ran);
}

static __noinline int burst_end(struct burst *b, struct task_struct *p, u32 why,
				u64 now)
{
	s16 log;

	if (b->stage == AWAKE) {
		log = feature_slept(&b->f, now);
		b->r.run_ns = b->f.burst_ns;
		if (b->identity)
			b->f.identity = burst_learn(b->identity, log);
		b->f.cgroup = burst_learn(cgroup_of(p), log);
	} else {
		b->f.slept_at = now;
	}
	b->stage = ASLEEP;
	if (why & TASK_DEAD) {
		b->r.flags |= BURST_EXITED;
		burst_emit(b);
		b->stage = UNSEEN;
		__sync_fetch_and_add(&state.dying, -1);
	} else if (is_block(why)) {
		b->r.flags |= BURST_BLOCKED;
	}
	return 0;
}

/* It leaves the CPU; why TASK_RUNNING: it was preempted. */
static __always_inline void burst_leave(struct task_struct *p, struct task *t,
					u32 why, u64 ran, u64 now)
{
	struct burst *b = t->tracked ? burst_get(p, 0) : NULL;

	if (!b)
		return;
	if (b->stage == AWAKE)
		feature_ran(&b->f, ran);
	if (why != TASK_RUNNING) {
		burst_end(b, p, why, now);
	} else if (b->stage == AWAKE) {
		feature_preempted(&b->f);
		b->r.preempted++;
	}
}

/* The first that was executed runs already: its burst begins here. */
static __always_inline void burst_executed(struct task_struct *p,
					   struct task *t, u64 now)
{
	struct burst *b;

	if (!config.bursts || !t->tracked)
		return;
	b = burst_make(p);
	if (!b)
		return;
	feature_executed(&b->f);
	b->f.identity = burst_learned(t->identity);
	b->identity = t->identity;
	if (b->stage == UNSEEN)
		burst_begin(b, p, NULL, FEATURE_BY_FORK | BURST_FORKED << 8,
			    now);
	b->r.flags |= BURST_EXECUTED;
}

/* Its last turn goes on: what it still does counts. */
static __always_inline void burst_exits(struct task_struct *p)
{
	if (burst_get(p, 0))
		__sync_fetch_and_add(&state.dying, 1);
}

/* Nothing of it will be seen any more. */
static __always_inline void burst_left(struct task_struct *p)
{
	struct burst *b = burst_get(p, 0);

	if (!b)
		return;
	if (b->stage == AWAKE) {
		b->r.run_ns = b->f.burst_ns;
		b->r.flags |= BURST_OPEN;
	} else {
		b->r.sleep_ns = feature_since(b->f.slept_at, state.end_at);
		b->r.flags |= BURST_ASLEEP;
	}
	burst_emit(b);
}

#endif
