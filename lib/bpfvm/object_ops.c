/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct sched_ext_ops: a variable in a section of its own. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

static bool is_ops_section(const char *name)
{
	return !strcmp(name, ".struct_ops") ||
	       !strcmp(name, ".struct_ops.link");
}

/* Of the type that a variable is of; 0: not a struct. */
static uint32_t struct_of(const struct btf *btf, uint32_t var)
{
	const struct btf_type *t = types_at(btf, var);
	uint32_t id;

	if (!t || !btf_is_var(t))
		return 0;
	id = t->type;
	t = types_skip(btf, &id);
	return t && btf_is_struct(t) ? id : 0;
}

static uint64_t read_number(const unsigned char *at, size_t size)
{
	uint64_t n = 0;

	for (size_t i = size; i-- > 0;)
		n = n << 8 | at[i];
	return n;
}

static void set_value(struct reader *r, const char *name,
		      const unsigned char *at, size_t size)
{
	struct object_ops *ops = &r->o->ops;
	uint64_t n = size <= 8 ? read_number(at, size) : 0;

	if (!strcmp(name, "name")) {
		const char *text = arena_text(&r->tmp, (const char *)at,
					      size < sizeof(ops->name)
						      ? size
						      : sizeof(ops->name) - 1);

		memcpy(ops->name, text, strlen(text) + 1);
	} else if (!strcmp(name, "flags")) {
		ops->flags = n;
	} else if (!strcmp(name, "timeout_ms")) {
		ops->timeout_ms = (uint32_t)n;
	} else if (!strcmp(name, "dispatch_max_batch")) {
		ops->dispatch_max_batch = (uint32_t)n;
	} else if (!strcmp(name, "exit_dump_len")) {
		ops->exit_dump_len = (uint32_t)n;
	} else if (!strcmp(name, "hotplug_seq")) {
		ops->hotplug_seq = n;
	}
}

static char *member_name(struct arena *a, const struct btf *btf,
			 const struct btf_member *m)
{
	const char *name = types_name(btf, m->name_off);

	return arena_text(a, name, types_essential(name));
}

static void read_values(struct reader *r, uint32_t type,
			const struct object_map *map)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *t = types_at(btf, type);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		int64_t size = types_size(btf, m->type);
		uint64_t at = btf_member_bit_offset(t, i) / 8;

		if (size <= 0 || at + (uint64_t)size > map->value_size)
			continue;
		set_value(r, member_name(&r->tmp, btf, m), map->data + at,
			  (size_t)size);
	}
}

static int add_variable(struct reader *r, const struct section *s,
			const struct btf_var_secinfo *row)
{
	const struct btf *btf = r->o->btf;
	uint32_t type = struct_of(btf, row->type);
	const struct btf_type *t = types_at(btf, type);
	const char *name, *type_name;
	struct object_map *m;

	if (!type || row->offset >= s->size ||
	    t->size > s->size - row->offset || !t->size || !s->data)
		return err_set(EINVAL,
			       "section '%s', offset %u: not a struct that is "
			       "all there",
			       s->name, row->offset);
	r->data_bytes += t->size;
	if (r->data_bytes > OBJECT_MAX_BYTES)
		return err_set(EFBIG, "section '%s' is too large", s->name);
	name = types_name(btf, types_at(btf, row->type)->name_off);
	m = map_new(r, arena_name(r->keep, name));
	m->type = BPF_MAP_TYPE_STRUCT_OPS;
	m->key_size = 4;
	m->value_size = t->size;
	m->max_entries = 1;
	m->value_type = type;
	m->is_struct_ops = true;
	m->data = arena_alloc(r->keep, 1, t->size);
	memcpy(m->data, s->data + row->offset, t->size);
	type_name = types_name(btf, t->name_off);
	if (r->o->has_ops || !core_names_match(type_name, "sched_ext_ops"))
		return 0;
	r->o->has_ops = true;
	r->o->ops.variable = m->name;
	r->o->ops.map = (int)r->o->map_count - 1;
	read_values(r, type, m);
	return 0;
}

