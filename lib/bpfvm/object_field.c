/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of map values that are more than bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define MAX_FIELDS    4096
#define FIELDS_BUDGET (1u << 20)
#define MAX_DEPTH     8

static const struct {
	const char *name;
	enum field_kind kind;
} special[] = {
	{"bpf_spin_lock", FIELD_SPIN_LOCK}, {"bpf_timer", FIELD_TIMER},
	{"bpf_list_head", FIELD_LIST_HEAD}, {"bpf_list_node", FIELD_LIST_NODE},
	{"bpf_rb_root", FIELD_RB_ROOT},	    {"bpf_rb_node", FIELD_RB_NODE},
	{"bpf_refcount", FIELD_REFCOUNT},
};

struct search {
	struct reader *r;
	struct object_map *m;
};

static int add(struct search *s, enum field_kind kind, uint64_t offset,
	       uint32_t type, uint32_t node)
{
	struct object_map *m = s->m;

	if (m->field_count == MAX_FIELDS)
		return err_set(EFBIG, "map '%s': more than %d special members",
			       m->name, MAX_FIELDS);
	m->fields = arena_push(s->r->keep, m->fields, m->field_count,
			       sizeof(*m->fields));
	m->fields[m->field_count++] = (struct object_field){
		.kind = kind,
		.offset = (uint32_t)offset,
		.type = type,
		.node_offset = node,
	};
	return 0;
}

/* "contains:TYPE:MEMBER", said of a member (index) or a variable (-1). */
static const char *contained(struct reader *r, uint32_t of, int index)
{
	const struct btf *btf = r->o->btf;
	uint32_t n = btf__type_cnt(btf);

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = types_at(btf, id);
		const char *text;

		if (!core_spend(r, 1))
			return NULL;
		if (!t || !btf_is_decl_tag(t) || t->type != of ||
		    *(const int32_t *)(t + 1) != index)
			continue;
		text = types_name(btf, t->name_off);
		if (!strncmp(text, "contains:", 9))
			return text + 9;
	}
	return NULL;
}

static uint32_t named_struct(struct reader *r, const char *name, size_t len)
{
	const struct btf *btf = r->o->btf;
	uint32_t n = btf__type_cnt(btf);

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = types_at(btf, id);
		const char *s;

		if (!core_spend(r, 1))
			return 0;
		if (!t || !btf_is_struct(t))
			continue;
		s = types_name(btf, t->name_off);
		if (!strncmp(s, name, len) && !s[len])
			return id;
	}
	return 0;
}

static int add_collection(struct search *s, enum field_kind kind,
			  uint64_t offset, uint32_t owner, int index)
{
	const struct btf *btf = s->r->o->btf;
	const char *text = contained(s->r, owner, index);
	const char *colon = text ? strchr(text, ':') : NULL;
	uint32_t id =
		colon ? named_struct(s->r, text, (size_t)(colon - text)) : 0;
	const struct btf_type *t = types_at(btf, id);

	for (uint32_t i = 0; id && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (!strcmp(types_name(btf, m->name_off), colon + 1))
			return add(s, kind, offset, id,
				   btf_member_bit_offset(t, i) / 8);
	}
	return err_set(EINVAL,
		       "map '%s', offset %llu: nothing says what the list or "
		       "tree contains; use __contains(type, node)",
		       s->m->name, (unsigned long long)offset);
}

/* What a tag makes of a pointer; what it is already, for other tags. */
static enum field_kind tagged_kind(const char *tag, enum field_kind kind)
{
	if (!strcmp(tag, "kptr") || !strcmp(tag, "percpu_kptr"))
		return FIELD_KPTR;
	return strcmp(tag, "kptr_untrusted") ? kind : FIELD_KPTR_UNTRUSTED;
}

/* A pointer with a tag. */
static int add_pointer(struct search *s, uint64_t offset,
		       const struct btf_type *ptr)
{
	const struct btf *btf = s->r->o->btf;
	uint32_t id = ptr->type;
	const struct btf_type *t = types_at(btf, id);
	const enum field_kind none = FIELD_SPIN_LOCK;
	enum field_kind kind = none;

	for (int i = 0; i < MAX_DEPTH && t && btf_is_mod(t); i++) {
		if (btf_is_type_tag(t))
			kind = tagged_kind(types_name(btf, t->name_off), kind);
		id = t->type;
		t = types_at(btf, id);
	}
	if (kind == none)
		return 0;
	t = types_skip(btf, &id);
	if (!t || (!btf_is_composite(t) && !btf_is_fwd(t)))
		return err_set(EINVAL,
			       "map '%s', offset %llu: a kptr to no struct",
			       s->m->name, (unsigned long long)offset);
	return add(s, kind, offset, id, 0);
}

