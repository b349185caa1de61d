/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF.  The whole section is walked before libbpf reads it, so that it meets
 * no offset, size or type that is not there.  References may still go round in
 * circles: every walk has an end of its own.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define MAX_CHAIN 32

/*
 * The compiler leaves a section's size, and where its global variables stand,
 * to whoever reads it: they are in the ELF part.
 */
static void place_variables(struct reader *r, const struct types_raw *b,
			    const uint32_t *at, unsigned char *p)
{
	struct btf_type t, v;
	uint32_t section;

	memcpy(&t, p, sizeof(t));
	section = elf_section(r, b->strings + t.name_off);
	if (!section)
		return;
	t.size = (uint32_t)r->sections[section].size;
	memcpy(p, &t, sizeof(t));
	p += sizeof(t);
	for (uint32_t i = 0; i < btf_vlen(&t); i++, p += 12) {
		struct btf_var_secinfo row;
		const struct symbol *s;
		uint32_t linkage;

		memcpy(&row, p, sizeof(row));
		memcpy(&v, b->types + at[row.type], sizeof(v));
		if (!row.type || btf_kind(&v) != BTF_KIND_VAR)
			continue;
		memcpy(&linkage, b->types + at[row.type] + sizeof(v), 4);
		s = linkage == BTF_VAR_STATIC
			    ? NULL
			    : elf_symbol(r, b->strings + v.name_off);
		if (!s || s->section != section)
			continue;
		row.offset = (uint32_t)s->value;
		memcpy(p, &row, sizeof(row));
	}
}

static bool is_proto(const struct types_raw *b, const uint32_t *at, uint32_t id)
{
	struct btf_type t;

	if (!id)
		return false;
	memcpy(&t, b->types + at[id], sizeof(t));
	return btf_is_func_proto(&t);
}

static int check_types(struct reader *r, struct types_raw *b)
{
	uint32_t *at = arena_alloc(&r->tmp, b->count, sizeof(*at)), id = 1;
	struct btf_type t;
	int rc = 0;

	for (size_t i = 0; !rc && i < b->h.type_len; id++) {
		memcpy(&t, b->types + i, sizeof(t));
		rc = types_raw_check(b, i, &t);
		at[id] = (uint32_t)i;
		i += sizeof(t) + (size_t)types_raw_extra(&t);
	}
	for (id = 1; !rc && id < b->count; id++) {
		memcpy(&t, b->types + at[id], sizeof(t));
		if (btf_kind(&t) == BTF_KIND_DATASEC) {
			if (!core_spend(r, (uint32_t)r->section_count))
				return -EINVAL;
			place_variables(r, b, at, b->types + at[id]);
		}
		if (btf_kind(&t) == BTF_KIND_FUNC && !is_proto(b, at, t.type))
			rc = types_raw_bad(at[id],
					   "a function without a prototype");
	}
	return rc;
}

int types_load(struct reader *r)
{
	uint32_t section = elf_section(r, ".BTF");
	const struct section *s = &r->sections[section];
	struct types_raw b;
	int rc;

	if (!section)
		return err_set(EINVAL, "no section '.BTF'; compile with -g");
	rc = types_raw_open(s, &b);
	if (rc || (rc = types_raw_count(&b)) || (rc = check_types(r, &b)))
		return rc;
	r->o->btf = btf__new(s->data, (uint32_t)s->size);
	if (!r->o->btf)
		return err_set(EINVAL, "section '.BTF' cannot be read: %s",
			       strerror(errno));
	return 0;
}

const struct btf_type *types_at(const struct btf *btf, uint32_t id)
{
	return id < btf__type_cnt(btf) ? btf__type_by_id(btf, id) : NULL;
}

const char *types_name(const struct btf *btf, uint32_t offset)
{
	const char *s = btf__name_by_offset(btf, offset);

	return s ? s : "";
}

const struct btf_type *types_skip(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = types_at(btf, *id);

	for (int i = 0; t && (btf_is_mod(t) || btf_is_typedef(t)); i++) {
		if (i == MAX_CHAIN)
			return NULL;
		*id = t->type;
		t = types_at(btf, *id);
	}
	return t;
}

int64_t types_size(const struct btf *btf, uint32_t id)
{
	uint64_t n = 1;

	for (int i = 0; i < MAX_CHAIN; i++) {
		const struct btf_type *t = types_skip(btf, &id);

		if (!t)
			return -EINVAL;
		switch (btf_kind(t)) {
		case BTF_KIND_PTR:
			n *= 8;
			break;
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			n *= t->size;
			break;
		case BTF_KIND_VAR:
			id = t->type;
			continue;
		case BTF_KIND_ARRAY:
			n *= btf_array(t)->nelems;
			if (n > UINT32_MAX)
				return -EINVAL;
			id = btf_array(t)->type;
			continue;
		default:
			return -EINVAL;
		}
		return n > UINT32_MAX ? -EINVAL : (int64_t)n;
	}
	return -EINVAL;
}

size_t types_essential(const char *name)
{
	size_t n = strlen(name);

	/* "a___b": the last three underscores between two other characters. */
	for (size_t i = n; i-- > 4;)
		if (name[i - 4] != '_' && name[i - 3] == '_' &&
		    name[i - 2] == '_' && name[i - 1] == '_' && name[i] != '_')
			return i - 3;
	return n;
}

uint32_t types_section(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC);

	return id > 0 ? (uint32_t)id : 0;
}

uint64_t types_enumerator(const struct btf_type *t, uint32_t i)
{
	if (btf_is_enum64(t))
		return btf_enum64_value(btf_enum64(t) + i);
	return btf_kflag(t) ? (uint64_t)(int64_t)btf_enum(t)[i].val
			    : (uint32_t)btf_enum(t)[i].val;
}

uint32_t types_enumerator_name(const struct btf_type *t, uint32_t i)
{
	return btf_is_enum64(t) ? btf_enum64(t)[i].name_off
				: btf_enum(t)[i].name_off;
}

bool types_signed(const struct btf_type *t)
{
	if (btf_is_any_enum(t))
		return btf_kflag(t);
	return btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED);
}
