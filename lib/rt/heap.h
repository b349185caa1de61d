/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A binary heap of things that know their place in it, so that any of them can
 * be taken out or moved in O(log n).  Private to lib/rt.
 */
#ifndef SCHEDKIT_RT_HEAP_H
#define SCHEDKIT_RT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct rt_heap {
	void **v;
	size_t len, cap;
	size_t at; /* offsetof() the size_t of a thing that is its place: from
		      1, and 0 while it is in no heap */
	bool (*before)(const void *a, const void *b);
};

void rt_heap_init(struct rt_heap *h, size_t at,
		  bool (*before)(const void *a, const void *b));
void rt_heap_release(struct rt_heap *h); /* what is in it stays as it is */

void rt_heap_add(struct rt_heap *h, void *x);
void rt_heap_remove(struct rt_heap *h, void *x); /* it is in h */
void rt_heap_moved(struct rt_heap *h, void *x);	 /* its order changed */

static inline void *rt_heap_first(const struct rt_heap *h)
{
	return h->len ? h->v[0] : NULL;
}

#endif
