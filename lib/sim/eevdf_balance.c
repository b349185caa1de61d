/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUs take from each other.
 *
 * A CPU with nothing to do takes a task that waits elsewhere, near ones first.
 * At ticks, idle CPUs are given what waits at busy ones, and busy CPUs even
 * out their loads.  Running tasks are never moved (the kernel does that at
 * last).
 */
#include "sim/eevdf.h"

#define MS		1000000ull
#define MAX_SCAN	32 /* sysctl_sched_nr_migrate */
#define NEWIDLE_LLC_NS	3000
#define NEWIDLE_FAR_NS	20000
#define BUSY_FACTOR	16
#define MAX_INTERVAL_MS 100
#define IMBALANCE_PCT	117

static bool hot(const struct sim *s, const struct sim_task *t,
		const struct sim_cpu *to)
{
	return t->ran_at && s->now - t->ran_at < FAIR_HOT_NS &&
	       s->cpus[t->last_cpu].core != to->core;
}

static bool may_move(const struct sim_task *t, uint32_t cpu)
{
	return t->state == TASK_RUNNABLE && !t->fair.delayed &&
	       !t->migration_disabled && sim_may_run(t, cpu);
}

/* Moves tasks of up to `load` (an eighth of it counts, when it failed three
 * times …), at most `most` of them; how many. */
static uint32_t take(struct sim *s, struct fair_rq *from, struct sim_cpu *to,
		     uint64_t load, uint32_t most, uint32_t failed)
{
	uint32_t taken = 0, seen = 0;

	for (uint32_t i = from->len; i-- && seen < MAX_SCAN; seen++) {
		struct sim_task *t;
		uint64_t weight;

		if (i >= from->len)
			continue;
		t = from->heap[i];
		weight = t->fair.weight;
		if (!may_move(t, to->id) || from->nr < 2 ||
		    weight >> (failed < 16 ? failed : 16) > load ||
		    (failed < 2 && hot(s, t, to)))
			continue;
		fair_move(s, t, to->id);
		if (++taken == most || weight >= load)
			break;
		load -= weight;
	}
	return taken;
}

/* One task for c from a CPU of the set, the fullest first. */
static bool pull(struct sim *s, struct sim_cpu *c, const uint64_t *set,
		 uint32_t failed)
{
	const struct fair *f = fair_of(s);
	struct fair_rq *best = NULL;

	for (uint32_t w = 0; w < f->words; w++) {
		uint64_t bits = f->overloaded[w] & (set ? set[w] : ~0ull);

		for (; bits; bits &= bits - 1) {
			struct fair_rq *rq =
				&f->rqs[w * 64 +
					(uint32_t)__builtin_ctzll(bits)];

			if (rq->cpu != c && (!best || rq->nr > best->nr))
				best = rq;
		}
	}
	return best && take(s, best, c, UINT64_MAX, 1, failed);
}

bool fair_newidle(struct sim *s, struct sim_cpu *c)
{
	const struct fair *f = fair_of(s);
	struct fair_rq *rq = fair_rq(s, c->id);

	if (!c->online || rq->avg_idle < NEWIDLE_LLC_NS)
		return false;
	if (pull(s, c, f->llcs[c->llc].mask, 0))
		return true;
	return f->llc_count > 1 && rq->avg_idle >= NEWIDLE_FAR_NS &&
	       pull(s, c, NULL, 0);
}

/* As the idle load balancer that a busy CPU sends for. */
static void feed_idle(struct sim *s)
{
	struct fair *f = fair_of(s);

	if (s->now < f->idle_balance_at)
		return;
	f->idle_balance_at = s->now + 1;
	for (uint32_t w = 0; w < f->words; w++) {
		uint64_t bits = f->idle[w];

		for (; bits; bits &= bits - 1) {
			uint32_t cpu = w * 64 + (uint32_t)__builtin_ctzll(bits);
			struct sim_cpu *c = &s->cpus[cpu];

			if (pull(s, c, f->llcs[c->llc].mask, 0) ||
			    pull(s, c, NULL, 1))
				sim_resched(s, c);
		}
	}
}

/* ---- busy CPUs -------------------------------------------------------- */

