/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of values that are not the program's to copy. */
#include <string.h>

#include "bpfvm/map.h"

static uint32_t field_size(enum field_kind kind)
{
	switch (kind) {
	case FIELD_SPIN_LOCK:
	case FIELD_REFCOUNT:
		return 4;
	case FIELD_KPTR:
	case FIELD_KPTR_UNTRUSTED:
		return 8;
	case FIELD_TIMER:
	case FIELD_LIST_HEAD:
	case FIELD_RB_ROOT:
		return 16;
	case FIELD_LIST_NODE:
		return 24;
	case FIELD_RB_NODE:
		return 32;
	}
	return 0;
}

/* The first special member at or after `from`; NULL: none. */
static const struct object_field *field_after(const struct object_map *def,
					      uint32_t from)
{
	const struct object_field *best = NULL;

	for (size_t i = 0; i < def->field_count; i++) {
		const struct object_field *f = &def->fields[i];

		if (f->offset >= from && (!best || f->offset < best->offset))
			best = f;
	}
	return best;
}

void map_copy(const struct vm_map *m, void *to, const void *from)
{
	const struct object_map *def = m->def;
	uint32_t at = 0;

	while (at < def->value_size) {
		const struct object_field *f = field_after(def, at);
		uint32_t end = f ? f->offset : def->value_size;

		if (end > def->value_size)
			end = def->value_size;
		memcpy((char *)to + at, (const char *)from + at, end - at);
		at = f ? end + field_size(f->kind) : end;
	}
}

void map_fields_free(struct vm *vm, const struct object_field *fields,
		     size_t count, void *value, uint32_t size, uint64_t addr)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char *field =
			(unsigned char *)value + fields[i].offset;
		uint64_t at = addr + fields[i].offset, kptr;

		/* A struct of that name may be any length. */
		if ((uint64_t)fields[i].offset + field_size(fields[i].kind) >
		    size)
			continue;
		switch (fields[i].kind) {
		case FIELD_TIMER:
			timer_forget(vm, field, at);
			break;
		case FIELD_KPTR:
			memcpy(&kptr, field, sizeof(kptr));
			if (kptr)
				kptr_release(vm, kptr);
			break;
		case FIELD_LIST_HEAD:
		case FIELD_RB_ROOT:
			head_forget(vm, field, at);
			break;
		default:
			continue;
		}
		memset(field, 0, field_size(fields[i].kind));
	}
}

void map_value_gone(struct vm *vm, const struct vm_map *m, void *value,
		    uint64_t addr)
{
	map_fields_free(vm, m->def->fields, m->def->field_count, value,
			m->def->value_size, addr);
}
