/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a task goes: select_task_rq_fair().
 *
 * A waking task goes near its waker or where it was (wake_affine), there to an
 * idle CPU that shares the cache; a whole idle core is better than a thread of
 * one.  A new one, or one that executes something, goes to the idlest CPU of
 * the idlest cache.  Load is what is runnable now; the kernel's is an average
 * over some tens of milliseconds.
 */
#include "sim/eevdf.h"

#define IMBALANCE_PCT 117

/* One with nothing but SCHED_IDLE tasks is as good as idle. */
static bool idle_cpu(const struct sim *s, uint32_t cpu)
{
	return fair_bit(fair_of(s)->idle, cpu) ||
	       fair_bit(fair_of(s)->lazy, cpu);
}

static bool share_cache(const struct sim *s, uint32_t a, uint32_t b)
{
	return s->cpus[a].llc == s->cpus[b].llc;
}

/* ---- waking ----------------------------------------------------------- */

/* Wakes change of partner often: one that has many of them should not pull
 * them all to itself. */
static bool wakes_widely(struct sim *s, struct sim_task *waker,
			 struct sim_task *t, uint32_t cpu)
{
	uint32_t master, slave = t->fair.flips, size;

	if (s->now > waker->fair.flips_at + 1000000000) {
		waker->fair.flips /= 2;
		waker->fair.flips_at = s->now;
	}
	if (waker->fair.wakee != t->pid) {
		waker->fair.wakee = t->pid;
		waker->fair.flips++;
	}
	master = waker->fair.flips;
	if (master < slave) {
		uint32_t swap = master;

		master = slave;
		slave = swap;
	}
	size = fair_of(s)->llcs[s->cpus[cpu].llc].cpus;
	return slave >= size && master >= slave * size;
}

static uint32_t wake_affine(const struct sim *s, const struct sim_task *t,
			    uint32_t this_cpu, uint32_t prev)
{
	uint64_t weight = t->weight, here, there;

	if (idle_cpu(s, this_cpu) && share_cache(s, this_cpu, prev))
		return idle_cpu(s, prev) ? prev : this_cpu;
	if (idle_cpu(s, prev))
		return prev;
	here = (fair_rq(s, this_cpu)->load + weight) * 100;
	there = fair_rq(s, prev)->load * (100 + (IMBALANCE_PCT - 100) / 2);
	return here < there ? this_cpu : prev;
}

static uint32_t idle_sibling(struct sim *s, struct sim_task *t, uint32_t prev,
			     uint32_t target)
{
	const struct fair *f = fair_of(s);
	const uint64_t *llc = f->llcs[s->cpus[target].llc].mask;
	uint32_t recent = t->fair.recent_cpu;
	int32_t sibling = s->cpus[prev].sibling;
	int cpu;

	if (idle_cpu(s, target) && sim_may_run(t, target))
		return target;
	if (prev != target && share_cache(s, prev, target) &&
	    idle_cpu(s, prev) && sim_may_run(t, prev))
		return prev;
	t->fair.recent_cpu = prev;
	if (recent != prev && recent != target &&
	    share_cache(s, recent, target) && idle_cpu(s, recent) &&
	    sim_may_run(t, recent))
		return recent;
	cpu = fair_first(f, f->idle_cores, llc, t->allowed, target + 1);
	if (cpu >= 0)
		return (uint32_t)cpu;
	if (sibling >= 0 && share_cache(s, prev, target) &&
	    idle_cpu(s, (uint32_t)sibling) && sim_may_run(t, (uint32_t)sibling))
		return (uint32_t)sibling;
	cpu = fair_first(f, f->idle, llc, t->allowed, target + 1);
	if (cpu < 0)
		cpu = fair_first(f, f->lazy, llc, t->allowed, target + 1);
	return cpu >= 0 ? (uint32_t)cpu : target;
}

/* ---- new programs ----------------------------------------------------- */

struct part {
	uint32_t idle, cpus;
	uint64_t load;
};

static struct part part_of(const struct sim *s, const struct sim_task *t,
			   uint32_t llc)
{
	const struct fair *f = fair_of(s);
	struct part p = {0};

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		if (s->cpus[i].llc != llc || !s->cpus[i].online ||
		    !sim_may_run(t, i))
			continue;
		p.cpus++;
		p.idle += idle_cpu(s, i);
		p.load += f->rqs[i].load;
	}
	return p;
}

static bool idler(const struct part *a, const struct part *b, bool b_is_local)
{
	if (a->idle || b->idle)
		return a->idle > b->idle;
	/* Another cache must be worth it. */
	return a->load * b->cpus * (b_is_local ? IMBALANCE_PCT : 100) <
	       b->load * a->cpus * 100;
}

static uint32_t idlest_llc(const struct sim *s, const struct sim_task *t,
			   uint32_t local)
{
	uint32_t best = local;
	struct part least = part_of(s, t, local);

	for (uint32_t i = 0; i < fair_of(s)->llc_count; i++) {
		struct part p = part_of(s, t, i);

		if (i == local || !p.cpus)
			continue;
		if (least.cpus && !idler(&p, &least, best == local))
			continue;
		best = i;
		least = p;
	}
	return best;
}

static uint32_t idlest_cpu(const struct sim *s, const struct sim_task *t,
			   uint32_t this_cpu)
{
	const struct fair *f = fair_of(s);
	uint32_t llc = s->cpus[this_cpu].llc, best = UINT32_MAX;
	const uint64_t *mask;
	int cpu;

	if (f->llc_count > 1)
		llc = idlest_llc(s, t, llc);
	mask = f->llcs[llc].mask;
	cpu = fair_first(f, f->idle_cores, mask, t->allowed, this_cpu);
	if (cpu < 0)
		cpu = fair_first(f, f->idle, mask, t->allowed, this_cpu);
	if (cpu < 0)
		cpu = fair_first(f, f->lazy, mask, t->allowed, this_cpu);
	if (cpu >= 0)
		return (uint32_t)cpu;
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		uint32_t at = (this_cpu + i) % s->nr_cpus;

		if (s->cpus[at].llc != llc || !s->cpus[at].online ||
		    !sim_may_run(t, at))
			continue;
		if (best == UINT32_MAX || f->rqs[at].load < f->rqs[best].load)
			best = at;
	}
	return best == UINT32_MAX ? this_cpu : best;
}

uint32_t fair_select_cpu(struct sim *s, struct sim_task *t, uint32_t prev,
			 unsigned wake_flags)
{
	uint32_t this_cpu = s->current_cpu, target = prev;
	struct sim_task *waker = s->current;

	/* Alone on its CPU: it is the idlest without it. */
	if (wake_flags & SIM_WAKE_EXEC && fair_rq(s, prev)->nr == 1)
		return prev;
	if (wake_flags & (SIM_WAKE_EXEC | SIM_WAKE_FORK))
		return idlest_cpu(s, t, this_cpu);
	/* It never left the queue. */
	if (t->fair.delayed)
		return prev;
	if ((!waker || !wakes_widely(s, waker, t, this_cpu)) &&
	    sim_may_run(t, this_cpu))
		target = wake_affine(s, t, this_cpu, prev);
	return idle_sibling(s, t, prev, target);
}
