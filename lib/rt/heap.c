/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/heap.h"

#include <stdlib.h>

#include "base/mem.h"

void rt_heap_init(struct rt_heap *h, size_t at,
		  bool (*before)(const void *a, const void *b))
{
	*h = (struct rt_heap){.at = at, .before = before};
}

void rt_heap_release(struct rt_heap *h)
{
	free(h->v);
	h->v = NULL;
	h->len = h->cap = 0;
}

static size_t *place(const struct rt_heap *h, void *x)
{
	return (size_t *)((char *)x + h->at);
}

static void put(struct rt_heap *h, size_t i, void *x)
{
	h->v[i] = x;
	*place(h, x) = i + 1;
}

static void rise(struct rt_heap *h, size_t i, void *x)
{
	while (i && h->before(x, h->v[(i - 1) / 2])) {
		put(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, x);
}

static void sink(struct rt_heap *h, size_t i, void *x)
{
	for (size_t child; (child = 2 * i + 1) < h->len; i = child) {
		if (child + 1 < h->len &&
		    h->before(h->v[child + 1], h->v[child]))
			child++;
		if (!h->before(h->v[child], x))
			break;
		put(h, i, h->v[child]);
	}
	put(h, i, x);
}

static void settle(struct rt_heap *h, size_t i, void *x)
{
	if (i && h->before(x, h->v[(i - 1) / 2]))
		rise(h, i, x);
	else
		sink(h, i, x);
}

void rt_heap_add(struct rt_heap *h, void *x)
{
	if (h->len == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 4;
		h->v = mem_realloc(h->v, h->cap, sizeof(*h->v));
	}
	h->len++;
	rise(h, h->len - 1, x);
}

void rt_heap_remove(struct rt_heap *h, void *x)
{
	size_t i = *place(h, x) - 1;
	void *last = h->v[--h->len];

	*place(h, x) = 0;
	if (last != x)
		settle(h, i, last);
}

void rt_heap_moved(struct rt_heap *h, void *x)
{
	settle(h, *place(h, x) - 1, x);
}
