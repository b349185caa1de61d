/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fair class: earliest eligible virtual deadline first.
 *
 * As in the kernel: lag is kept over sleeps, a task that sleeps with negative
 * lag stays queued until it has paid (delayed dequeue), a task that was picked
 * runs to parity or the end of its slice, slices end at ticks.  Tasks of
 * SCHED_BATCH and SCHED_IDLE preempt nobody when they wake, one of SCHED_IDLE
 * is preempted by every other; a slice of a task's own is the length of its
 * requests.  Cgroups are flattened: a task weighs its part of its cgroup's
 * part, over all CPUs.
 */
#include "sim/eevdf.h"

#include <stdlib.h>

#include "base/mem.h"

#define NICE_0_WEIGHT 1024 /* cgroup weight 100 is that */
#define BASE_SLICE_NS 700000
#define MIN_WEIGHT    2

/* ---- weights ---------------------------------------------------------- */

static uint64_t group_weight(const struct sim *s, uint32_t group)
{
	return (uint64_t)s->load->cgroups[group].weight * NICE_0_WEIGHT / 100;
}

/* What a cgroup weighs at the root. */
static double group_share(const struct sim *s, uint32_t group)
{
	const struct fair *f = fair_of(s);
	double share = (double)group_weight(s, group);

	while ((group = s->load->cgroups[group].parent))
		share *= (double)group_weight(s, group) /
			 (double)f->groups[group].load;
	return share;
}

static uint64_t weight_of(const struct sim *s, const struct sim_task *t)
{
	double weight;

	if (!t->cgroup)
		return t->weight;
	weight = group_share(s, t->cgroup) * t->weight /
		 (double)fair_of(s)->groups[t->cgroup].load;
	return weight > MIN_WEIGHT ? (uint64_t)weight : MIN_WEIGHT;
}

/* t, counted on its CPU but not in the heap, may weigh something else since
 * others came and went.  Its lag stays what it is worth. */
static void reweigh(struct sim *s, struct fair_rq *rq, struct sim_task *t)
{
	uint64_t weight, was = t->fair.weight;
	int64_t avg, lag, left;

	if (!t->cgroup)
		return;
	weight = weight_of(s, t);
	if (weight == was)
		return;
	avg = fair_average(rq);
	lag = (avg - t->fair.vruntime) * (int64_t)was / (int64_t)weight;
	left = (t->fair.deadline - t->fair.vruntime) * (int64_t)was /
	       (int64_t)weight;
	t->fair.vruntime = avg - lag;
	t->fair.deadline = t->fair.vruntime + left;
	t->fair.weight = weight;
	rq->load += weight - was;
}

static void count_group(struct sim *s, struct sim_task *t, bool on)
{
	struct fair *f = fair_of(s);
	uint32_t g = t->cgroup;

	if (!g)
		return;
	f->groups[g].load += on ? t->weight : -(uint64_t)t->weight;
	for (; g; g = s->load->cgroups[g].parent) {
		uint32_t parent = s->load->cgroups[g].parent;
		uint64_t weight = group_weight(s, g);

		if (on && f->groups[g].nr++ == 0)
			f->groups[parent].load += weight;
		if (!on && --f->groups[g].nr == 0)
			f->groups[parent].load -= weight;
	}
}

/* ---- what is where ---------------------------------------------------- */

int fair_first(const struct fair *f, const uint64_t *a, const uint64_t *b,
	       const uint64_t *c, uint32_t from)
{
	uint32_t word = from / 64 % f->words;
	uint64_t mask = ~0ull << (from % 64);

	/* The first word twice: its upper part, and at last all of it. */
	for (uint32_t i = 0; i <= f->words; i++, word++, mask = ~0ull) {
		uint64_t bits;

		if (word == f->words)
			word = 0;
		bits = a[word] & mask;
		bits &= b ? b[word] : ~0ull;
		bits &= c ? c[word] : ~0ull;
		if (bits)
			return (int)(word * 64) + __builtin_ctzll(bits);
	}
	return -1;
}

static void set_bit(uint64_t *set, uint32_t i, bool on)
{
	if (on)
		set[i / 64] |= 1ull << (i % 64);
	else
		set[i / 64] &= ~(1ull << (i % 64));
}

