/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arena: one region as large as it may ever become, of which only pages
 * that were allocated can be used.  Byte 0 never is, so that no pointer into
 * it is NULL.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

#define PAGE	   4096u
#define PAGE_SHIFT 12
/* So that the region's length fits 32 bits. */
#define MAX_PAGES ((1u << 20) - 2)

struct arena {
	uint32_t region, pages; /* page 0 is not one of them */
	uint32_t hint;		/* below it, all are taken */
	uint32_t taken;
	unsigned char *base;
	uint64_t *used; /* a bit for each page */
};

static const struct vm_kind arena_kind = {.name = "arena"};

static bool page_used(const struct arena *a, uint32_t page)
{
	return a->used[page / 64] >> page % 64 & 1;
}

bool vm_arena_has(const struct vm *vm, uint32_t offset, uint32_t len)
{
	const struct arena *a = vm->memory.regions[vm->arena].owner;
	uint32_t last = (offset + len - 1) >> PAGE_SHIFT;

	for (uint32_t p = offset >> PAGE_SHIFT; p <= last; p++) {
		if (!page_used(a, p))
			return false;
	}
	return true;
}

/* The first of so many free pages in a row at or after `from`; 0: none. */
static uint32_t find_free(const struct arena *a, uint32_t from, uint32_t pages)
{
	uint32_t run = 0;

	for (uint32_t p = from; p <= a->pages; p++) {
		if (a->used[p / 64] == UINT64_MAX) {
			p |= 63;
			run = 0;
			continue;
		}
		run = page_used(a, p) ? 0 : run + 1;
		if (run == pages)
			return p - pages + 1;
	}
	return 0;
}

uint64_t map_arena_alloc(struct vm *vm, struct vm_map *m, uint64_t addr,
			 uint32_t pages)
{
	struct arena *a = m->state;
	uint32_t first;

	(void)vm;
	if (!pages || pages > a->pages - a->taken)
		return 0;
	if (addr) {
		/* Exactly there, or not at all. */
		first = (uint32_t)addr >> PAGE_SHIFT;
		if ((uint32_t)addr % PAGE || !first ||
		    find_free(a, first, pages) != first)
			return 0;
	} else {
		first = find_free(a, a->hint, pages);
		if (!first)
			return 0;
		if (first == a->hint)
			a->hint = first + pages;
	}
	for (uint32_t p = first; p < first + pages; p++)
		a->used[p / 64] |= 1ull << p % 64;
	a->taken += pages;
	return vm_addr(a->region) + ((uint64_t)first << PAGE_SHIFT);
}

void map_arena_free(struct vm *vm, struct vm_map *m, uint64_t addr,
		    uint32_t pages)
{
	struct arena *a = m->state;
	uint32_t first = (uint32_t)addr >> PAGE_SHIFT;

	(void)vm;
	if ((uint32_t)addr % PAGE || !first || first > a->pages)
		return;
	if (pages > a->pages - first + 1)
		pages = a->pages - first + 1;
	for (uint32_t p = first; p < first + pages; p++) {
		if (!page_used(a, p))
			continue;
		a->used[p / 64] &= ~(1ull << p % 64);
		a->taken--;
		/* It comes back empty. */
		memset(a->base + ((size_t)p << PAGE_SHIFT), 0, PAGE);
	}
	if (first < a->hint)
		a->hint = first;
}

static void arena_release(struct vm *vm, struct vm_map *m)
{
	struct arena *a = m->state;

	(void)vm;
	munmap(a->base, ((size_t)a->pages + 1) << PAGE_SHIFT);
	free(a->used);
	free(a);
}

static const struct vm_map_ops arena_ops = {
	.release = arena_release,
};

int map_arena_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;
	struct arena *a;
	void *base;

	if (def->key_size || def->value_size || !def->max_entries)
		return err_set(EINVAL, "arena '%s' needs max_entries, in pages",
			       def->name);
	if (vm->arena)
		return err_set(ENOTSUP,
			       "'%s' is a second arena: only one is supported",
			       def->name);
	a = mem_zalloc(1, sizeof(*a));
	a->pages = def->max_entries < MAX_PAGES ? def->max_entries : MAX_PAGES;
	base = mmap(NULL, ((size_t)a->pages + 1) << PAGE_SHIFT,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		free(a);
		return err_set(ENOMEM, "no address space for arena '%s'",
			       def->name);
	}
	a->base = base;
	a->hint = 1;
	a->used = mem_zalloc(a->pages / 64 + 1, 8);
	a->region = vm_region_new(vm, a->base, (a->pages + 1) << PAGE_SHIFT,
				  VM_READ | VM_WRITE, &arena_kind, a);
	vm->arena = a->region;
	m->state = a;
	m->ops = &arena_ops;
	return 0;
}
