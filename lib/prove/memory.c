/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads and stores: is the pointer good, and what is there? */
#include <stddef.h>
#include <string.h>

#include "prove/analysis.h"

/* A range this wide is not one that somebody tested or masked. */
#define RANGE_LOST (1ULL << 31)
#define MAX_SCAN   8192 /* elements of a table looked at */

static const char *kind_name(const struct val *p)
{
	switch (p->kind) {
	case VAL_TASK:
		return "task";
	case VAL_MASK:
		return "mask of CPUs";
	case VAL_VALUE:
		return "map value";
	case VAL_MEM:
		return "memory";
	}
	return "pointer";
}

/* For the text: "what bpf_map_lookup_elem() at line 31 gave". */
static const char *maker(const struct analysis *a, const struct val *p)
{
	const struct object_insn *in;

	if (!p->site || p->site > a->o->insn_count)
		return NULL;
	in = &a->o->insns[p->site - 1];
	if (in->what == INSN_CALL_KFUNC)
		return a->o->externs[in->arg].name;
	if (in->what == INSN_CALL_FUNC)
		return a->o->funcs[in->arg].name;
	return in->what == INSN_CALL_HELPER ? "the lookup" : NULL;
}

static void report_null(struct analysis *a, const struct state *s,
			const struct val *p)
{
	const char *who = maker(a, p);

	if (val_is_const(p))
		report(a, s, PROVE_NULL, PROVE_VIOLATED, s->pc,
		       "a pointer that is NULL here is read or written "
		       "through; test it first");
	else if (who)
		report(a, s, PROVE_NULL, PROVE_VIOLATED, s->pc,
		       "this %s may be NULL: %s at line %u may find nothing; "
		       "test it first",
		       kind_name(p), who, line_of(a, p->site - 1));
	else
		report(a, s, PROVE_NULL, PROVE_VIOLATED, s->pc,
		       "this %s may be NULL; test it first", kind_name(p));
}

static void report_outside(struct analysis *a, const struct state *s,
			   const char *what, int64_t from, int64_t to,
			   uint64_t size, uint64_t len)
{
	report(a, s, PROVE_MEMORY, PROVE_VIOLATED, s->pc,
	       "%s: bytes %lld to %lld of %llu; check the index before, or "
	       "mask it",
	       what, (long long)from, (long long)to + (long long)size - 1,
	       (unsigned long long)len);
}

/* [low, high) are the offsets that exist. */
static bool in_bounds(struct analysis *a, const struct state *s,
		      const struct val *p, int64_t off, uint64_t size,
		      int64_t low, int64_t high, const char *what)
{
	int64_t from, to;

	if (p->flags & VAL_WILD) {
		report_open(a, PROVE_MEMORY);
		return true;
	}
	if (__builtin_add_overflow(p->off, off, &off) ||
	    __builtin_add_overflow(off, p->n.smin, &from) ||
	    __builtin_add_overflow(off, p->n.smax, &to) ||
	    (uint64_t)to - (uint64_t)from >= RANGE_LOST || size > INT32_MAX) {
		report_open(a, PROVE_MEMORY);
		return true;
	}
	if (from >= low && to + (int64_t)size <= high)
		return true;
	report_outside(a, s, what, from - low, to - low, size,
		       (uint64_t)(high - low));
	return false;
}

bool memory_check(struct analysis *a, struct state *s, const struct val *p,
		  int64_t off, uint64_t size, bool write)
{
	const struct object_map *m;

	if (p->flags & VAL_NULLABLE && p->kind != VAL_SYMBOL &&
	    !(p->flags & VAL_UNTRUSTED)) {
		report_null(a, s, p);
		branch_null(a, s, p, false);
	}
	switch (p->kind) {
	case VAL_NUM:
		if (val_is_const(p) && p->n.umin < 4096)
			report_null(a, s, p);
		else
			report_open(a, PROVE_MEMORY);
		return false;
	case VAL_STACK:
		return in_bounds(a, s, p, off, size, -STACK_BYTES, 0,
				 "outside the stack");
	case VAL_VALUE:
		m = &a->o->maps[p->which];
		if (write && m->frozen) {
			report(a, s, PROVE_MEMORY, PROVE_VIOLATED, s->pc,
			       "%s is constant data; keep what changes in a "
			       "variable without const",
			       m->name);
			return false;
		}
		return in_bounds(a, s, p, off, size, 0, m->value_size,
				 "outside the map's value");
	case VAL_MEM:
		if (!p->size)
			break;
		return in_bounds(a, s, p, off, size, 0, p->size,
				 "outside the memory");
	case VAL_CTX:
		return in_bounds(a, s, p, off, size, 0, 12 * 8,
				 "outside the context");
	}
	return true;
}

/* ---- loads --------------------------------------------------------------- */

