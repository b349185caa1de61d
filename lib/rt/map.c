/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open addressing with linear probing; what is removed leaves no mark. */
#include "rt/map.h"

#include <stdlib.h>

#include "base/mem.h"

void rt_map_release(struct rt_map *m)
{
	free(m->v);
	*m = (struct rt_map){0};
}

static void put(struct rt_map *m, uint64_t hash, void *item)
{
	size_t i = hash & (m->cap - 1);

	while (m->v[i].item)
		i = (i + 1) & (m->cap - 1);
	m->v[i] = (struct rt_map_slot){hash, item};
}

void rt_map_add(struct rt_map *m, uint64_t hash, void *item)
{
	if (m->len + m->len / 2 >= m->cap) {
		struct rt_map old = *m;

		m->cap = old.cap ? old.cap * 2 : 64;
		m->v = mem_zalloc(m->cap, sizeof(*m->v));
		for (size_t i = 0; i < old.cap; i++)
			if (old.v[i].item)
				put(m, old.v[i].hash, old.v[i].item);
		free(old.v);
	}
	put(m, hash, item);
	m->len++;
}

/* Knuth, The Art of Computer Programming 3, 6.4, algorithm R. */
static void close_gap(struct rt_map *m, size_t gap)
{
	size_t mask = m->cap - 1;

	for (size_t i = (gap + 1) & mask; m->v[i].item; i = (i + 1) & mask) {
		size_t home = m->v[i].hash & mask;

		/* It stays where its home lies between the gap and it. */
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		m->v[gap] = m->v[i];
		gap = i;
	}
	m->v[gap] = (struct rt_map_slot){0, NULL};
}

void rt_map_remove(struct rt_map *m, uint64_t hash, const void *item)
{
	size_t mask = m->cap - 1;

	if (!m->cap)
		return;
	for (size_t i = hash & mask; m->v[i].item; i = (i + 1) & mask) {
		if (m->v[i].item != item)
			continue;
		close_gap(m, i);
		m->len--;
		return;
	}
}

void *rt_map_find(const struct rt_map *m, uint64_t hash, rt_map_same *same,
		  const void *what)
{
	size_t mask = m->cap - 1;

	if (!m->cap)
		return NULL;
	for (size_t i = hash & mask; m->v[i].item; i = (i + 1) & mask)
		if (m->v[i].hash == hash && (!same || same(m->v[i].item, what)))
			return m->v[i].item;
	return NULL;
}

/* Steele, Lea and Flood, splitmix64. */
uint64_t rt_map_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* FNV-1a over the text and its NUL, so that texts do not run together. */
uint64_t rt_map_text(uint64_t hash, const char *s)
{
	do
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3ull;
	while (*s++);
	return rt_map_mix(hash);
}
