/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions.
 *
 * A dead one has length 0, so that the check every access makes needs no other
 * test for it, and keeps its kind, so that a fault can say what was freed.  Its
 * number is used again only after REUSE_AFTER others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpfvm/vm_state.h"

#define REUSE_AFTER 1024
#define MAX_REGIONS (1u << 31)

static struct vm_region *at(const struct vm *vm, uint32_t region)
{
	return &vm->memory.regions[region];
}

static uint32_t grow(struct vm_memory *m, uint32_t n)
{
	uint32_t first;

	if (!m->count)
		m->count = 1; /* region 0 holds NULL */
	first = m->count;
	if (n > MAX_REGIONS - first)
		abort(); /* memory would have run out long before */
	if (first + n > m->cap) {
		m->cap = 2 * (first + n);
		m->regions =
			mem_realloc(m->regions, m->cap, sizeof(*m->regions));
	}
	if (first == 1)
		memset(m->regions, 0, sizeof(*m->regions));
	m->count += n;
	return first;
}

/* The link of the queue is kept in a dead region's perm. */
static uint32_t take(struct vm_memory *m)
{
	uint32_t region = m->free_head;

	if (m->free_count < REUSE_AFTER)
		return grow(m, 1);
	m->free_head = m->regions[region].perm;
	m->free_count--;
	return region;
}

static void fill(struct vm *vm, uint32_t region, void *base, uint32_t len,
		 uint32_t perm, const struct vm_kind *kind, void *owner)
{
	static unsigned char nothing;

	*at(vm, region) = (struct vm_region){
		.base = base ? base : &nothing,
		.len = base ? len : 0,
		.perm = perm,
		.kind = kind,
		.owner = owner,
	};
}

uint32_t vm_region_new(struct vm *vm, void *base, uint32_t len, uint32_t perm,
		       const struct vm_kind *kind, void *owner)
{
	uint32_t region = take(&vm->memory);

	fill(vm, region, base, len, perm, kind, owner);
	return region;
}

uint32_t vm_region_rows(struct vm *vm, void *base, uint32_t len, size_t stride,
			uint32_t n, uint32_t perm, const struct vm_kind *kind,
			void *owner)
{
	uint32_t first = grow(&vm->memory, n);

	for (uint32_t i = 0; i < n; i++)
		fill(vm, first + i, (unsigned char *)base + i * stride, len,
		     perm, kind, owner);
	return first;
}

static void drop_slots(struct vm *vm, uint32_t region)
{
	uint32_t *slots = at(vm, region)->slots;
	struct vm_map *m;

	at(vm, region)->slots = NULL;
	for (int i = 0; slots && i < vm->slot_count; i++) {
		if (!slots[i])
			continue;
		m = vm->slot_maps[i];
		m->ops->slot_gone(vm, m, slots[i]);
		vm_region_free(vm, slots[i]);
	}
	free(slots);
}

void vm_region_free(struct vm *vm, uint32_t region)
{
	struct vm_memory *m = &vm->memory;
	struct vm_region *r;

	if (!vm_region(vm, region))
		return;
	drop_slots(vm, region);
	r = at(vm, region);
	r->base = NULL;
	r->len = 0;
	r->perm = 0;
	r->owner = NULL;
	if (m->free_count++)
		at(vm, m->free_tail)->perm = region;
	else
		m->free_head = region;
	m->free_tail = region;
}

const struct vm_region *vm_region(const struct vm *vm, uint32_t region)
{
	if (region >= vm->memory.count || !at(vm, region)->base)
		return NULL;
	return at(vm, region);
}

/* ---- access ----------------------------------------------------------- */

static bool may(const struct vm *vm, const struct vm_region *r, uint32_t off,
		uint32_t len, uint32_t perm)
{
	if (r->perm & perm)
		return true;
	if (vm->arena && r == at(vm, vm->arena))
		return vm_arena_has(vm, off, len);
	return perm == VM_WRITE && r->kind->may_write &&
	       r->kind->may_write(off, len);
}

static void *reach(struct vm *vm, uint64_t addr, uint32_t len, uint32_t perm)
{
	static unsigned char nothing;
	const struct vm_region *r;
	uint32_t off = (uint32_t)addr;

	if (!len)
		return &nothing;
	r = vm_region(vm, vm_region_of(addr));
	if (r && (uint64_t)off + len <= r->len && may(vm, r, off, len, perm))
		return r->base + off;
	return vm_fault_access(vm, addr, len, perm);
}

void *vm_read(struct vm *vm, uint64_t addr, uint32_t len)
{
	return reach(vm, addr, len, VM_READ);
}

void *vm_write(struct vm *vm, uint64_t addr, uint32_t len)
{
	return reach(vm, addr, len, VM_WRITE);
}

void *vm_object(struct vm *vm, uint64_t addr, const struct vm_kind *kind)
{
	const struct vm_region *r = vm_region(vm, vm_region_of(addr));

	if (r && r->kind == kind && !(uint32_t)addr)
		return r->owner;
	if (!vm_region_of(addr))
		vm_fault_set(vm, VM_FAULT_NULL, "null where a %s is wanted",
			     kind->name);
	else if (r && (uint32_t)addr)
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "byte %u of a %s where a %s is wanted",
			     (uint32_t)addr, r->kind->name, kind->name);
	else
		vm_fault_set(vm, VM_FAULT_MEMORY, "%s where a %s is wanted",
			     r ? r->kind->name : "a stray pointer", kind->name);
	return NULL;
}

/* ---- local storage ---------------------------------------------------- */

int vm_slot_new(struct vm *vm, struct vm_map *m)
{
	vm->slot_maps = mem_realloc(vm->slot_maps, (size_t)vm->slot_count + 1,
				    sizeof(struct vm_map *));
	vm->slot_maps[vm->slot_count] = m;
	return vm->slot_count++;
}

void vm_slot_set(struct vm *vm, uint32_t region, int slot, uint32_t value)
{
	struct vm_region *r = at(vm, region);

	/* All slots are made with the maps, before any is filled. */
	if (!r->slots)
		r->slots =
			mem_zalloc((size_t)vm->slot_count, sizeof(*r->slots));
	r->slots[slot] = value;
}

struct vm_memory *vm_memory(struct vm *vm)
{
	return &vm->memory;
}
