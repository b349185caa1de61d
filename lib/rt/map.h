/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Things by the hash of what they are called.  Knows neither names nor how
 * things are kept: two may have the same hash, `same` tells them apart.
 * Private to lib/rt.
 */
#ifndef SCHEDKIT_RT_MAP_H
#define SCHEDKIT_RT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_map {
	struct rt_map_slot {
		uint64_t hash;
		void *item; /* NULL: free */
	} * v;
	size_t len, cap; /* cap: a power of two, or 0 */
};

typedef bool rt_map_same(const void *item, const void *what);

void rt_map_release(struct rt_map *m); /* not what is in it */
void rt_map_add(struct rt_map *m, uint64_t hash, void *item);
void rt_map_remove(struct rt_map *m, uint64_t hash, const void *item);
/* same NULL: the hash says it all. */
void *rt_map_find(const struct rt_map *m, uint64_t hash, rt_map_same *same,
		  const void *what);

/* Every bit of x in every bit of the result. */
uint64_t rt_map_mix(uint64_t x);
/* From a hash so far, and another text. */
uint64_t rt_map_text(uint64_t hash, const char *s);

#endif
