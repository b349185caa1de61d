/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people declared about a task, and what of that the template follows.
 *
 * Which rule is for a task is looked up when it becomes runnable or goes on,
 * if the rules, or what they ask of it, have changed since.  Without rules
 * (intents_on is constant data) nothing of this is left in the program.
 */
#ifndef SCHEDKIT_POLICY_INTENT_BPF_H
#define SCHEDKIT_POLICY_INTENT_BPF_H

#include "intent.bpf.h"

const volatile u32 intents_on;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} intent_generation SEC(".maps");

/* Once set it stays so: whom a rule gave cores may still wait for one. */
static bool any_cores;

/* Not inlined: its stack is not that of who asks. */
static __attribute__((noinline)) int look_up_intent(struct task_struct *p,
						    struct task *t,
						    u32 generation)
{
	u32 half = INTENT_HALF(generation), i;
	struct intent_facts f = {};
	struct intent_table *table;
	u64 marks[3], seen;

	table = bpf_map_lookup_elem(&intents, &half);
	if (!table || !t)
		return 0;
	if (t->intent.generation == generation && !table->count)
		return 0;
	tell_intent_facts(&f, p, table->kinds);
	seen = number_of_facts(&f);
	if (t->intent.generation == generation && t->intent.seen == seen)
		return 0;
	t->intent.generation = generation;
	t->intent.seen = seen;
	if (t->intent.set & INTENT_CLASS)
		t->class = CLASS_NORMAL;
	t->intent.set = 0;
	find_marks(&f, table->kinds, half, marks);
	bpf_for(i, 0, INTENT_MAX_RULES)
	{
		const struct intent_entry *e;
		u32 at = i;

		if (at >= table->count)
			break;
		barrier_var(at);
		at &= INTENT_MAX_RULES - 1;
		e = &table->v[at];
		if (!entry_holds(e, at, &f, marks))
			continue;
		t->intent.set = e->set;
		t->intent.class = e->class;
		t->intent.weight = e->weight;
		t->intent.slice_min_us = e->slice_min_us;
		t->intent.slice_max_us = e->slice_max_us;
		t->intent.deadline_us = e->deadline_us;
		t->intent.entry = at;
		if ((e->set & INTENT_CORES) && !any_cores)
			any_cores = true;
		break;
	}
	if (t->intent.set & INTENT_CLASS)
		t->class = t->intent.class;
	return 0;
}

/* What is declared about it, as of now. */
static __always_inline void heed(struct task_struct *p, struct task *t)
{
	u32 zero = 0, *generation;

	if (!intents_on)
		return;
	generation = bpf_map_lookup_elem(&intent_generation, &zero);
	if (generation && *generation)
		look_up_intent(p, t, *generation);
}

static bool declares(const struct task *t, u32 what)
{
	return intents_on && (t->intent.set & what);
}

static u64 declared_slice(const struct task *t, u64 ns)
{
	if (declares(t, INTENT_SLICE_MIN) &&
	    ns < t->intent.slice_min_us * 1000ULL)
		ns = t->intent.slice_min_us * 1000ULL;
	if (declares(t, INTENT_SLICE_MAX) &&
	    ns > t->intent.slice_max_us * 1000ULL)
		ns = t->intent.slice_max_us * 1000ULL;
	return ns;
}

/* ---- cores ------------------------------------------------------------ */

/*
 * A preference: of the CPUs that the task may run on, a core of its own that is
 * idle comes first; then any that is idle, for waiting beside an idle CPU helps
 * nobody; and where none is it waits for a core of its own, where it can be
 * fetched from by whoever has nothing to do.
 */

static const struct intent_entry *entry_of(const struct task *t)
{
	u32 half = INTENT_HALF(t->intent.generation);
	struct intent_table *table = bpf_map_lookup_elem(&intents, &half);
	u32 at = t->intent.entry;

	barrier_var(at);
	return table ? &table->v[at & (INTENT_MAX_RULES - 1)] : NULL;
}

static bool is_core_of(const struct intent_entry *e,
		       const struct task_struct *p, u32 cpu)
{
	return (e->cores[(cpu >> 6) & (INTENT_CORE_WORDS - 1)] >> (cpu & 63) &
		1) &&
	       bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
}

/* The shortest queue of its cores, NO_CPU: it may not run on any. */
static __attribute__((noinline)) s32 core_to_wait_for(struct task_struct *p,
						      const struct task *t)
{
	const struct intent_entry *e = t ? entry_of(t) : NULL;
	s32 best = NO_CPU, least = 0, last = scx_bpf_task_cpu(p);
	u32 i;

	if (!e)
		return NO_CPU;
	bpf_for(i, 0, nr_cpus)
	{
		u32 cpu = i;
		s32 depth;

		barrier_var(cpu);
		if (!is_core_of(e, p, cpu))
			continue;
		depth = scx_bpf_dsq_nr_queued(PRIVATE(cpu));
		if (best >= 0 &&
		    (depth > least || (depth == least && cpu != (u32)last)))
			continue;
		best = cpu;
		least = depth;
	}
	return best;
}

/* The CPU for a waking task; *idle: it is, and now claimed.  NO_CPU: no rule
 * says anything of that. */
static __attribute__((noinline)) s32 place_by_cores(struct task_struct *p,
						    s32 prev, bool *idle)
{
	struct task *t = task_of(p);
	const struct intent_entry *e;
	u32 i;
	s32 cpu;

	if (!t || !idle)
		return NO_CPU;
	heed(p, t);
	e = declares(t, INTENT_CORES) ? entry_of(t) : NULL;
	if (!e)
		return NO_CPU;
	*idle = true;
	if (is_core_of(e, p, prev) && scx_bpf_test_and_clear_cpu_idle(prev))
		return prev;
	bpf_for(i, 0, nr_cpus)
	{
		cpu = i;
		barrier_var(cpu);
		if (is_core_of(e, p, cpu) &&
		    scx_bpf_test_and_clear_cpu_idle(cpu))
			return cpu;
	}
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		return cpu;
	*idle = false;
	return prev;
}

#endif
