/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps that are declared: variables in .maps whose type says what they are.
 * A number is the length of an array that the member points to, a type is what
 * it points to.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

struct object_map *map_new(struct reader *r, const char *name)
{
	struct object *o = r->o;
	struct object_map *m;

	o->maps = arena_push(r->keep, o->maps, o->map_count, sizeof(*o->maps));
	r->values_at = arena_push(&r->tmp, r->values_at, o->map_count,
				  sizeof(*r->values_at));
	r->values_at[o->map_count] = UINT32_MAX;
	m = &o->maps[o->map_count++];
	m->name = name;
	m->inner = -1;
	return m;
}

static int bad(const struct object_map *m, const char *member, const char *what)
{
	return err_set(EINVAL, "section '.maps': map '%s': '%s' %s", m->name,
		       member, what);
}

static int number(const struct btf *btf, uint32_t id, uint64_t *n)
{
	const struct btf_type *t = types_skip(btf, &id);

	if (t && btf_is_any_enum(t) && btf_vlen(t) == 1) {
		*n = types_enumerator(t, 0);
		return 0;
	}
	if (!t || !btf_is_ptr(t))
		return -EINVAL;
	id = t->type;
	t = types_skip(btf, &id);
	if (!t || !btf_is_array(t))
		return -EINVAL;
	*n = btf_array(t)->nelems;
	return 0;
}

static int set_number(struct object_map *m, const char *name, uint64_t n)
{
	static const struct {
		const char *name;
		size_t at;
	} known[] = {
		{"type", offsetof(struct object_map, type)},
		{"max_entries", offsetof(struct object_map, max_entries)},
		{"map_flags", offsetof(struct object_map, flags)},
	};

	if (!strcmp(name, "map_extra")) {
		m->extra = n;
		return 0;
	}
	/* It would live on under a name, or be another program's that has it
	 * already. */
	if (!strcmp(name, "pinning") && n)
		return bad(m, name, "is set: a policy's maps are its own");
	/* Where its memory is. */
	if (!strcmp(name, "numa_node") || !strcmp(name, "pinning"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].name, name))
			continue;
		if (n > UINT32_MAX)
			return bad(m, name, "is too large");
		*(uint32_t *)((char *)m + known[i].at) = (uint32_t)n;
		return 0;
	}
	return err_set(ENOTSUP,
		       "section '.maps': map '%s' has a member '%s' that is "
		       "unknown here",
		       m->name, name);
}

static int set_size(struct object_map *m, const char *name, uint32_t *size,
		    uint64_t n)
{
	if (n > UINT32_MAX || (*size && *size != n))
		return bad(m, name, "and the type's size differ");
	*size = (uint32_t)n;
	return 0;
}

/* key and value: pointers to the type. */
static int set_type(struct reader *r, struct object_map *m, const char *name,
		    uint32_t id)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *t = types_skip(btf, &id);
	bool key = !strcmp(name, "key");
	int64_t size = t && btf_is_ptr(t) ? types_size(btf, t->type) : -1;

	if (size < 0)
		return bad(m, name, "is of a type without a size");
	*(key ? &m->key_type : &m->value_type) = t->type;
	return set_size(m, name, key ? &m->key_size : &m->value_size,
			(uint64_t)size);
}

static int define(struct reader *r, int map, uint32_t type, bool inner);

/* What the array `values` holds pointers to: maps or programs. */
static int set_values(struct reader *r, int map, uint32_t id, bool inner)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *t = types_skip(btf, &id);
	struct object_map *m = &r->o->maps[map];
	int template;

	if (t && btf_is_array(t)) {
		id = btf_array(t)->type;
		t = types_skip(btf, &id);
	}
	if (!t || !btf_is_ptr(t))
		return bad(m, "values", "is not an array of pointers");
	id = t->type;
	t = types_skip(btf, &id);
	if (m->type == BPF_MAP_TYPE_PROG_ARRAY) {
		if (!t || !btf_is_func_proto(t))
			return bad(m, "values", "holds no functions");
		return set_size(m, "values", &m->value_size, 4);
	}
	if (m->type != BPF_MAP_TYPE_ARRAY_OF_MAPS &&
	    m->type != BPF_MAP_TYPE_HASH_OF_MAPS)
		return bad(m, "values", "is for maps of maps or programs");
	if (inner || !t || !btf_is_struct(t))
		return bad(m, "values", "holds no plain maps");
	if (set_size(m, "values", &m->value_size, 4))
		return -EINVAL;
	template = (int)r->o->map_count;
	map_new(r, arena_printf(r->keep, "%s.inner", m->name));
	r->o->maps[map].inner = template;
	return define(r, template, id, true);
}

static int set_member(struct reader *r, int map, const char *name, uint32_t id)
{
	struct object_map *m = &r->o->maps[map];
	uint64_t n;

	if (!strcmp(name, "key") || !strcmp(name, "value"))
		return set_type(r, m, name, id);
	if (number(r->o->btf, id, &n))
		return bad(m, name, "is not a number");
	if (!strcmp(name, "key_size"))
		return set_size(m, name, &m->key_size, n);
	if (!strcmp(name, "value_size"))
		return set_size(m, name, &m->value_size, n);
	return set_number(m, name, n);
}

