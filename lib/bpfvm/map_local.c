/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local storage: one value in a slot of a task's or cgroup's region. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

struct storage {
	struct holder holder; /* first */
	struct storage *next, **link;
	uint32_t region;
	uint64_t bytes[];
};

struct local {
	struct storage *all; /* also those that are buried */
};

static void storage_free(struct storage *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	free(s);
}

/* Regions of its kind have it by name; that is looked at only once. */
static bool right_kind(struct vm *vm, const struct vm_map *m,
		       const struct vm_region *r)
{
	bool task = m->def->type == BPF_MAP_TYPE_TASK_STORAGE;
	struct own *own = own_of(vm);
	const struct vm_kind **known =
		task ? &own->task_kind : &own->cgroup_kind;

	if (r->kind == *known)
		return true;
	if (*known || strcmp(r->kind->name, task ? "task_struct" : "cgroup"))
		return false;
	*known = r->kind;
	return true;
}

static struct vm_region *storage_holder(struct vm *vm, const struct vm_map *m,
					uint64_t addr)
{
	struct vm_memory *mem = &vm->memory;
	uint32_t n = vm_region_of(addr);

	if (n < mem->count && !(uint32_t)addr && mem->regions[n].base &&
	    right_kind(vm, m, &mem->regions[n]))
		return &mem->regions[n];
	vm_fault_set(vm, VM_FAULT_CALL,
		     "storage '%s' is asked for something that is not a live "
		     "%s",
		     m->def->name,
		     m->def->type == BPF_MAP_TYPE_TASK_STORAGE ? "task"
							       : "cgroup");
	return NULL;
}

static void storage_bury(struct vm *vm, struct dead *d)
{
	struct storage *s = (struct storage *)d;

	vm_region_free(vm, s->region);
	storage_free(s);
}

static struct storage *storage_of(const struct vm *vm, uint32_t value)
{
	return vm->memory.regions[value].owner;
}

static void local_gone(struct vm *vm, struct vm_map *m, uint32_t value)
{
	struct storage *s = storage_of(vm, value);

	map_value_gone(vm, m, s->bytes, vm_addr(value));
	storage_free(s);
}

static uint32_t local_make(struct vm *vm, struct vm_map *m, uint32_t holder_nr,
			   const void *init)
{
	struct storage *s = mem_zalloc(1, sizeof(*s) + map_stride(m));
	struct local *l = m->state;

	s->next = l->all;
	s->link = &l->all;
	if (s->next)
		s->next->link = &s->next;
	l->all = s;
	s->holder.dead.bury = storage_bury;
	s->holder.map = m;
	if (init)
		map_copy(m, s->bytes, init);
	s->region = vm_region_new(vm, s->bytes, m->def->value_size, map_perm(m),
				  &map_value_kind, s);
	vm_slot_set(vm, holder_nr, m->slot, s->region);
	return s->region;
}

uint64_t map_local_get(struct vm *vm, struct vm_map *m, uint64_t object,
		       uint64_t init, uint64_t flags)
{
	const void *value = NULL;
	const struct vm_region *r;

	if (!object || flags & ~(uint64_t)BPF_LOCAL_STORAGE_GET_F_CREATE)
		return 0;
	r = storage_holder(vm, m, object);
	if (!r)
		return 0;
	if (r->slots && r->slots[m->slot])
		return vm_addr(r->slots[m->slot]);
	if (!flags)
		return 0;
	if (init) {
		value = vm_read(vm, init, m->def->value_size);
		if (!value)
			return 0;
	}
	return vm_addr(local_make(vm, m, vm_region_of(object), value));
}

int64_t map_local_delete(struct vm *vm, struct vm_map *m, uint64_t object)
{
	const struct vm_region *r;
	struct storage *s;
	uint32_t value;

	if (!object)
		return -EINVAL;
	r = storage_holder(vm, m, object);
	if (!r)
		return 0;
	value = r->slots ? r->slots[m->slot] : 0;
	if (!value)
		return -ENOENT;
	s = storage_of(vm, value);
	vm_slot_set(vm, vm_region_of(object), m->slot, 0);
	map_value_gone(vm, m, s->bytes, vm_addr(value));
	own_bury(vm, &s->holder.dead);
	return 0;
}

static void local_release(struct vm *vm, struct vm_map *m)
{
	struct local *l = m->state;

	(void)vm;
	while (l->all)
		storage_free(l->all);
	free(l);
}

static const struct vm_map_ops local_ops = {
	.slot_gone = local_gone,
	.release = local_release,
};

int map_local_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;

	if (def->key_size != 4 || !def->value_size || def->max_entries)
		return err_set(EINVAL,
			       "storage '%s' needs a key of 4 bytes, a value "
			       "and no max_entries",
			       def->name);
	m->slot = vm_slot_new(vm, m);
	m->state = mem_zalloc(1, sizeof(struct local));
	m->ops = &local_ops;
	return 0;
}
