/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second half of claim.h: who waits for whom, and circles in that. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rt/claim.h"

struct edge {
	uint64_t waiter, on;
};

/* Sorted, so that the edges of a waiter stand together. */
struct rt_waits {
	struct edge *v;
	size_t len, cap;
};

struct rt_waits *rt_waits_new(void)
{
	return mem_zalloc(1, sizeof(struct rt_waits));
}

void rt_waits_free(struct rt_waits *w)
{
	if (!w)
		return;
	free(w->v);
	free(w);
}

static bool goes_before(const struct edge *a, const struct edge *b)
{
	return a->waiter != b->waiter ? a->waiter < b->waiter : a->on < b->on;
}

/* Where the first edge not before e is. */
static size_t place_of(const struct rt_waits *w, struct edge e)
{
	size_t from = 0, to = w->len;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (goes_before(&w->v[mid], &e))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

void rt_waits_add(struct rt_waits *w, uint64_t waiter, uint64_t on)
{
	struct edge e = {waiter, on};
	size_t at = place_of(w, e);

	if (at < w->len && !goes_before(&e, &w->v[at]))
		return;
	if (w->len == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 16;
		w->v = mem_realloc(w->v, w->cap, sizeof(*w->v));
	}
	memmove(w->v + at + 1, w->v + at, (w->len - at) * sizeof(*w->v));
	w->v[at] = e;
	w->len++;
}

void rt_waits_remove(struct rt_waits *w, uint64_t waiter)
{
	size_t from = place_of(w, (struct edge){waiter, 0}), to = from;

	while (to < w->len && w->v[to].waiter == waiter)
		to++;
	if (from == to)
		return;
	memmove(w->v + from, w->v + to, (w->len - to) * sizeof(*w->v));
	w->len -= to - from;
}

/*
 * The walk in depth: path holds one edge of each waiter on the way.  A waiter
 * is known by its first edge; where[] is its place on the path, counted from
 * 1, and LEFT once it was left without finding a circle: it leads to none.
 */
#define LEFT SIZE_MAX

struct walk {
	const struct rt_waits *w;
	size_t *path, depth, *where;
};

/* w->len: it does not wait. */
static size_t first_edge(const struct rt_waits *w, uint64_t waiter)
{
	size_t at = place_of(w, (struct edge){waiter, 0});

	return at < w->len && w->v[at].waiter == waiter ? at : w->len;
}

static void enter(struct walk *k, size_t first)
{
	k->path[k->depth++] = first;
	k->where[first] = k->depth;
}

/* On to the next edge of the last on the path, or back. */
static void turn(struct walk *k)
{
	const struct edge *v = k->w->v;

	while (k->depth) {
		size_t at = k->path[k->depth - 1];

		if (at + 1 < k->w->len && v[at + 1].waiter == v[at].waiter) {
			k->path[k->depth - 1]++;
			return;
		}
		k->where[first_edge(k->w, v[at].waiter)] = LEFT;
		k->depth--;
	}
}

/* Where on the path a circle begins; k->depth is 0 when there is none. */
static size_t walk_from(struct walk *k, size_t first)
{
	if (k->where[first] == LEFT)
		return 0;
	enter(k, first);
	while (k->depth) {
		uint64_t on = k->w->v[k->path[k->depth - 1]].on;
		size_t next = first_edge(k->w, on);

		if (next == k->w->len || k->where[next] == LEFT)
			turn(k);
		else if (k->where[next])
			return k->where[next] - 1;
		else
			enter(k, next);
	}
	return 0;
}

/* From the oldest on, as each waits for the next. */
static size_t tell(const struct walk *k, size_t start, uint64_t *out,
		   size_t max)
{
	size_t n = k->depth - start, oldest = 0;
	const struct edge *v = k->w->v;

	for (size_t i = 1; i < n; i++)
		if (v[k->path[start + i]].waiter <
		    v[k->path[start + oldest]].waiter)
			oldest = i;
	for (size_t i = 0; i < n && i < max; i++)
		out[i] = v[k->path[start + (oldest + i) % n]].waiter;
	return n;
}

size_t rt_waits_circle(const struct rt_waits *w, uint64_t *out, size_t max)
{
	struct walk k = {
		.w = w,
		.path = mem_zalloc(w->len, sizeof(*k.path)),
		.where = mem_zalloc(w->len, sizeof(*k.where)),
	};
	size_t n = 0;

	for (size_t i = 0; i < w->len && !n; i++) {
		size_t start;

		if (i && w->v[i].waiter == w->v[i - 1].waiter)
			continue;
		start = walk_from(&k, i);
		if (k.depth)
			n = tell(&k, start, out, max);
	}
	free(k.path);
	free(k.where);
	return n;
}
