/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays and hashes of maps: which are in them is said by the object. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "bpfvm/map.h"

static uint64_t outer_lookup(struct vm *vm, struct vm_map *m, const void *key,
			     uint32_t cpu)
{
	uint32_t i;
	int map;

	(void)cpu;
	memcpy(&i, key, sizeof(i));
	if (i >= m->def->initial_count)
		return 0;
	map = m->def->initial[i];
	if (map < 0 || (size_t)map >= vm->object->map_count)
		return 0;
	return vm->maps[map].handle ? vm_addr(vm->maps[map].handle) : 0;
}

static const struct vm_map_ops outer_ops = {
	.lookup = outer_lookup,
};

int map_outer_new(struct vm *vm, struct vm_map *m)
{
	(void)vm;
	/* The loader's keys of initial values are their positions. */
	if (m->def->key_size != 4)
		return err_set(ENOTSUP,
			       "map of maps '%s' has a key of %u bytes: only 4 "
			       "are supported",
			       m->def->name, m->def->key_size);
	m->ops = &outer_ops;
	return 0;
}
