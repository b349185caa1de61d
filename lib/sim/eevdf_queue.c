/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A CPU's queue: virtual time, and who has the earliest eligible deadline. */
#include "sim/eevdf.h"

#include "base/mem.h"

#define NICE_0_WEIGHT 1024

/* ---- virtual time ----------------------------------------------------- */

int64_t fair_virtual(uint64_t ns, uint64_t weight)
{
	if (weight == NICE_0_WEIGHT)
		return (int64_t)ns;
	return (int64_t)(ns * NICE_0_WEIGHT / weight);
}

static int64_t key_of(const struct fair_rq *rq, int64_t vruntime)
{
	return vruntime - rq->min_vruntime;
}

void fair_sums(const struct fair_rq *rq, fair_wide *avg, int64_t *load)
{
	const struct sim_task *curr = rq->curr;

	*avg = rq->avg_vruntime;
	*load = rq->avg_load;
	if (curr) {
		*avg += (fair_wide)key_of(rq, curr->fair.vruntime) *
			(int64_t)curr->fair.weight;
		*load += (int64_t)curr->fair.weight;
	}
}

int64_t fair_average(const struct fair_rq *rq)
{
	fair_wide avg;
	int64_t load;

	fair_sums(rq, &avg, &load);
	if (!load)
		return rq->min_vruntime;
	/* Rounded down. */
	if (avg < 0)
		avg -= load - 1;
	return rq->min_vruntime + (int64_t)(avg / load);
}

bool fair_eligible(const struct fair_rq *rq, int64_t vruntime)
{
	fair_wide avg;
	int64_t load;

	fair_sums(rq, &avg, &load);
	return avg >= (fair_wide)key_of(rq, vruntime) * load;
}

void fair_update_min(struct fair_rq *rq)
{
	int64_t least = rq->min_vruntime, delta;

	if (rq->len)
		least = rq->heap[0]->fair.min_vruntime;
	if (rq->curr && (!rq->len || rq->curr->fair.vruntime < least))
		least = rq->curr->fair.vruntime;
	delta = least - rq->min_vruntime;
	if (delta > 0) {
		rq->avg_vruntime -= (fair_wide)rq->avg_load * delta;
		rq->min_vruntime = least;
	}
}

/* ---- the heap --------------------------------------------------------- */

static bool sooner(const struct sim_task *a, const struct sim_task *b)
{
	return a->fair.deadline < b->fair.deadline;
}

static void put(struct fair_rq *rq, uint32_t i, struct sim_task *t)
{
	rq->heap[i] = t;
	t->fair.slot = i + 1;
}

/* The least vruntimes from i up to the root. */
static void renew(struct fair_rq *rq, uint32_t i)
{
	for (;; i = (i - 1) / 2) {
		struct sim_task *t = rq->heap[i];
		int64_t least = t->fair.vruntime;

		for (uint32_t j = 2 * i + 1; j <= 2 * i + 2; j++) {
			if (j < rq->len &&
			    rq->heap[j]->fair.min_vruntime < least)
				least = rq->heap[j]->fair.min_vruntime;
		}
		t->fair.min_vruntime = least;
		if (!i)
			return;
	}
}

static uint32_t sift(struct fair_rq *rq, uint32_t i, struct sim_task *t)
{
	while (i && sooner(t, rq->heap[(i - 1) / 2])) {
		put(rq, i, rq->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= rq->len)
			break;
		if (child + 1 < rq->len &&
		    sooner(rq->heap[child + 1], rq->heap[child]))
			child++;
		if (!sooner(rq->heap[child], t))
			break;
		put(rq, i, rq->heap[child]);
		i = child;
	}
	put(rq, i, t);
	return i;
}

void fair_insert(struct fair_rq *rq, struct sim_task *t)
{
	int64_t weight = (int64_t)t->fair.weight;

	if (rq->len == rq->cap) {
		rq->cap = rq->cap ? 2 * rq->cap : 8;
		rq->heap = mem_realloc(rq->heap, rq->cap, sizeof(*rq->heap));
	}
	t->fair.min_vruntime = t->fair.vruntime;
	sift(rq, rq->len++, t);
	/* Only what was above the new end has changed. */
	renew(rq, rq->len - 1);
	rq->avg_vruntime += (fair_wide)key_of(rq, t->fair.vruntime) * weight;
	rq->avg_load += weight;
}

void fair_extract(struct fair_rq *rq, struct sim_task *t)
{
	int64_t weight = (int64_t)t->fair.weight;
	uint32_t i = t->fair.slot - 1, at;
	struct sim_task *last = rq->heap[--rq->len];

	t->fair.slot = 0;
	rq->avg_vruntime -= (fair_wide)key_of(rq, t->fair.vruntime) * weight;
	rq->avg_load -= weight;
	if (last != t) {
		at = sift(rq, i, last);
		renew(rq, at > i ? at : i);
	}
	if (rq->len)
		renew(rq, (rq->len - 1) / 2);
}

bool fair_is_protected(const struct sim_task *t)
{
	return t->fair.vruntime < t->fair.vprot;
}

static void search(const struct fair_rq *rq, uint32_t i, struct sim_task **best)
{
	struct sim_task *t;

	if (i >= rq->len)
		return;
	t = rq->heap[i];
	if ((*best && !sooner(t, *best)) ||
	    !fair_eligible(rq, t->fair.min_vruntime))
		return;
	if (fair_eligible(rq, t->fair.vruntime)) {
		*best = t;
		return;
	}
	search(rq, 2 * i + 1, best);
	search(rq, 2 * i + 2, best);
}

struct sim_task *fair_earliest(const struct fair_rq *rq)
{
	struct sim_task *curr = rq->curr, *best = NULL;

	if (!rq->len)
		return curr;
	if (curr && !fair_eligible(rq, curr->fair.vruntime))
		curr = NULL;
	if (curr && fair_is_protected(curr))
		return curr;
	search(rq, 0, &best);
	if (!best || (curr && sooner(curr, best)))
		best = curr;
	return best ? best : rq->heap[0];
}