static int define(struct reader *r, int map, uint32_t type, bool inner)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *t = types_at(btf, type);
	const struct btf_member *member = btf_members(t), *values = NULL;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < btf_vlen(t); i++, member++) {
		const char *name = types_name(btf, member->name_off);

		if (!core_spend(r, 1))
			return -EINVAL;
		if (!strcmp(name, "values")) {
			values = member;
			r->values_at[map] = btf_member_bit_offset(t, i) / 8;
		} else {
			rc = set_member(r, map, arena_name(&r->tmp, name),
					member->type);
		}
	}
	if (!rc && values)
		rc = set_values(r, map, values->type, inner);
	if (!rc && !r->o->maps[map].type)
		rc = bad(&r->o->maps[map], "type", "is missing");
	if (!rc && r->o->maps[map].value_type)
		rc = field_find(r, &r->o->maps[map],
				r->o->maps[map].value_type);
	return rc;
}

static int add_map(struct reader *r, struct section *s,
		   const struct btf_var_secinfo *row)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *var = types_at(btf, row->type), *t;
	const char *name;
	uint32_t id;

	if (!var || !btf_is_var(var))
		return err_set(EINVAL, "section '.maps' holds no variables");
	name = types_name(btf, var->name_off);
	name = arena_name(r->keep, name);
	id = var->type;
	t = types_skip(btf, &id);
	if (!t || !btf_is_struct(t) || row->offset % 8 ||
	    row->offset >= s->size || s->map_at[row->offset / 8] >= 0)
		return err_set(EINVAL,
			       "section '.maps', offset %u: '%s' is not a map",
			       row->offset, name);
	s->map_at[row->offset / 8] = (int)r->o->map_count;
	map_new(r, name);
	return define(r, (int)r->o->map_count - 1, id, false);
}

int map_read(struct reader *r)
{
	uint32_t section = elf_section(r, ".maps");
	struct section *s = &r->sections[section];
	const struct btf_type *t;
	size_t n;
	int rc = 0;

	if (elf_section(r, "maps"))
		return err_set(ENOTSUP, "section 'maps' is of the old kind; "
					"declare maps in '.maps'");
	if (!section || !s->size)
		return 0;
	t = types_at(r->o->btf, types_section(r->o->btf, ".maps"));
	if (!t || !btf_is_datasec(t) || !s->data)
		return err_set(EINVAL, "section '.maps' has no types");
	n = s->size / 8 + 1;
	s->map_at = arena_alloc(&r->tmp, n, sizeof(*s->map_at));
	memset(s->map_at, -1, n * sizeof(*s->map_at));
	for (uint32_t i = 0; !rc && i < btf_vlen(t); i++)
		rc = add_map(r, s, &btf_var_secinfos(t)[i]);
	return rc;
}

/* ---- what they hold at first ------------------------------------------- */

/* The map whose variable that place is in; -1: none, or a message. */
static int map_before(struct reader *r, const struct section *s,
		      uint64_t offset, uint64_t *start)
{
	for (uint64_t i = offset / 8 + 1; i-- > 0 && core_spend(r, 1);) {
		if (s->map_at[i] < 0)
			continue;
		*start = i * 8;
		return s->map_at[i];
	}
	return -1;
}

/* Room for as many values as there is until the next map. */
static int *new_values(struct reader *r, const struct section *s,
		       uint64_t start)
{
	uint64_t end = start / 8 + 1;
	int *values;

	while (end < s->size / 8 && s->map_at[end] < 0)
		end++;
	values = arena_alloc(r->keep, end - start / 8 + 1, sizeof(*values));
	memset(values, -1, (end - start / 8 + 1) * sizeof(*values));
	return values;
}

static int value_of(const struct reader *r, const struct symbol *s, bool funcs)
{
	const struct section *sec = &r->sections[s->section];

	if (funcs)
		return sec->code ? code_func_at(r, s->section, s->value) : -1;
	return sec->map_at && s->value % 8 == 0 && s->value < sec->size
		       ? sec->map_at[s->value / 8]
		       : -1;
}

static int set_initial(struct reader *r, uint32_t section,
		       const struct relocation *rel, void *arg)
{
	const struct section *s = &r->sections[section];
	uint64_t start, slot;
	int map = map_before(r, s, rel->offset, &start), value;
	struct object_map *m;

	(void)arg;
	if (map < 0 || r->values_at[map] == UINT32_MAX ||
	    rel->offset - start < r->values_at[map] || rel->offset % 8)
		return err_set(EINVAL,
			       "section '.maps', offset %llu: a relocation "
			       "where no values are",
			       (unsigned long long)rel->offset);
	m = &r->o->maps[map];
	slot = (rel->offset - start - r->values_at[map]) / 8;
	value = value_of(r, rel->symbol, m->type == BPF_MAP_TYPE_PROG_ARRAY);
	if (value < 0 || slot >= m->max_entries)
		return err_set(EINVAL,
			       "section '.maps', offset %llu: value %llu of "
			       "map '%s' is none or one too many",
			       (unsigned long long)rel->offset,
			       (unsigned long long)slot, m->name);
	if (!m->initial)
		m->initial = new_values(r, s, start);
	if (slot >= m->initial_count)
		m->initial_count = slot + 1;
	((int *)m->initial)[slot] = value;
	return 0;
}

int map_initial(struct reader *r)
{
	for (uint32_t i = 1; i < r->section_count; i++)
		if (r->sections[i].map_at)
			return elf_each_relocation(r, i, set_initial, NULL);
	return 0;
}