static int search(struct search *s, uint32_t id, uint64_t offset,
		  uint32_t owner, int index, int depth);

static int search_array(struct search *s, const struct btf_array *a,
			uint64_t offset, uint32_t owner, int index, int depth)
{
	int64_t size = types_size(s->r->o->btf, a->type);
	size_t before = s->m->field_count;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < a->nelems && size > 0; i++) {
		rc = search(s, a->type, offset + (uint64_t)size * i, owner,
			    index, depth + 1);
		/* So it is with all of them, or the value ends. */
		if (s->m->field_count == before ||
		    offset + (uint64_t)size * i >= s->m->value_size)
			break;
	}
	return rc;
}

static int search_struct(struct search *s, uint32_t id, uint64_t offset,
			 uint32_t owner, int index, int depth)
{
	const struct btf *btf = s->r->o->btf;
	const struct btf_type *t = types_at(btf, id);
	const char *name = types_name(btf, t->name_off);
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		enum field_kind kind = special[i].kind;

		if (strcmp(name, special[i].name))
			continue;
		if (kind == FIELD_LIST_HEAD || kind == FIELD_RB_ROOT)
			return add_collection(s, kind, offset, owner, index);
		return add(s, kind, offset, 0, 0);
	}
	for (uint32_t i = 0; !rc && i < btf_vlen(t); i++)
		rc = search(s, btf_members(t)[i].type,
			    offset + btf_member_bit_offset(t, i) / 8, id,
			    (int)i, depth + 1);
	return rc;
}

/* owner, index: the member it is, or the variable and -1. */
static int search(struct search *s, uint32_t id, uint64_t offset,
		  uint32_t owner, int index, int depth)
{
	const struct btf *btf = s->r->o->btf;
	const struct btf_type *t = types_skip(btf, &id);

	if (!core_spend(s->r, 1))
		return -EINVAL;
	if (!t || depth > MAX_DEPTH || offset >= s->m->value_size)
		return 0;
	if (btf_is_ptr(t))
		return add_pointer(s, offset, t);
	if (btf_is_array(t))
		return search_array(s, btf_array(t), offset, owner, index,
				    depth);
	if (btf_is_struct(t) || btf_is_union(t))
		return search_struct(s, id, offset, owner, index, depth);
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct object_field *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int field_find(struct reader *r, struct object_map *m, uint32_t type)
{
	const struct btf_type *t = types_at(r->o->btf, type), *var;
	struct search s = {r, m};
	int rc = 0;

	if (!t || !btf_is_datasec(t))
		rc = search(&s, type, 0, 0, 0, 0);
	for (uint32_t i = 0; t && btf_is_datasec(t) && !rc && i < btf_vlen(t);
	     i++) {
		const struct btf_var_secinfo *row = &btf_var_secinfos(t)[i];

		var = types_at(r->o->btf, row->type);
		if (var && btf_is_var(var))
			rc = search(&s, var->type, row->offset, row->type, -1,
				    0);
	}
	if (!rc && m->field_count)
		qsort(m->fields, m->field_count, sizeof(*m->fields), by_offset);
	return rc;
}

int object_fields(const struct object *o, uint32_t type,
		  struct object_field **fields, size_t *count)
{
	const struct btf_type *t = types_at(o->btf, type);
	struct arena keep = {0};
	struct reader r = {
		.o = (struct object *)o, /* only read */
		.keep = &keep,
		.budget = FIELDS_BUDGET,
	};
	struct object_map m = {.name = "(object)"};
	int rc;

	*fields = NULL;
	*count = 0;
	if (!t || !btf_is_struct(t))
		return err_set(EINVAL, "type %u is no struct", type);
	m.value_size = t->size;
	rc = field_find(&r, &m, type);
	if (!rc && m.field_count) {
		*fields = mem_zalloc(m.field_count, sizeof(**fields));
		memcpy(*fields, m.fields, m.field_count * sizeof(**fields));
		*count = m.field_count;
	}
	arena_release(&keep);
	return rc;
}
