/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of a .BTF section or a kernel, as bytes, before anybody else sees
 * them: that they meet no offset, size or type that is not there.
 */
#include "bpfvm/types.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "bpfvm/object_read.h"

int types_raw_bad(size_t at, const char *what)
{
	return err_set(EINVAL, "section '.BTF', type at byte %zu: %s", at,
		       what);
}

int types_raw_open(const struct section *s, struct types_raw *b)
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
int64_t types_raw_extra(const struct btf_type *t)
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

int types_raw_count(struct types_raw *b)
{
	struct btf_type t;
	size_t at = 0;

	b->count = 1;
	while (at < b->h.type_len) {
		int64_t n;

		if (b->h.type_len - at < sizeof(t))
			return types_raw_bad(at, "is cut off");
		memcpy(&t, b->types + at, sizeof(t));
		n = types_raw_extra(&t);
		if (n < 0)
			return types_raw_bad(
				at, "is of a kind that is unknown here");
		at += sizeof(t);
		if ((uint64_t)n > b->h.type_len - at)
			return types_raw_bad(at, "is cut off");
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

int types_raw_check(const struct types_raw *b, size_t at,
		    const struct btf_type *t)
{
	struct rows rows = rows_of(btf_kind(t));
	const unsigned char *p = b->types + at + sizeof(*t);
	uint32_t w[3] = {0};

	if (t->name_off >= b->h.str_len)
		return types_raw_bad(at, "its name is outside the strings");
	if (refers(btf_kind(t)) && t->type >= b->count)
		return types_raw_bad(at, "refers to a type that is not there");
	if (btf_kind(t) == BTF_KIND_ARRAY) {
		memcpy(w, p, 12);
		if (w[0] >= b->count || w[1] >= b->count)
			return types_raw_bad(
				at, "refers to a type that is not there");
	}
	for (uint32_t i = 0; rows.words && i < btf_vlen(t); i++) {
		size_t n = (size_t)rows.words * 4;

		memcpy(w, p + i * n, n);
		if (rows.name >= 0 && w[rows.name] >= b->h.str_len)
			return types_raw_bad(at,
					     "a name is outside the strings");
		if (rows.type >= 0 && w[rows.type] >= b->count)
			return types_raw_bad(
				at, "refers to a type that is not there");
	}
	return 0;
}

int types_each(const void *btf, size_t size,
	       void (*fn)(void *arg, uint32_t kind, const char *name,
			  const char *member),
	       void *arg)
{
	struct section s = {.size = size, .data = (unsigned char *)btf};
	struct btf_type t;
	struct types_raw b;
	int rc = types_raw_open(&s, &b);

	rc = rc ? rc : types_raw_count(&b);
	for (size_t i = 0; !rc && i < b.h.type_len;) {
		const unsigned char *row = b.types + i + sizeof(t);

		memcpy(&t, b.types + i, sizeof(t));
		rc = types_raw_check(&b, i, &t);
		if (rc)
			break;
		fn(arg, btf_kind(&t), b.strings + t.name_off, NULL);
		for (uint32_t m = 0; btf_is_struct(&t) && m < btf_vlen(&t);
		     m++, row += sizeof(struct btf_member)) {
			uint32_t name;

			memcpy(&name, row, sizeof(name));
			fn(arg, BTF_KIND_STRUCT, b.strings + t.name_off,
			   b.strings + name);
		}
		i += sizeof(t) + (size_t)types_raw_extra(&t);
	}
	return rc;
}