static void show(struct sim *s, struct fair_rq *rq)
{
	struct fair *f = fair_of(s);
	uint32_t cpu = rq->cpu->id;
	int32_t sibling = rq->cpu->sibling;
	bool idle = rq->idle && !rq->nr && rq->cpu->online;

	set_bit(f->overloaded, cpu, rq->nr > 1);
	set_bit(f->lazy, cpu,
		rq->nr && rq->nr == rq->nr_lazy && rq->cpu->online);
	if (idle == fair_bit(f->idle, cpu))
		return;
	set_bit(f->idle, cpu, idle);
	if (sibling >= 0) {
		idle = idle && fair_bit(f->idle, (uint32_t)sibling);
		set_bit(f->idle_cores, (uint32_t)sibling, idle);
	}
	set_bit(f->idle_cores, cpu, idle);
}

static void count(struct sim *s, struct fair_rq *rq, struct sim_task *t,
		  bool on)
{
	count_group(s, t, on);
	if (on) {
		t->fair.weight = weight_of(s, t);
		rq->nr++;
		rq->nr_lazy += fair_is_lazy(t);
		rq->load += t->fair.weight;
	} else {
		rq->nr--;
		rq->nr_lazy -= fair_is_lazy(t);
		rq->load -= t->fair.weight;
	}
	show(s, rq);
}

/* ---- queueing --------------------------------------------------------- */

static void update_lag(const struct sim *s, const struct fair_rq *rq,
		       struct sim_task *t)
{
	int64_t lag = fair_average(rq) - t->fair.vruntime;
	uint64_t tick = 1000000000ull / s->o->costs.hz;
	uint64_t most = 2 * fair_slice(s, t);
	int64_t limit = fair_virtual(most > tick ? most : tick, t->fair.weight);

	t->fair.vlag = lag > limit ? limit : lag < -limit ? -limit : lag;
}

/* place_entity(): t, not in the heap nor curr, gets its time here. */
static void place(struct sim *s, struct fair_rq *rq, struct sim_task *t,
		  bool is_new)
{
	int64_t slice = fair_virtual(fair_slice(s, t), t->fair.weight);
	int64_t load, lag = t->fair.vlag;
	fair_wide avg;

	fair_sums(rq, &avg, &load);
	/* Its own weight moves the average: what it had must be left. */
	if (load)
		lag = (int64_t)((fair_wide)lag *
				(load + (int64_t)t->fair.weight) / load);
	else
		lag = 0;
	t->fair.vruntime = fair_average(rq) - lag;
	if (t->fair.relative) {
		t->fair.relative = false;
		t->fair.deadline += t->fair.vruntime;
		return;
	}
	t->fair.deadline = t->fair.vruntime + (is_new ? slice / 2 : slice);
}

/* The end of a delayed dequeue: t sleeps in earnest. */
static void undelay(struct sim *s, struct fair_rq *rq, struct sim_task *t)
{
	update_lag(s, rq, t);
	if (t->fair.vlag > 0)
		t->fair.vlag = 0;
	fair_extract(rq, t);
	fair_update_min(rq);
	t->fair.delayed = false;
}

/* t, whose requests are shorter than curr's, need not heed its protection. */
static bool cuts_short(const struct sim *s, const struct fair_rq *rq,
		       const struct sim_task *t)
{
	const struct sim_task *curr = rq->curr;

	return fair_slice(s, t) < fair_slice(s, curr) &&
	       fair_eligible(rq, t->fair.vruntime) &&
	       (t->fair.deadline < curr->fair.deadline ||
		!fair_eligible(rq, curr->fair.vruntime));
}

/* check_preempt_wakeup_fair() */
static bool preempts(const struct sim *s, const struct fair_rq *rq,
		     const struct sim_task *t)
{
	struct sim_task *curr = rq->curr;

	if (!curr)
		return true;
	if (fair_is_lazy(curr) != fair_is_lazy(t)) {
		if (fair_is_lazy(curr))
			curr->fair.vprot = curr->fair.vruntime;
		return fair_is_lazy(curr);
	}
	if (t->def->policy != LOAD_OTHER)
		return false;
	if (cuts_short(s, rq, t))
		curr->fair.vprot = curr->fair.vruntime;
	return rq->expired || fair_earliest(rq) == t;
}

