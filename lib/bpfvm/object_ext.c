/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .BTF.ext: what the compiler says of single instructions. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define MAX_TEXT 400

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t len;
	uint32_t part[3][2]; /* by enum ext_kind: offset after this, length */
};

static const char *const part_names[] = {"functions", "lines", "CO-RE"};
static const uint32_t row_sizes[] = {8, 16, 16};

static int bad(enum ext_kind kind, size_t at, const char *what)
{
	return err_set(EINVAL, "section '.BTF.ext', %s, offset %zu: %s",
		       part_names[kind], at, what);
}

static uint32_t code_section(const struct reader *r, const char *name)
{
	for (size_t i = 1; i < r->section_count; i++)
		if (r->sections[i].code && !strcmp(r->sections[i].name, name))
			return (uint32_t)i;
	return 0;
}

/* Where a kind's rows are: *p and *len; len 0: there are none. */
static int find_part(struct reader *r, enum ext_kind kind,
		     const unsigned char **p, size_t *len)
{
	uint32_t section = elf_section(r, ".BTF.ext");
	const struct section *s = &r->sections[section];
	struct ext_header h = {0};
	uint64_t end;

	*len = 0;
	if (!section)
		return 0;
	if (s->size < 24 || !s->data)
		return bad(kind, 0, "is too short");
	memcpy(&h, s->data, 24);
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.len < 24 ||
	    h.len > s->size)
		return bad(kind, 0, "has an unknown header");
	memcpy(&h, s->data, h.len < sizeof(h) ? h.len : sizeof(h));
	end = (uint64_t)h.len + h.part[kind][0] + h.part[kind][1];
	if (end > s->size)
		return bad(kind, h.part[kind][0], "is not all there");
	*p = s->data + h.len + h.part[kind][0];
	*len = h.part[kind][1];
	return 0;
}

int ext_each(struct reader *r, enum ext_kind kind, ext_fn fn)
{
	const unsigned char *p = NULL;
	uint32_t row, head[2], word[4];
	size_t len, at = 4;
	int rc = find_part(r, kind, &p, &len);

	if (rc || !len)
		return rc;
	if (len < 4)
		return bad(kind, 0, "is cut off");
	memcpy(&row, p, 4);
	if (row < row_sizes[kind] || row > 4096 || row % 4)
		return bad(kind, 0, "rows of a strange size");
	while (at < len) {
		uint32_t section;

		if (len - at < sizeof(head))
			return bad(kind, at, "is cut off");
		memcpy(head, p + at, sizeof(head));
		at += sizeof(head);
		if (!core_spend(r, (uint32_t)r->section_count))
			return -EINVAL;
		if (head[1] > (len - at) / row)
			return bad(kind, at, "is cut off");
		section = code_section(r, types_name(r->o->btf, head[0]));
		for (uint32_t i = 0; i < head[1]; i++, at += row) {
			memcpy(word, p + at, row_sizes[kind]);
			/* The linker keeps rows of code that it dropped. */
			if (!section || code_insn_at(r, section, word[0]) < 0)
				continue;
			if (word[0] % 8)
				return bad(kind, at, "inside an instruction");
			rc = fn(r, section, word);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int read_func(struct reader *r, uint32_t section, const uint32_t word[4])
{
	const struct btf_type *t = types_at(r->o->btf, word[1]);
	int f = code_func_at(r, section, word[0]);

	if (!t || !btf_is_func(t))
		return err_set(EINVAL,
			       "section '%s', offset %u: its type %u is not "
			       "a function",
			       r->sections[section].name, word[0], word[1]);
	if (f >= 0)
		r->o->funcs[f].type = word[1];
	return 0;
}

static int read_line(struct reader *r, uint32_t section, const uint32_t word[4])
{
	const char *text = types_name(r->o->btf, word[2]);
	struct object *o = r->o;
	size_t n;

	/* Line 0: it comes from nowhere or from everywhere. */
	if (!(word[3] >> 10))
		return 0;
	if (!r->file || r->file_offset != word[1]) {
		const char *file = types_name(o->btf, word[1]);

		r->file = arena_name(r->keep, file);
		r->file_offset = word[1];
	}
	while (isspace((unsigned char)*text))
		text++;
	for (n = strlen(text); n && isspace((unsigned char)text[n - 1]);)
		n--;
	n = n < MAX_TEXT ? n : MAX_TEXT;
	r->text_bytes += n;
	if (r->text_bytes > OBJECT_MAX_BYTES)
		return err_set(EFBIG, "more than %u bytes of source lines",
			       OBJECT_MAX_BYTES);
	o->lines =
		arena_push(r->keep, o->lines, o->line_count, sizeof(*o->lines));
	o->lines[o->line_count++] = (struct object_line){
		.insn = (uint32_t)code_insn_at(r, section, word[0]),
		.line = word[3] >> 10,
		.column = word[3] & 1023,
		.file = r->file,
		.text = arena_text(r->keep, text, n),
	};
	return 0;
}

static int by_insn(const void *a, const void *b)
{
	const struct object_line *x = a, *y = b;

	if (x->insn != y->insn)
		return x->insn < y->insn ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

int ext_read(struct reader *r)
{
	struct object *o = r->o;
	size_t n = 0;
	int rc = ext_each(r, EXT_FUNC, read_func);

	if (rc || (rc = ext_each(r, EXT_LINE, read_line)))
		return rc;
	if (!o->line_count)
		return 0;
	qsort(o->lines, o->line_count, sizeof(*o->lines), by_insn);
	for (size_t i = 1; i < o->line_count; i++)
		if (o->lines[i].insn != o->lines[n].insn)
			o->lines[++n] = o->lines[i];
	o->line_count = n + 1;
	return 0;
}
