/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims that grow, without deadlock.
 *
 * Three lines: all of a need is taken at once or not at all; a claim that may
 * grow is granted only from a safe state (Dijkstra's banker); and for what
 * takes several leases one after another there is an order (ascending worker
 * name, then lease) and, if that is not kept, a detector over who waits for
 * whom, whose victim is the youngest.
 */
#ifndef SCHEDKIT_RT_CLAIM_H
#define SCHEDKIT_RT_CLAIM_H

#include "rt/vector.h"

struct rt_claim {
	struct vec held, most; /* held <= most */
};

/*
 * Whether there is an order in which all claims can grow to their most and
 * end, if `who` is given `more` of what is idle now.  -EAGAIN: not now (unsafe,
 * or it does not fit); -ERANGE: never (over its most, or most over the whole).
 * O(n^2).
 */
int rt_claims_safe(const struct rt_claim *c, size_t n, const struct vec *idle,
		   size_t who, const struct vec *more);

/* Who waits for whom: for each of those that it waits on, not for any one of
 * them.  Ids grow with time, so the youngest has the highest. */
struct rt_waits;

struct rt_waits *rt_waits_new(void);
void rt_waits_free(struct rt_waits *w);
void rt_waits_add(struct rt_waits *w, uint64_t waiter, uint64_t on);
/* It goes on: all that it waited on.  Who waits on it does so until removed,
 * which harms nobody: what does not wait is in no circle. */
void rt_waits_remove(struct rt_waits *w, uint64_t waiter);
/* A circle: how many are in it, at most max of them written from the oldest
 * on as each waits on the next; 0: none.  O(edges * log edges). */
size_t rt_waits_circle(const struct rt_waits *w, uint64_t *out, size_t max);

#endif
