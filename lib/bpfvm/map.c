/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpfvm/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

const struct vm_kind vm_map_kind = {.name = "map"};
const struct vm_kind map_value_kind = {.name = "map value"};

/* A map's handle has an address and nothing that can be read. */
static unsigned char nothing[1];

struct own *own_new(struct vm *vm)
{
	vm->own = mem_zalloc(1, sizeof(struct own));
	return vm->own;
}

void own_bury(struct vm *vm, struct dead *d)
{
	struct own *own = own_of(vm);

	d->next = own->dead;
	own->dead = d;
	if (!vm->runs && !own->burying)
		vm_run_ended(vm);
}

/* What is buried may hold what then has to be buried too. */
void vm_run_ended(struct vm *vm)
{
	struct own *own = vm->own;

	if (!own)
		return;
	own->burying = true;
	while (own->dead) {
		struct dead *d = own->dead;

		own->dead = d->next;
		d->bury(vm, d);
	}
	own->burying = false;
}

/* ---- making ----------------------------------------------------------- */

int map_account(struct vm *vm, const struct vm_map *m, uint64_t count,
		uint64_t size)
{
	struct own *own = own_of(vm);
	uint64_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    bytes > MAP_MAX_BYTES - own->map_bytes)
		return err_set(E2BIG,
			       "map '%s' is too large: all maps together may "
			       "have %llu MiB, make it smaller",
			       m->def->name,
			       (unsigned long long)MAP_MAX_BYTES >> 20);
	own->map_bytes += bytes;
	return 0;
}

uint32_t map_perm(const struct vm_map *m)
{
	uint32_t perm = VM_READ | VM_WRITE;

	if (m->def->frozen || (m->def->flags & BPF_F_RDONLY_PROG))
		perm &= ~VM_WRITE;
	if (m->def->flags & BPF_F_WRONLY_PROG)
		perm &= ~VM_READ;
	return perm;
}

static const struct {
	uint32_t type;
	int (*make)(struct vm *vm, struct vm_map *m);
} types[] = {
	{BPF_MAP_TYPE_ARRAY, map_array_new},
	{BPF_MAP_TYPE_PERCPU_ARRAY, map_array_new},
	{BPF_MAP_TYPE_HASH, map_hash_new},
	{BPF_MAP_TYPE_LRU_HASH, map_hash_new},
	{BPF_MAP_TYPE_PERCPU_HASH, map_hash_new},
	{BPF_MAP_TYPE_LRU_PERCPU_HASH, map_hash_new},
	{BPF_MAP_TYPE_TASK_STORAGE, map_local_new},
	{MAP_TYPE_CGRP_STORAGE, map_local_new},
	{BPF_MAP_TYPE_RINGBUF, map_ring_new},
	{BPF_MAP_TYPE_QUEUE, map_queue_new},
	{BPF_MAP_TYPE_STACK, map_queue_new},
	{BPF_MAP_TYPE_BLOOM_FILTER, map_bloom_new},
	{BPF_MAP_TYPE_ARRAY_OF_MAPS, map_outer_new},
	{BPF_MAP_TYPE_HASH_OF_MAPS, map_outer_new},
	{MAP_TYPE_ARENA, map_arena_new},
};

int vm_map_new(struct vm *vm, int index)
{
	struct vm_map *m = &vm->maps[index];

	if (m->def->is_struct_ops)
		return 0;
	if (m->def->key_size > MAP_MAX_KEY ||
	    m->def->value_size > MAP_MAX_BYTES)
		return err_set(E2BIG,
			       "map '%s' has a key or value that is too large: "
			       "keys may have %d bytes",
			       m->def->name, MAP_MAX_KEY);
	m->handle =
		vm_region_new(vm, nothing, sizeof(nothing), 0, &vm_map_kind, m);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].type == m->def->type)
			return types[i].make(vm, m);
	}
	return err_set(ENOTSUP,
		       "map '%s' is of type %u, which is not supported: use an "
		       "array, a hash, local storage, a queue or a ring buffer",
		       m->def->name, m->def->type);
}

void vm_map_free(struct vm *vm, struct vm_map *m)
{
	if (m->state)
		m->ops->release(vm, m);
	m->state = NULL;
}

/* ---- the user's side -------------------------------------------------- */

static struct vm_map *map_number(struct vm *vm, int map)
{
	if (map < 0 || (size_t)map >= vm->object->map_count)
		return NULL;
	return &vm->maps[map];
}

static struct vm_map *users_map(struct vm *vm, int map, uint32_t key_size,
				uint32_t cpu, uint32_t value_size)
{
	struct vm_map *m = map_number(vm, map);

	return m && m->ops && cpu < vm->host->nr_cpus &&
			       m->def->key_size == key_size &&
			       m->def->value_size == value_size
		       ? m
		       : NULL;
}

int vm_map_get(struct vm *vm, int map, const void *key, uint32_t key_size,
	       uint32_t cpu, void *value, uint32_t value_size)
{
	struct vm_map *m = users_map(vm, map, key_size, cpu, value_size);
	const struct vm_region *r;
	uint64_t addr;

	if (!m)
		return -EINVAL;
	if (!m->ops->lookup)
		return -EOPNOTSUPP;
	addr = m->ops->lookup(vm, m, key, cpu);
	if (!addr)
		return -ENOENT;
	r = vm_region(vm, vm_region_of(addr));
	if (r->len < value_size) /* the handle of a map that is in a map */
		return -EOPNOTSUPP;
	memcpy(value, r->base, value_size);
	return 0;
}

int vm_map_set(struct vm *vm, int map, const void *key, uint32_t key_size,
	       uint32_t cpu, const void *value, uint32_t value_size)
{
	struct vm_map *m = users_map(vm, map, key_size, cpu, value_size);

	if (!m)
		return -EINVAL;
	if (!m->ops->update)
		return -EOPNOTSUPP;
	return m->ops->update(vm, m, key, value, BPF_ANY, cpu);
}

unsigned char *vm_map_data(struct vm *vm, int map, size_t *len)
{
	struct vm_map *m = map_number(vm, map);

	if (!m || !m->def->data || !m->ops)
		return NULL;
	*len = m->def->value_size;
	return map_array_bytes(m);
}

size_t vm_map_drain(struct vm *vm, int map,
		    void (*use)(void *arg, const void *data, uint32_t len),
		    void *arg)
{
	struct vm_map *m = map_number(vm, map);

	if (!m || !m->ops || m->def->type != BPF_MAP_TYPE_RINGBUF)
		return 0;
	return map_ring_drain(m, use, arg);
}