/* Nobody is kept waiting for longer than the shortest request there. */
static void protect(const struct sim *s, const struct fair_rq *rq,
		    struct sim_task *t)
{
	uint64_t least = fair_slice(s, t), own = least;

	t->fair.vprot = t->fair.deadline;
	for (uint32_t i = 0; fair_of(s)->own_slices && i < rq->len; i++) {
		uint64_t slice = fair_slice(s, rq->heap[i]);

		least = slice < least ? slice : least;
	}
	if (least < own) {
		int64_t until =
			t->fair.vruntime + fair_virtual(least, t->fair.weight);

		if (until < t->fair.vprot)
			t->fair.vprot = until;
	}
}

static void eevdf_enqueue(struct sim *s, struct sim_task *t, unsigned flags)
{
	struct fair_rq *rq = fair_rq(s, t->cpu);

	sim_account(s, rq->cpu);
	if (t->fair.delayed) {
		undelay(s, rq, t);
		t->fair.relative = t->fair.vlag < 0;
		if (t->fair.relative)
			t->fair.deadline -= t->fair.vruntime;
	}
	count(s, rq, t, true);
	place(s, rq, t, flags & SIM_Q_NEW);
	if (t->state == TASK_ON_CPU) {
		rq->curr = t;
		fair_update_min(rq);
		return;
	}
	fair_insert(rq, t);
	fair_update_min(rq);
	if (preempts(s, rq, t))
		sim_resched(s, rq->cpu);
}

static void eevdf_dequeue(struct sim *s, struct sim_task *t, unsigned flags)
{
	struct fair_rq *rq = fair_rq(s, t->cpu);
	bool sleeps = flags & SIM_Q_SLEEP;

	sim_account(s, rq->cpu);
	if (sleeps && !(flags & SIM_Q_EXIT) && rq->curr == t &&
	    !fair_eligible(rq, t->fair.vruntime)) {
		/* It has had more than its share: it stays until others have
		 * had theirs. */
		count(s, rq, t, false);
		rq->curr = NULL;
		t->fair.delayed = true;
		fair_insert(rq, t);
		return;
	}
	update_lag(s, rq, t);
	if (!sleeps) {
		t->fair.deadline -= t->fair.vruntime;
		t->fair.relative = true;
	}
	if (rq->curr == t)
		rq->curr = NULL;
	else
		fair_extract(rq, t);
	count(s, rq, t, false);
	fair_update_min(rq);
}

void fair_move(struct sim *s, struct sim_task *t, uint32_t cpu)
{
	struct fair_rq *to = fair_rq(s, cpu);

	eevdf_dequeue(s, t, SIM_Q_MIGRATE);
	sim_task_moved(s, t, cpu);
	sim_account(s, to->cpu);
	count(s, to, t, true);
	place(s, to, t, false);
	fair_insert(to, t);
	fair_update_min(to);
}

static struct sim_task *eevdf_pick(struct sim *s, struct sim_cpu *c,
				   struct sim_task *prev)
{
	struct fair_rq *rq = fair_rq(s, c->id);
	struct sim_task *t;

	(void)prev;
	for (;;) {
		t = fair_earliest(rq);
		if (t && t->fair.delayed)
			undelay(s, rq, t);
		else if (t || !fair_newidle(s, c))
			break;
	}
	rq->expired = false;
	if (!t || t == rq->curr)
		return t;
	if (rq->curr) {
		reweigh(s, rq, rq->curr);
		fair_insert(rq, rq->curr);
	}
	fair_extract(rq, t);
	rq->curr = t;
	reweigh(s, rq, t);
	protect(s, rq, t);
	return t;
}

static void eevdf_used(struct sim *s, struct sim_cpu *c, uint64_t delta)
{
	struct fair_rq *rq = fair_rq(s, c->id);
	struct sim_task *t = rq->curr;

	if (!t)
		return;
	t->fair.vruntime += fair_virtual(delta, t->fair.weight);
	if (t->fair.vruntime >= t->fair.deadline) {
		t->fair.deadline =
			t->fair.vruntime +
			fair_virtual(fair_slice(s, t), t->fair.weight);
		rq->expired = true;
	}
	fair_update_min(rq);
}

