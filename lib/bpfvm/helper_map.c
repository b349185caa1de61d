/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers on maps. */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

/* The program's bytes of a key; NULL: a fault. */
static const void *key_arg(struct vm *vm, const struct vm_map *m, uint64_t addr)
{
	return arg_read(vm, addr, m->def->key_size);
}

/* The verifier lets no program call what a type does not have. */
static uint64_t refuse(struct vm *vm, const struct vm_map *m, const char *what)
{
	return vm_fault_set(vm, VM_FAULT_CALL, "map '%s' cannot %s",
			    m->def->name, what);
}

static uint64_t lookup(struct vm *vm, struct vm_map *m, const uint64_t r[5],
		       uint32_t cpu)
{
	const void *key;

	if (!m->ops->lookup)
		return refuse(vm, m, "be looked up in by a key");
	key = key_arg(vm, m, r[1]);
	return key ? m->ops->lookup(vm, m, key, cpu) : 0;
}

uint64_t call_map_lookup_elem(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[0]);

	return m ? lookup(vm, m, r, map_cpu(vm, m)) : 0;
}

uint64_t call_map_lookup_percpu_elem(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[0]);

	if (!m || r[2] >= vm->host->nr_cpus)
		return 0;
	return lookup(vm, m, r, (uint32_t)r[2]);
}

uint64_t call_map_update_elem(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[0]);
	const void *key, *value;

	if (!m)
		return 0;
	if (!m->ops->update)
		return refuse(vm, m, "be updated by a program");
	key = key_arg(vm, m, r[1]);
	value = key ? arg_read(vm, r[2], m->def->value_size) : NULL;
	if (!value)
		return 0;
	if (!(map_perm(m) & VM_WRITE))
		return answer(-EPERM);
	return answer(m->ops->update(vm, m, key, value, r[3], map_cpu(vm, m)));
}

uint64_t call_map_delete_elem(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[0]);
	const void *key;

	if (!m)
		return 0;
	if (!m->ops->remove)
		return refuse(vm, m, "have elements deleted by a program");
	key = key_arg(vm, m, r[1]);
	return key ? answer(m->ops->remove(vm, m, key)) : 0;
}

/* ---- without keys ----------------------------------------------------- */

uint64_t call_map_push_elem(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[0]);
	const void *value;

	if (!m)
		return 0;
	if (!m->ops->push)
		return refuse(vm, m, "be pushed to");
	value = arg_read(vm, r[1], m->def->value_size);
	return value ? answer(m->ops->push(vm, m, value, r[2])) : 0;
}

static uint64_t take(struct vm *vm, const uint64_t r[5], bool pop)
{
	struct vm_map *m = arg_map(vm, r[0]);
	void *value;

	if (!m)
		return 0;
	if (!m->ops->take)
		return refuse(vm, m, "be popped from");
	value = vm_write(vm, r[1], m->def->value_size);
	return value ? answer(m->ops->take(vm, m, value, pop)) : 0;
}

uint64_t call_map_pop_elem(struct vm *vm, const uint64_t r[5])
{
	return take(vm, r, true);
}

uint64_t call_map_peek_elem(struct vm *vm, const uint64_t r[5])
{
	return take(vm, r, false);
}

/* ---- over all elements ------------------------------------------------ */

static const struct vm_kind key_kind = {.name = "map key"};

uint64_t call_for_each_map_elem(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[0]);
	unsigned char key[MAP_MAX_KEY];
	uint32_t region, cpu;
	uint64_t args[4], stop = 0, count = 0;
	uintptr_t at = 0;
	int func;

	if (!m)
		return 0;
	if (r[3])
		return answer(-EINVAL);
	if (!m->ops->walk)
		return refuse(vm, m, "be walked over");
	func = vm_func(vm, r[1]);
	if (func < 0)
		return 0;
	cpu = map_cpu(vm, m);
	region = vm_region_new(vm, key, m->def->key_size, VM_READ, &key_kind,
			       NULL);
	args[0] = r[0];
	args[1] = vm_addr(region);
	args[3] = r[2];
	/* A callback may add as many as it is called for: not for ever. */
	while (!stop && count < m->def->max_entries &&
	       m->ops->walk(vm, m, &at, key, &args[2], cpu)) {
		count++;
		if (vm_run(vm, func, args, 4, &stop))
			break;
	}
	vm_region_free(vm, region);
	return count;
}

/* ---- local storage ---------------------------------------------------- */

static struct vm_map *storage_arg(struct vm *vm, uint64_t addr, uint32_t type)
{
	struct vm_map *m = arg_map(vm, addr);

	if (m && m->def->type != type) {
		refuse(vm, m, "be used as this kind of storage");
		return NULL;
	}
	return m;
}

uint64_t call_task_storage_get(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = storage_arg(vm, r[0], BPF_MAP_TYPE_TASK_STORAGE);

	return m ? map_local_get(vm, m, r[1], r[2], r[3]) : 0;
}

uint64_t call_task_storage_delete(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = storage_arg(vm, r[0], BPF_MAP_TYPE_TASK_STORAGE);

	return m ? answer(map_local_delete(vm, m, r[1])) : 0;
}

uint64_t call_cgrp_storage_get(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = storage_arg(vm, r[0], MAP_TYPE_CGRP_STORAGE);

	return m ? map_local_get(vm, m, r[1], r[2], r[3]) : 0;
}

uint64_t call_cgrp_storage_delete(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = storage_arg(vm, r[0], MAP_TYPE_CGRP_STORAGE);

	return m ? answer(map_local_delete(vm, m, r[1])) : 0;
}
