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

struct raw {
	struct btf_header h;
	unsigned char *types;
	const char *strings;
	uint32_t count; /* of types, void included */
};

static int bad(size_t at, const char *what)
{
	return err_set(EINVAL, "section '.BTF', type at byte %zu: %s", at,
		       what);
}

static int check_header(const struct section *s, struct raw *b)
{
	uint64_t room;

	if (s->size < sizeof(b->h) || !s->data)
		return err_set(EINVAL, "section '.BTF' is too short");
	memcpy(&b->h, s->data, sizeof(b->h));
	if (b->h.magic != BTF_MAGIC || b->h.version != BTF_VERSION ||
	    b->h.hdr_len < sizeof(b->h) || b->h.hdr_len % 4 ||
	    b->h.hdr_len > s->size)
		return err_set(EINVAL, "section '.BTF' has an unknown header");
	room = s->size - b->h.hdr_len;
	if (b->h.type_off % 4 ||
	    (uint64_t)b->h.type_off + b->h.type_len > b->h.str_off ||
	    (uint64_t)b->h.str_off + b->h.str_len > room)
		return err_set(EINVAL, "section '.BTF' is not all there");
	b->types = s->data + b->h.hdr_len + b->h.type_off;
	b->strings = (const char *)s->data + b->h.hdr_len + b->h.str_off;
	if (!b->h.str_len || b->h.str_len > INT32_MAX || b->strings[0] ||
	    b->strings[b->h.str_len - 1])
		return err_set(EINVAL, "section '.BTF': its strings do not "
				       "begin or end as they should");
	return 0;
}

/* Bytes after struct btf_type; negative: not a kind we know. */
static int64_t extra(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return 12;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * (int64_t)btf_vlen(t);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * (int64_t)btf_vlen(t);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

static int count_types(struct raw *b)
{
	struct btf_type t;
	size_t at = 0;

	b->count = 1;
	while (at < b->h.type_len) {
		int64_t n;

		if (b->h.type_len - at < sizeof(t))
			return bad(at, "is cut off");
		memcpy(&t, b->types + at, sizeof(t));
		n = extra(&t);
		if (n < 0)
			return bad(at, "is of a kind that is unknown here");
		at += sizeof(t);
		if ((uint64_t)n > b->h.type_len - at)
			return bad(at, "is cut off");
		at += (size_t)n;
		b->count++;
	}
	return 0;
}

/* How a kind's rows are laid out: words in each, which one is a name, which
 * one is a type (-1: none). */
struct rows {
	int words, name, type;
};

static struct rows rows_of(uint32_t kind)
{
	switch (kind) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (struct rows){3, 0, 1};
	case BTF_KIND_DATASEC:
		return (struct rows){3, -1, 0};
	case BTF_KIND_ENUM64:
		return (struct rows){3, 0, -1};
	case BTF_KIND_ENUM:
		return (struct rows){2, 0, -1};
	case BTF_KIND_FUNC_PROTO:
		return (struct rows){2, 0, 1};
	default:
		return (struct rows){0, -1, -1};
	}
}

static bool refers(uint32_t kind)
{
	return kind == BTF_KIND_PTR || kind == BTF_KIND_TYPEDEF ||
	       kind == BTF_KIND_VOLATILE || kind == BTF_KIND_CONST ||
	       kind == BTF_KIND_RESTRICT || kind == BTF_KIND_FUNC ||
	       kind == BTF_KIND_TYPE_TAG || kind == BTF_KIND_VAR ||
	       kind == BTF_KIND_DECL_TAG || kind == BTF_KIND_FUNC_PROTO;
}

static int check_type(const struct raw *b, size_t at, const struct btf_type *t)
{
	struct rows rows = rows_of(btf_kind(t));
	const unsigned char *p = b->types + at + sizeof(*t);
	uint32_t w[3] = {0};

	if (t->name_off >= b->h.str_len)
		return bad(at, "its name is outside the strings");
	if (refers(btf_kind(t)) && t->type >= b->count)
		return bad(at, "refers to a type that is not there");
	if (btf_kind(t) == BTF_KIND_ARRAY) {
		memcpy(w, p, 12);
		if (w[0] >= b->count || w[1] >= b->count)
			return bad(at, "refers to a type that is not there");
	}
	for (uint32_t i = 0; rows.words && i < btf_vlen(t); i++) {
		size_t n = (size_t)rows.words * 4;

		memcpy(w, p + i * n, n);
		if (rows.name >= 0 && w[rows.name] >= b->h.str_len)
			return bad(at, "a name is outside the strings");
		if (rows.type >= 0 && w[rows.type] >= b->count)
			return bad(at, "refers to a type that is not there");
	}
	return 0;
}

/*
 * The compiler leaves a section's size, and where its global variables stand,
 * to whoever reads it: they are in the ELF part.
 */
static void place_variables(struct reader *r, const struct raw *b,
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

static bool is_proto(const struct raw *b, const uint32_t *at, uint32_t id)
{
	struct btf_type t;

	if (!id)
		return false;
	memcpy(&t, b->types + at[id], sizeof(t));
	return btf_is_func_proto(&t);
}

static int check_types(struct reader *r, struct raw *b)
{
	uint32_t *at = arena_alloc(&r->tmp, b->count, sizeof(*at)), id = 1;
	struct btf_type t;
	int rc = 0;

	for (size_t i = 0; !rc && i < b->h.type_len; id++) {
		memcpy(&t, b->types + i, sizeof(t));
		rc = check_type(b, i, &t);
		at[id] = (uint32_t)i;
		i += sizeof(t) + (size_t)extra(&t);
	}
	for (id = 1; !rc && id < b->count; id++) {
		memcpy(&t, b->types + at[id], sizeof(t));
		if (btf_kind(&t) == BTF_KIND_DATASEC) {
			if (!core_spend(r, (uint32_t)r->section_count))
				return -EINVAL;
			place_variables(r, b, at, b->types + at[id]);
		}
		if (btf_kind(&t) == BTF_KIND_FUNC && !is_proto(b, at, t.type))
			rc = bad(at[id], "a function without a prototype");
	}
	return rc;
}

int types_load(struct reader *r)
{
	uint32_t section = elf_section(r, ".BTF");
	const struct section *s = &r->sections[section];
	struct raw b;
	int rc;

	if (!section)
		return err_set(EINVAL, "no section '.BTF'; compile with -g");
	rc = check_header(s, &b);
	if (rc || (rc = count_types(&b)) || (rc = check_types(r, &b)))
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
