/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that we gave out, and what they stand for.  0 is no number; no two
 * numbers stand for the same. */
#ifndef SCHEDKIT_RT_IDMAP_H
#define SCHEDKIT_RT_IDMAP_H

#include "rt/map.h"

static inline void *idmap_find(const struct rt_map *m, uint64_t id)
{
	return id ? rt_map_find(m, rt_map_mix(id), NULL, NULL) : NULL;
}

/* What it stood for; NULL: it was not there. */
static inline void *idmap_remove(struct rt_map *m, uint64_t id)
{
	void *value = idmap_find(m, id);

	if (value)
		rt_map_remove(m, rt_map_mix(id), value);
	return value;
}

static inline void idmap_set(struct rt_map *m, uint64_t id, void *value)
{
	idmap_remove(m, id);
	rt_map_add(m, rt_map_mix(id), value);
}

/* For a set of numbers. */
static inline void idmap_mark(struct rt_map *m, uint64_t id)
{
	idmap_set(m, id, (void *)(uintptr_t)id);
}

#endif