struct side {
	uint64_t load;
	uint32_t cpus, nr;
};

static struct side side_of(const struct fair *f, const uint64_t *mask)
{
	struct side side = {0};

	for (uint32_t w = 0; w < f->words; w++) {
		uint64_t bits = mask[w] & f->online[w];

		for (; bits; bits &= bits - 1) {
			const struct fair_rq *rq =
				&f->rqs[w * 64 +
					(uint32_t)__builtin_ctzll(bits)];

			side.load += rq->load;
			side.nr += rq->nr;
			side.cpus++;
		}
	}
	return side;
}

/* The fullest CPU of the mask from which something can be taken. */
static struct fair_rq *fullest(const struct fair *f, const uint64_t *mask)
{
	struct fair_rq *best = NULL;

	for (uint32_t w = 0; w < f->words; w++) {
		uint64_t bits = mask[w] & f->overloaded[w];

		for (; bits; bits &= bits - 1) {
			struct fair_rq *rq =
				&f->rqs[w * 64 +
					(uint32_t)__builtin_ctzll(bits)];

			if (!best || rq->load > best->load)
				best = rq;
		}
	}
	return best;
}

/* How much load should go from the busiest side to the local one. */
static uint64_t imbalance(const struct side *local, const struct side *busiest,
			  const struct side *all)
{
	uint64_t here = local->load / local->cpus;
	uint64_t there = busiest->load / busiest->cpus;
	uint64_t average = all->load / all->cpus, out, in;

	if (there <= here || here >= average || there <= average)
		return 0;
	if (local->nr > local->cpus && there * 100 <= here * IMBALANCE_PCT)
		return 0;
	out = (there - average) * busiest->cpus;
	in = (average - here) * local->cpus;
	return out < in ? out : in;
}

static void even_out(struct sim *s, struct sim_cpu *c, uint32_t level)
{
	struct fair *f = fair_of(s);
	struct fair_rq *rq = fair_rq(s, c->id), *from = NULL;
	const uint64_t *mask = f->llcs[c->llc].mask;
	struct side local = {rq->load, 1, rq->nr}, busiest = {0}, all;
	uint64_t load;

	if (level == 0) {
		all = side_of(f, mask);
		from = fullest(f, mask);
		if (from)
			busiest = (struct side){from->load, 1, from->nr};
	} else {
		local = side_of(f, mask);
		all = side_of(f, f->online);
		for (uint32_t i = 0; i < f->llc_count; i++) {
			struct side side = side_of(f, f->llcs[i].mask);

			if (!side.cpus ||
			    (from && side.load * busiest.cpus <=
					     busiest.load * side.cpus))
				continue;
			if (!fullest(f, f->llcs[i].mask))
				continue;
			from = fullest(f, f->llcs[i].mask);
			busiest = side;
		}
	}
	if (!from || from == rq)
		return;
	load = imbalance(&local, &busiest, &all);
	if (!load)
		rq->failed[level] = 0;
	else if (take(s, from, c, load, MAX_SCAN, rq->failed[level]))
		rq->failed[level] = 0;
	else
		rq->failed[level]++;
}

void fair_balance(struct sim *s, struct sim_cpu *c)
{
	struct fair *f = fair_of(s);
	struct fair_rq *rq = fair_rq(s, c->id);

	if (rq->nr > 1)
		feed_idle(s);
	for (uint32_t level = 0; level < FAIR_LEVELS; level++) {
		uint32_t cpus = level ? s->nr_cpus : f->llcs[c->llc].cpus;
		int first =
			fair_first(f, f->llcs[c->llc].mask, f->online, NULL, 0);
		uint64_t wait =
			(cpus < MAX_INTERVAL_MS ? cpus : MAX_INTERVAL_MS) *
			BUSY_FACTOR * MS;

		if (s->now < rq->balance_at[level])
			continue;
		/* Not all at once. */
		if (!rq->balance_at[level])
			wait += c->id * MS;
		rq->balance_at[level] = s->now + wait;
		if (level == 0 ? cpus > 1
			       : f->llc_count > 1 && (int)c->id == first)
			even_out(s, c, level);
	}
}
