/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers on ring buffers, and kfuncs on the arena. */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

static struct vm_map *typed_arg(struct vm *vm, uint64_t addr, uint32_t type,
				const char *what)
{
	struct vm_map *m = arg_map(vm, addr);

	if (m && m->def->type != type) {
		vm_fault_set(vm, VM_FAULT_CALL, "map '%s' is no %s",
			     m->def->name, what);
		return NULL;
	}
	return m;
}

static struct vm_map *ring_arg(struct vm *vm, uint64_t addr)
{
	return typed_arg(vm, addr, BPF_MAP_TYPE_RINGBUF, "ring buffer");
}

uint64_t call_ringbuf_reserve(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = ring_arg(vm, r[0]);

	return m && !r[2] ? map_ring_reserve(vm, m, r[1]) : 0;
}

static uint64_t commit(struct vm *vm, uint64_t record, bool discard)
{
	if (!map_ring_commit(vm, record, discard))
		vm_fault_set(vm, VM_FAULT_CALL,
			     "%s something that is not a reserved record",
			     discard ? "discards" : "submits");
	return 0;
}

uint64_t call_ringbuf_submit(struct vm *vm, const uint64_t r[5])
{
	return commit(vm, r[0], false);
}

uint64_t call_ringbuf_discard(struct vm *vm, const uint64_t r[5])
{
	return commit(vm, r[0], true);
}

uint64_t call_ringbuf_output(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = ring_arg(vm, r[0]);
	const void *data;
	uint64_t record;

	if (!m)
		return 0;
	if (r[3] & ~(uint64_t)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return answer(-EINVAL);
	if (r[2] > m->def->max_entries)
		return answer(-EAGAIN);
	if (!vm_read(vm, r[1], (uint32_t)r[2]))
		return 0;
	record = map_ring_reserve(vm, m, r[2]);
	if (!record)
		return answer(-EAGAIN);
	/* Again: regions may have moved. */
	data = vm_read(vm, r[1], (uint32_t)r[2]);
	memcpy(vm_write(vm, record, (uint32_t)r[2]), data, r[2]);
	map_ring_commit(vm, record, false);
	return 0;
}

uint64_t call_ringbuf_query(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = ring_arg(vm, r[0]);

	return m ? map_ring_query(m, r[1]) : 0;
}

/* ---- the arena -------------------------------------------------------- */

static struct vm_map *arena_arg(struct vm *vm, uint64_t addr)
{
	return typed_arg(vm, addr, MAP_TYPE_ARENA, "arena");
}

uint64_t call_arena_alloc_pages(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arena_arg(vm, r[0]);

	return m && !r[4] ? map_arena_alloc(vm, m, r[1], (uint32_t)r[2]) : 0;
}

uint64_t call_arena_free_pages(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arena_arg(vm, r[0]);

	if (m)
		map_arena_free(vm, m, r[1], (uint32_t)r[2]);
	return 0;
}
