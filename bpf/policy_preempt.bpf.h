/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose turn a waking task may end, and when it had better wait for one that
 * ends by itself.
 */
#ifndef SCHEDKIT_POLICY_PREEMPT_BPF_H
#define SCHEDKIT_POLICY_PREEMPT_BPF_H

#include "policy_task.bpf.h"

#define VICTIM_LIMIT 32

static struct cpu cpus[POLICY_MAX_CPUS];

static bool tracks_turns(void)
{
	return params.preempt != PREEMPT_NONE || params.handover_us;
}

/*
 * Does the task that runs on this CPU sleep within a moment, as its bursts
 * have been long so far?  Whoever hands work on mostly does so at the end of a
 * burst.  To wait for that is cheaper than an interrupt on another CPU, and
 * the work finds its data in the cache.
 */
static bool soon_free(const struct task_struct *p, s32 cpu)
{
	const struct cpu *c = &cpus[slot_of(cpu)];
	s64 bound = params.handover_us * 1000ULL;
	s64 left = c->ends - scx_bpf_now();

	return bound && c->since && !c->promised && left < bound &&
	       left > -bound && bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
}

/* Should the task that runs here not sleep after all, its turn ends soon. */
static void promise(s32 here)
{
	struct task_struct *p = bpf_get_current_task_btf();
	u64 soon = 2 * params.handover_us * 1000ULL;
	struct cpu *c = &cpus[slot_of(here)];

	c->promised = true;
	c->cut = true;
	if (p->scx.slice > soon)
		set_slice(p, soon);
}

static bool deserves_less(const struct asker *a, const struct cpu *c, u32 class,
			  u64 key, u64 now)
{
	u64 ran = now - c->since, has;

	if (!c->since || ran < params.preempt_min_us * 1000ULL)
		return false;
	if (asks_preempt())
		return hooked_preempt(a, c, ran);
	if (params.preempt == PREEMPT_CLASS)
		return c->class > class;
	if (!shares_by_vtime() || !c->weight)
		return before(key, c->key);
	/* A vruntime grows while its task runs, and the slack of what is left
	 * of the burst becomes less. */
	has = c->key + ran * WEIGHT_ONE / c->weight;
	if (params.order == ORDER_PREDICTED)
		has -= (ran < c->left ? ran : c->left) * params.slack_pct /
		       c->weight;
	return before(key, has);
}

/*
 * The CPU whose task deserves it least, if any does less than p; NO_CPU if
 * not.  This CPU is asked first: it needs no interrupt.
 */
static __always_inline s32 victim_for(struct task_struct *p,
				      const struct task *t, s32 home, u64 key,
				      u64 now)
{
	s32 victim = NO_CPU, first = bpf_get_smp_processor_id();
	u64 worst = key;
	struct asker a;
	u32 i;

	ask_preempt(&a, p, t, key, now);

	bpf_for(i, 0, VICTIM_LIMIT)
	{
		u32 cpu = first + i;
		struct cpu *c;

		if (i >= nr_cpus)
			break;
		if (cpu >= nr_cpus)
			cpu -= nr_cpus;
		if (!bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			continue;
		if ((params.queue == QUEUE_CPU || declares(t, INTENT_CORES)) &&
		    cpu != (u32)home)
			continue;
		c = &cpus[slot_of(cpu)];
		if (!deserves_less(&a, c, t->class, key, now) ||
		    (victim >= 0 && before(c->key, worst)))
			continue;
		victim = cpu;
		worst = c->key;
		if (!i)
			break;
	}
	/* One turn is ended by one task. */
	if (victim >= 0)
		cpus[slot_of(victim)].since = 0;
	return victim;
}

/* For a task that waits in a queue. */
static __always_inline void preempt(struct task_struct *p, const struct task *t,
				    u64 queue, u64 key, u64 now)
{
	s32 here = bpf_get_smp_processor_id(), home = scx_bpf_task_cpu(p);
	s32 victim;

	if (declares(t, INTENT_CORES) && queue >= PRIVATE(0))
		home = queue - PRIVATE(0);
	if (soon_free(p, here) && home == here) {
		promise(here);
		return;
	}
	victim = victim_for(p, t, home, key, now);
	if (victim >= 0) {
		count(COUNT_PREEMPTED);
		scx_bpf_kick_cpu(victim, SCX_KICK_PREEMPT);
	}
}

#endif