int ops_read(struct reader *r)
{
	const struct btf *btf = r->o->btf;
	int rc = 0;

	r->o->ops.map = -1;
	for (size_t i = 1; !rc && i < r->section_count; i++) {
		const struct section *s = &r->sections[i];
		const struct btf_type *t;

		if (!is_ops_section(s->name) || !s->size)
			continue;
		t = types_at(btf, types_section(btf, s->name));
		if (!t || !btf_is_datasec(t))
			return err_set(EINVAL, "section '%s' has no types",
				       s->name);
		for (uint32_t v = 0; !rc && v < btf_vlen(t); v++)
			rc = add_variable(r, s, &btf_var_secinfos(t)[v]);
	}
	return rc;
}

/* ---- functions --------------------------------------------------------- */

static const struct btf_member *member_at(struct reader *r,
					  const struct btf_type *t,
					  uint64_t offset)
{
	const struct btf *btf = r->o->btf;

	for (uint32_t i = 0; i < btf_vlen(t) && core_spend(r, 1); i++) {
		uint32_t id = btf_members(t)[i].type;
		const struct btf_type *m;

		if (btf_member_bit_offset(t, i) != offset * 8)
			continue;
		m = types_skip(btf, &id);
		return m && btf_is_ptr(m) ? &btf_members(t)[i] : NULL;
	}
	return NULL;
}

static void add_op(struct reader *r, const char *name, int func)
{
	struct object_ops *ops = &r->o->ops;

	ops->ops = arena_push(r->keep, ops->ops, ops->count, sizeof(*ops->ops));
	ops->ops[ops->count++] = (struct object_op){name, func};
}

/* The variable of the section that holds that place; NULL: none. */
static const struct btf_var_secinfo *variable_at(struct reader *r,
						 const struct btf_type *sec,
						 uint64_t offset,
						 const struct btf_type **type)
{
	for (uint32_t i = 0; i < btf_vlen(sec) && core_spend(r, 1); i++) {
		const struct btf_var_secinfo *row = &btf_var_secinfos(sec)[i];

		*type = types_at(r->o->btf, struct_of(r->o->btf, row->type));
		if (offset >= row->offset &&
		    offset - row->offset < (*type)->size)
			return row;
	}
	return NULL;
}

static int set_op(struct reader *r, uint32_t section,
		  const struct relocation *rel, void *arg)
{
	const struct section *s = &r->sections[section];
	const struct symbol *sym = rel->symbol;
	const struct btf_var_secinfo *row;
	const struct btf_member *member;
	const struct btf_type *type;
	const char *name, *variable;
	uint64_t addend = 0;
	int f;

	row = variable_at(r, arg, rel->offset, &type);
	member = row ? member_at(r, type, rel->offset - row->offset) : NULL;
	if (s->size - rel->offset >= 8)
		addend = read_number(s->data + rel->offset, 8);
	f = r->sections[sym->section].code
		    ? code_func_at(r, sym->section, sym->value + addend)
		    : -1;
	if (!member || f < 0)
		return err_set(EINVAL,
			       "section '%s', offset %llu: not a function in "
			       "a member for one",
			       s->name, (unsigned long long)rel->offset);
	name = member_name(r->keep, r->o->btf, member);
	r->o->funcs[f].kind = FUNC_STRUCT_OPS;
	r->o->funcs[f].attach = name;
	variable =
		types_name(r->o->btf, types_at(r->o->btf, row->type)->name_off);
	if (r->o->has_ops && !strcmp(variable, r->o->ops.variable))
		add_op(r, name, f);
	return 0;
}

int ops_relocate(struct reader *r)
{
	const struct btf *btf = r->o->btf;
	int rc = 0;

	for (uint32_t i = 1; !rc && i < r->section_count; i++) {
		const struct section *s = &r->sections[i];

		if (is_ops_section(s->name) && s->size && s->data)
			rc = elf_each_relocation(
				r, i, set_op,
				(void *)types_at(btf,
						 types_section(btf, s->name)));
	}
	return rc;
}