static struct val arg_value(struct analysis *a, struct state *s, char c)
{
	struct val v = {.kind = VAL_NUM, .n = num_any(8)};

	(void)s;
	v.id = new_id(a);
	switch (c) {
	case 'p': /* the task that all is about: one for each root */
		v = (struct val){.kind = VAL_TASK,
				 .flags = VAL_OF_P | VAL_IS_P,
				 .id = 1,
				 .n = num_const(0)};
		break;
	case 't':
	case 'T':
		v.kind = VAL_TASK;
		v.flags = c == 'T' ? VAL_NULLABLE : 0;
		v.n = num_const(0);
		break;
	case 'c': /* a CPU */
	case 'v': /* … that it ran on before */
		v.n = num_range(0, MAX_CPU);
		v.sym = (struct sym){.sort = SORT_CPU, .id = v.id};
		v.flags = c == 'v' ? VAL_DOUBTED : 0;
		break;
	case 'm':
		v.kind = VAL_MASK;
		v.n = num_const(0);
		break;
	case 'k':
		v.kind = VAL_OBJECT;
		v.n = num_const(0);
		break;
	case 's':
		break;
	default:
		v.kind = VAL_ANY;
	}
	return v;
}

static struct val load_ctx(struct analysis *a, struct state *s,
			   const struct val *p, int64_t off, unsigned size)
{
	const char *args = a->root->args;
	int64_t at = p->off + off;
	struct val v;

	if (!a->root->by_ctx || at < 0 || at % 8 ||
	    (size_t)at / 8 >= strlen(args) || !num_is_const(&p->n))
		return (struct val){.kind = VAL_ANY};
	v = arg_value(a, s, args[at / 8]);
	if (size < 8 && v.kind == VAL_NUM)
		v.n = num_trunc(&v.n, size);
	return v;
}

/* Constant data: what all elements that the index may name have in common. */
static bool load_frozen(const struct object_map *m, const struct val *p,
			int64_t off, unsigned size, struct num *out)
{
	uint64_t step = num_is_const(&p->n) ? 1 : p->n.mask & -p->n.mask;
	int64_t from, to;
	bool first = true;

	if (p->flags & VAL_WILD || p->n.smin < 0 || p->n.smax > INT32_MAX)
		return false;
	from = p->off + off + p->n.smin;
	to = p->off + off + p->n.smax;
	if (from < 0 || to + size > m->value_size || !step ||
	    (uint64_t)(to - from) / step > MAX_SCAN)
		return false;
	for (int64_t at = from; at <= to; at += (int64_t)step) {
		uint64_t v = 0;
		struct num one;

		memcpy(&v, m->data + at, size);
		one = num_const(v);
		*out = first ? one : num_hull(out, &one);
		first = false;
	}
	return !first;
}

/* Set by the loader after this analysis: not known. */
static bool set_later(const struct analysis *a, int map, int64_t off)
{
	for (size_t i = 0; i < a->later_count; i++)
		if (a->later[i].map == map && off >= a->later[i].from &&
		    off < a->later[i].to)
			return true;
	return false;
}

static const struct object_field *field_at(const struct object_map *m,
					   int64_t off)
{
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].offset == off)
			return &m->fields[i];
	return NULL;
}

static struct val load_value(struct analysis *a, const struct state *s,
			     const struct val *p, int64_t off, unsigned size)
{
	const struct object_map *m = &a->o->maps[p->which];
	const struct object_field *f;
	struct val v = val_num(num_any(size));
	int64_t at = p->off + off;

	if (m->frozen && m->data && !set_later(a, p->which, at) &&
	    load_frozen(m, p, off, size, &v.n)) {
		if (num_is_const(&v.n))
			return v;
	} else if (size == 8 && (f = field_at(m, at)) &&
		   f->kind == FIELD_KPTR) {
		return (struct val){.kind = VAL_ANY,
				    .flags = VAL_NULLABLE | VAL_UNTRUSTED,
				    .id = new_id(a),
				    .site = s->pc + 1};
	}
	v.id = new_id(a);
	if (at >= 0 && at < UINT16_MAX && p->which < 4096) {
		v.sym = (struct sym){.sort = SORT_LOAD,
				     .which = p->which,
				     .at = (uint32_t)at,
				     .id = v.id};
		if (!m->frozen)
			v.origin = ORIGIN_LOAD(p->which, at);
	}
	return v;
}

