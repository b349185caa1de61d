/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays, per-CPU arrays and data sections: values in chunks that are made
 * when they are first asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

#define CHUNK_BITS 8
#define CHUNK	   (1u << CHUNK_BITS)

struct chunk {
	struct holder holder; /* first */
	uint32_t first;	      /* index of its first value */
	uint32_t regions;     /* of its first value, the others follow */
	unsigned char *values;
};

struct array {
	uint32_t per_cpu;      /* chunks of one CPU */
	uint32_t count;	       /* … of all */
	struct chunk **chunks; /* NULL: not made */
};

static void chunk_make(struct vm *vm, struct vm_map *m, uint32_t n)
{
	struct array *a = m->state;
	struct chunk *c = mem_zalloc(1, sizeof(*c));
	uint32_t rows;

	c->holder.map = m;
	c->first = n % a->per_cpu << CHUNK_BITS;
	rows = m->def->max_entries - c->first;
	if (rows > CHUNK)
		rows = CHUNK;
	c->values = mem_zalloc(rows, map_stride(m));
	c->regions =
		vm_region_rows(vm, c->values, m->def->value_size, map_stride(m),
			       rows, map_perm(m), &map_value_kind, c);
	a->chunks[n] = c;
}

/* i is in range. */
static uint64_t array_value(struct vm *vm, struct vm_map *m, uint32_t i,
			    uint32_t cpu)
{
	struct array *a = m->state;
	uint32_t n = i >> CHUNK_BITS;

	if (m->by_cpu)
		n += cpu * a->per_cpu;
	if (!a->chunks[n])
		chunk_make(vm, m, n);
	return vm_addr(a->chunks[n]->regions + i % CHUNK);
}

static uint64_t array_lookup(struct vm *vm, struct vm_map *m, const void *key,
			     uint32_t cpu)
{
	uint32_t i;

	memcpy(&i, key, sizeof(i));
	return i < m->def->max_entries ? array_value(vm, m, i, cpu) : 0;
}

static int array_update(struct vm *vm, struct vm_map *m, const void *key,
			const void *value, uint64_t flags, uint32_t cpu)
{
	uint64_t addr;
	unsigned char *to;

	if ((flags & ~(uint64_t)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	addr = array_lookup(vm, m, key, cpu);
	if (!addr)
		return -E2BIG;
	if (flags & BPF_NOEXIST)
		return -EEXIST;
	to = vm->memory.regions[vm_region_of(addr)].base;
	map_copy(m, to, value);
	map_value_gone(vm, m, to, addr);
	return 0;
}

static int array_remove(struct vm *vm, struct vm_map *m, const void *key)
{
	(void)vm, (void)m, (void)key;
	return -EINVAL;
}

static bool array_walk(struct vm *vm, struct vm_map *m, uintptr_t *at,
		       void *key, uint64_t *value, uint32_t cpu)
{
	uint32_t i = *at;

	if (*at >= m->def->max_entries)
		return false;
	++*at;
	memcpy(key, &i, sizeof(i));
	*value = array_value(vm, m, i, cpu);
	return true;
}

static bool array_key_of(struct vm *vm, struct vm_map *m, uint64_t value,
			 void *key)
{
	const struct chunk *c = map_holder(vm, m, value);
	uint32_t i;

	if (!c)
		return false;
	i = c->first + vm_region_of(value) - c->regions;
	memcpy(key, &i, sizeof(i));
	return true;
}

static void array_release(struct vm *vm, struct vm_map *m)
{
	struct array *a = m->state;

	(void)vm;
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->chunks[i])
			free(a->chunks[i]->values);
		free(a->chunks[i]);
	}
	free(a->chunks);
	free(a);
}

static const struct vm_map_ops array_ops = {
	.lookup = array_lookup,
	.update = array_update,
	.remove = array_remove,
	.walk = array_walk,
	.key_of = array_key_of,
	.release = array_release,
};

unsigned char *map_array_bytes(const struct vm_map *m)
{
	const struct array *a = m->state;

	return a->chunks[0]->values;
}

int map_array_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;
	uint32_t cpus;
	struct array *a;
	int rc;

	m->by_cpu = def->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	cpus = m->by_cpu ? vm->host->nr_cpus : 1;
	if (def->key_size != 4 || !def->value_size || !def->max_entries)
		return err_set(EINVAL,
			       "array '%s' needs a key of 4 bytes, a value and "
			       "max_entries",
			       def->name);
	rc = map_account(vm, m, (uint64_t)def->max_entries * cpus,
			 map_stride(m));
	if (rc)
		return rc;
	a = mem_zalloc(1, sizeof(*a));
	a->per_cpu = (def->max_entries - 1) / CHUNK + 1;
	a->count = a->per_cpu * cpus;
	a->chunks = mem_zalloc(a->count, sizeof(struct chunk *));
	m->state = a;
	m->ops = &array_ops;
	if (def->data) {
		chunk_make(vm, m, 0);
		m->values = a->chunks[0]->regions;
		memcpy(a->chunks[0]->values, def->data, def->value_size);
	}
	return 0;
}