static void eevdf_tick(struct sim *s, struct sim_cpu *c)
{
	struct fair_rq *rq = fair_rq(s, c->id);

	if (rq->curr)
		reweigh(s, rq, rq->curr);
	if (rq->len && rq->curr &&
	    (rq->expired || !fair_is_protected(rq->curr)))
		sim_resched(s, c);
	fair_balance(s, c);
}

static void eevdf_yield(struct sim *s, struct sim_cpu *c)
{
	struct fair_rq *rq = fair_rq(s, c->id);
	struct sim_task *t = rq->curr;

	/* As of 6.18 it forfeits what was left of its slice. */
	if (fair_eligible(rq, t->fair.vruntime))
		t->fair.vruntime = t->fair.deadline;
	t->fair.deadline += fair_virtual(fair_slice(s, t), t->fair.weight);
	t->fair.vprot = t->fair.vruntime;
	fair_update_min(rq);
}

static void eevdf_idle(struct sim *s, struct sim_cpu *c, bool is_idle)
{
	struct fair_rq *rq = fair_rq(s, c->id);
	uint64_t most = 2 * FAIR_HOT_NS;

	rq->idle = is_idle;
	if (is_idle) {
		rq->idle_at = s->now;
	} else {
		int64_t slept = (int64_t)(s->now - rq->idle_at);

		rq->avg_idle += (uint64_t)((slept - (int64_t)rq->avg_idle) / 8);
		if (rq->avg_idle > most)
			rq->avg_idle = most;
	}
	show(s, rq);
}

static void eevdf_online(struct sim *s, struct sim_cpu *c, bool online)
{
	struct fair_rq *rq = fair_rq(s, c->id);

	set_bit(fair_of(s)->online, c->id, online);
	rq->idle = false;
	for (uint32_t i = rq->len; i-- && !online;) {
		if (i < rq->len && rq->heap[i]->fair.delayed) {
			undelay(s, rq, rq->heap[i]);
			i = rq->len;
		}
	}
	show(s, rq);
}

/* ---- the class -------------------------------------------------------- */

static int eevdf_start(struct sim *s)
{
	struct fair *f = mem_zalloc(1, sizeof(*f));
	uint32_t cpus = s->nr_cpus < 8 ? s->nr_cpus : 8;

	s->class_data = f;
	f->words = (s->nr_cpus + 63) / 64;
	f->rqs = mem_zalloc(s->nr_cpus, sizeof(*f->rqs));
	f->groups = mem_zalloc(s->load->cgroup_count, sizeof(*f->groups));
	f->llc_count = s->cpus[s->nr_cpus - 1].llc + 1;
	f->llcs = mem_zalloc(f->llc_count, sizeof(*f->llcs));
	f->slice = BASE_SLICE_NS * (1 + (31 - __builtin_clz(cpus)));
	for (size_t i = 0; i < s->load->task_count; i++)
		f->own_slices |= s->load->tasks[i].slice_ns > 0;
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		struct fair_llc *llc = &f->llcs[s->cpus[i].llc];

		f->rqs[i].cpu = &s->cpus[i];
		f->rqs[i].avg_idle = 2 * FAIR_HOT_NS;
		set_bit(f->online, i, true);
		set_bit(llc->mask, i, true);
		llc->cpus++;
	}
	return 0;
}

static void eevdf_stop(struct sim *s)
{
	struct fair *f = fair_of(s);

	for (uint32_t i = 0; i < s->nr_cpus; i++)
		free(f->rqs[i].heap);
	free(f->rqs);
	free(f->groups);
	free(f->llcs);
	free(f);
}

static int eevdf_task_start(struct sim *s, struct sim_task *t)
{
	(void)s;
	t->fair.recent_cpu = t->cpu;
	return 0;
}

const struct sim_class sim_class_eevdf = {
	.name = "eevdf",
	.start = eevdf_start,
	.stop = eevdf_stop,
	.task_start = eevdf_task_start,
	.select_cpu = fair_select_cpu,
	.enqueue = eevdf_enqueue,
	.dequeue = eevdf_dequeue,
	.pick = eevdf_pick,
	.used = eevdf_used,
	.tick = eevdf_tick,
	.yield = eevdf_yield,
	.idle = eevdf_idle,
	.cpu_online = eevdf_online,
};