static struct val load_task(struct analysis *a, const struct val *p,
			    int64_t off, unsigned size)
{
	const struct layout *l = &a->layout;
	struct val v = val_num(num_any(size));
	int64_t at = p->off + off;

	v.id = new_id(a);
	if (p->flags & VAL_WILD || !num_is_const(&p->n) || at < 0 || !l->known)
		return size == 8 ? (struct val){.kind = VAL_ANY, .id = v.id}
				 : v;
	v.origin = ORIGIN_FIELD(at & 0xffffff);
	v.sym = (struct sym){
		.sort = SORT_FIELD, .at = (uint32_t)at, .id = v.id};
	if (at == l->cpus_ptr) {
		v = (struct val){.kind = VAL_MASK,
				 .flags = VAL_OF_P,
				 .id = p->id,
				 .n = num_const(0)};
	} else if (at == l->real_parent || at == l->group_leader) {
		v = (struct val){
			.kind = VAL_TASK, .id = v.id, .n = num_const(0)};
	} else if (at == l->weight) {
		v.n = num_range(1, 10000);
	} else if (at == l->pid || at == l->tgid) {
		v.flags = p->flags & VAL_IS_P ? VAL_OF_P : 0;
	} else if (size == 8 && at != l->slice && at != l->dsq_vtime) {
		v.kind = VAL_ANY; /* a number or a pointer */
		v.sym = (struct sym){0};
		v.origin = 0;
	}
	return v;
}

struct val memory_load(struct analysis *a, struct state *s, const struct val *p,
		       int64_t off, unsigned size)
{
	struct val unknown = val_num(num_any(size));

	if (size == 8)
		unknown.kind = VAL_ANY;
	unknown.id = new_id(a);
	if (!memory_check(a, s, p, off, size, false))
		return unknown;
	switch (p->kind) {
	case VAL_STACK:
		if (p->which < s->frames && num_is_const(&p->n) &&
		    !(p->flags & VAL_WILD))
			return stack_read(s->f[p->which],
					  p->off + off + (int64_t)p->n.umin,
					  size);
		return unknown;
	case VAL_CTX:
		return load_ctx(a, s, p, off, size);
	case VAL_VALUE:
		return load_value(a, s, p, off, size);
	case VAL_TASK:
		return load_task(a, p, off, size);
	case VAL_COUNT:
		unknown = val_num(num_trunc(&p->n, size));
		unknown.id = p->id;
		unknown.sym = (struct sym){.sort = SORT_COUNT, .id = p->id};
		return unknown;
	}
	return unknown;
}

/* ---- stores -------------------------------------------------------------- */

static void store_task(struct analysis *a, struct state *s, const struct val *p,
		       int64_t at, const struct val *v)
{
	if (at == a->layout.slice)
		action_slice(a, s, v, true);
	else if (at == a->layout.dsq_vtime)
		origins_add(&a->stores, ORIGIN_FIELD(at), v->origin, s->pc);
	(void)p;
}

void memory_store(struct analysis *a, struct state *s, const struct val *p,
		  int64_t off, unsigned size, const struct val *v)
{
	int64_t at = p->off + off;

	if (!memory_check(a, s, p, off, size, true))
		return;
	switch (p->kind) {
	case VAL_STACK:
		if (p->which >= s->frames)
			return;
		if (num_is_const(&p->n) && !(p->flags & VAL_WILD)) {
			struct val copy = *v;

			at += (int64_t)p->n.umin;
			if (size < 8 && copy.kind == VAL_NUM &&
			    copy.n.umax >> (8 * size)) {
				copy = val_num(num_trunc(&v->n, size));
				copy.flags = v->flags & VAL_OF_P;
			} else if (size < 8 && copy.kind != VAL_NUM) {
				copy = val_num(num_any(size));
			}
			stack_write(state_own(s, p->which), at, size, copy);
		} else {
			stack_clobber(state_own(s, p->which), -STACK_BYTES, 0);
		}
		return;
	case VAL_VALUE:
		if (at >= 0 && at < UINT16_MAX && p->which < 4096)
			origins_add(&a->stores, ORIGIN_LOAD(p->which, at),
				    v->origin, s->pc);
		/* fall through */
	case VAL_MEM:
	case VAL_ANY:
	case VAL_OBJECT:
		if (v->flags & VAL_OF_P && s->frames)
			s->facts.flags |= PATH_P_WRITTEN | PATH_MAYBE_KEPT;
		return;
	case VAL_TASK:
		if (num_is_const(&p->n) && !(p->flags & VAL_WILD))
			store_task(a, s, p, at, v);
		return;
	}
}

void memory_clobber(struct state *s, const struct val *p, uint64_t size)
{
	if (p->kind != VAL_STACK || p->which >= s->frames)
		return;
	if (num_is_const(&p->n) && !(p->flags & VAL_WILD))
		stack_clobber(state_own(s, p->which),
			      p->off + (int64_t)p->n.umin, size);
	else
		stack_clobber(state_own(s, p->which), -STACK_BYTES, 0);
}

uint8_t memory_flags(const struct state *s, const struct val *p, uint64_t size)
{
	if (p->kind != VAL_STACK)
		return p->flags;
	if (p->which >= s->frames)
		return 0;
	return stack_flags(s->f[p->which], p->off + (int64_t)p->n.smin, size);
}
