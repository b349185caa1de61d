/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpfvm/object.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define BUDGET (1u << 24)

static int resolve(struct reader *r, struct object_extern *e, const char *raw)
{
	char *name = arena_text(&r->tmp, raw, types_essential(raw));

	e->index = r->t->resolve(r->t->arg, name, e->is_func);
	if (e->index >= 0 || e->weak)
		return 0;
	return err_set(ENOENT,
		       "the kernel has no %s '%s'; if it is for other "
		       "versions, declare it __weak and test it",
		       e->is_func ? "function" : "variable", name);
}

static int read_extern(struct reader *r, uint32_t type)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *t = types_at(btf, type);
	struct object_extern *e;
	const struct symbol *s;
	const char *name;

	if (!t || (!btf_is_func(t) && !btf_is_var(t)))
		return err_set(EINVAL, "section '.ksyms' holds neither "
				       "functions nor variables");
	name = types_name(btf, t->name_off);
	s = elf_symbol(r, name);
	r->o->externs = arena_push(r->keep, r->o->externs, r->o->extern_count,
				   sizeof(*r->o->externs));
	e = &r->o->externs[r->o->extern_count++];
	*e = (struct object_extern){
		.name = arena_name(r->keep, name),
		.is_func = btf_is_func(t),
		.weak = (s && s->bind == STB_WEAK) || !strcmp(name, TRAP_FUNC),
		.type = type,
	};
	return resolve(r, e, name);
}

static int read_externs(struct reader *r)
{
	uint32_t id = types_section(r->o->btf, ".ksyms");
	const struct btf_type *t = types_at(r->o->btf, id);
	int rc = 0;

	for (uint32_t i = 0; id && t && !rc && i < btf_vlen(t); i++)
		rc = read_extern(r, btf_var_secinfos(t)[i].type);
	return rc;
}

static int read_all(struct reader *r)
{
	static int (*const steps[])(struct reader *) = {
		elf_read,      types_load,   code_read,	       map_read,
		map_initial,   data_read,    data_config,      ops_read,
		ops_relocate,  read_externs, code_relocate,    ext_read,
		core_relocate, code_check,   data_enumerators,
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(steps); i++)
		rc = steps[i](r);
	return rc;
}

int object_open(const void *bytes, size_t len, const struct object_target *t,
		struct object **out)
{
	struct reader r = {.t = t, .len = len, .budget = BUDGET};
	int rc;

	*out = NULL;
	if (len > OBJECT_MAX_BYTES)
		return err_set(EFBIG, "an object of more than %u bytes",
			       OBJECT_MAX_BYTES);
	/* A copy: section headers are read in place, offsets put right. */
	r.bytes = mem_zalloc(len, 1);
	if (len)
		memcpy(r.bytes, bytes, len);
	r.o = mem_zalloc(1, sizeof(*r.o));
	r.keep = mem_zalloc(1, sizeof(*r.keep));
	r.o->arena = r.keep;
	rc = read_all(&r);
	if (rc)
		object_free(r.o);
	else
		*out = r.o;
	arena_release(&r.tmp);
	free(r.bytes);
	return rc;
}

int object_open_file(const char *path, const struct object_target *t,
		     struct object **out)
{
	struct buf b;
	int rc;

	*out = NULL;
	buf_init(&b, OBJECT_MAX_BYTES);
	rc = buf_read_file(&b, path);
	if (!rc) {
		rc = object_open(b.data, b.len, t, out);
		if (rc)
			err_prefix(rc, "'%s'", path);
	}
	buf_release(&b);
	return rc;
}

void object_free(struct object *o)
{
	if (!o)
		return;
	btf__free(o->btf);
	arena_release(o->arena);
	free(o->arena);
	free(o);
}

/* ---- questions --------------------------------------------------------- */

int object_op(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->ops.count; i++)
		if (!strcmp(o->ops.ops[i].name, name))
			return o->ops.ops[i].func;
	return -1;
}

int object_map(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->map_count; i++)
		if (!strcmp(o->maps[i].name, name))
			return (int)i;
	return -1;
}

int object_func_of(const struct object *o, uint32_t insn)
{
	size_t lo = 0, hi = o->func_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->funcs[mid].first <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && insn - o->funcs[lo - 1].first < o->funcs[lo - 1].count
		       ? (int)lo - 1
		       : -1;
}

const struct object_line *object_line(const struct object *o, uint32_t insn)
{
	size_t lo = 0, hi = o->line_count;
	int f = object_func_of(o, insn);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->lines[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* A line of the function before says nothing of this one. */
	return f >= 0 && lo && o->lines[lo - 1].insn >= o->funcs[f].first
		       ? &o->lines[lo - 1]
		       : NULL;
}

static const struct btf_var_secinfo *variable_in(const struct object *o,
						 const struct object_map *m,
						 const char *name)
{
	const struct btf_type *t = types_at(o->btf, m->value_type);

	if (!m->data || !m->value_type || !t || !btf_is_datasec(t))
		return NULL;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *row = &btf_var_secinfos(t)[i];
		const struct btf_type *var = types_at(o->btf, row->type);

		if (var && btf_is_var(var) &&
		    !strcmp(types_name(o->btf, var->name_off), name) &&
		    row->offset <= m->value_size &&
		    row->size <= m->value_size - row->offset)
			return row;
	}
	return NULL;
}

int object_variable(struct object *o, const char *name, void **at, size_t *size,
		    int *map)
{
	for (size_t i = 0; i < o->map_count; i++) {
		const struct btf_var_secinfo *row =
			variable_in(o, &o->maps[i], name);

		if (!row)
			continue;
		*at = o->maps[i].data + row->offset;
		*size = row->size;
		*map = (int)i;
		return 0;
	}
	return err_set(ENOENT, "the object has no variable '%s'", name);
}
