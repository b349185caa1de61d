/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ring buffers.
 *
 * A record is a header and its bytes, as in the kernel, so that a ring is full
 * exactly when the kernel's is.  A record that would reach over the end stands
 * there all the same: the memory is twice as long as the ring.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

#define PAGE 4096u

struct record {
	uint32_t len;
	bool busy, discarded;
};

#define HEADER 8u
_Static_assert(sizeof(struct record) == HEADER, "as large as the kernel's");

struct ring {
	uint64_t produced, consumed;
	uint64_t size;
	unsigned char *bytes;
};

static const struct vm_kind record_kind = {.name = "ring buffer record"};

static struct record *ring_at(const struct ring *r, uint64_t pos)
{
	return (struct record *)(r->bytes + (pos & (r->size - 1)));
}

uint64_t map_ring_reserve(struct vm *vm, struct vm_map *m, uint64_t size)
{
	struct ring *r = m->state;
	uint64_t len = (size + HEADER + 7) & ~7ull;
	struct record *rec;
	uint64_t addr;

	if (size > r->size || len > r->size - 1 ||
	    r->produced + len - r->consumed > r->size - 1)
		return 0;
	rec = ring_at(r, r->produced);
	rec->len = size;
	rec->busy = true;
	rec->discarded = false;
	r->produced += len;
	addr = vm_addr(vm_region_new(vm, rec + 1, size, VM_READ | VM_WRITE,
				     &record_kind, rec));
	vm_hold(vm, HELD_REF, addr);
	return addr;
}

bool map_ring_commit(struct vm *vm, uint64_t record, bool discard)
{
	const struct vm_region *region = vm_region(vm, vm_region_of(record));
	struct record *rec;

	if (!region || region->kind != &record_kind || (uint32_t)record ||
	    !vm_unhold(vm, HELD_REF, record))
		return false;
	rec = region->owner;
	rec->busy = false;
	rec->discarded = discard;
	vm_region_free(vm, vm_region_of(record));
	return true;
}

uint64_t map_ring_query(const struct vm_map *m, uint64_t what)
{
	const struct ring *r = m->state;

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return r->produced - r->consumed;
	case BPF_RB_RING_SIZE:
		return r->size;
	case BPF_RB_CONS_POS:
		return r->consumed;
	case BPF_RB_PROD_POS:
		return r->produced;
	default:
		return 0;
	}
}

size_t map_ring_drain(struct vm_map *m,
		      void (*use)(void *arg, const void *data, uint32_t len),
		      void *arg)
{
	struct ring *r = m->state;
	size_t count = 0;

	while (r->consumed < r->produced) {
		const struct record *rec = ring_at(r, r->consumed);

		if (rec->busy)
			break;
		if (!rec->discarded) {
			use(arg, rec + 1, rec->len);
			count++;
		}
		r->consumed += ((uint64_t)rec->len + HEADER + 7) & ~7ull;
	}
	return count;
}

static void ring_release(struct vm *vm, struct vm_map *m)
{
	struct ring *r = m->state;

	(void)vm;
	free(r->bytes);
	free(r);
}

static const struct vm_map_ops ring_ops = {
	.release = ring_release,
};

int map_ring_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;
	struct ring *r;
	int rc;

	if (def->key_size || def->value_size || def->max_entries < PAGE ||
	    def->max_entries & (def->max_entries - 1))
		return err_set(EINVAL,
			       "ring buffer '%s' needs max_entries that is a "
			       "power of two and at least %u",
			       def->name, PAGE);
	rc = map_account(vm, m, 2, def->max_entries);
	if (rc)
		return rc;
	r = mem_zalloc(1, sizeof(*r));
	r->size = def->max_entries;
	r->bytes = mem_zalloc(2, r->size);
	m->state = r;
	m->ops = &ring_ops;
	return 0;
}
