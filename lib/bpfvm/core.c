/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CO-RE: the compiler says which member, type or enumerator an instruction is
 * about; here it is found among the target's types, by name, and the
 * instruction changed to where it is there.  The rules are libbpf's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

/* ---- types by name ----------------------------------------------------- */

struct type_index {
	uint32_t *heads; /* by hash */
	uint32_t *next;	 /* by type: the next of the same hash, ascending */
	uint32_t mask;
};

static uint32_t hash(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct type_index *index_types(struct reader *r)
{
	const struct btf *btf = r->t->types;
	uint32_t n = btf__type_cnt(btf), size = 64;
	struct type_index *x = arena_alloc(&r->tmp, 1, sizeof(*x));

	while (size < n)
		size *= 2;
	x->mask = size - 1;
	x->heads = arena_alloc(&r->tmp, size, sizeof(*x->heads));
	x->next = arena_alloc(&r->tmp, n, sizeof(*x->next));
	for (uint32_t id = n; id-- > 1;) {
		const struct btf_type *t = types_at(btf, id);
		const char *name = t ? types_name(btf, t->name_off) : "";
		uint32_t h;

		if (!*name)
			continue;
		h = hash(name, types_essential(name)) & x->mask;
		x->next[id] = x->heads[h];
		x->heads[h] = id;
	}
	return x;
}

bool core_names_match(const char *a, const char *b)
{
	size_t n = types_essential(a);

	return n == types_essential(b) && !strncmp(a, b, n);
}

bool core_spend(struct reader *r, uint32_t steps)
{
	if (r->budget > steps) {
		r->budget -= steps;
		return true;
	}
	r->budget = 0;
	err_set(EINVAL, "the object is too entangled");
	return false;
}

/* ---- paths -------------------------------------------------------------- */

static bool of_field(uint32_t kind)
{
	return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

static bool of_enum(uint32_t kind)
{
	return kind == BPF_CORE_ENUMVAL_EXISTS ||
	       kind == BPF_CORE_ENUMVAL_VALUE;
}

/* The next number of "0:1:2"; negative: there is none. */
static int64_t next_index(const char **s)
{
	int64_t n = 0;

	if (**s < '0' || **s > '9')
		return -1;
	while (**s >= '0' && **s <= '9') {
		n = n * 10 + (**s - '0');
		if (n >= 1 << 24)
			return -1;
		++*s;
	}
	if (**s == ':' && (*s)[1])
		++*s;
	else if (**s)
		return -1;
	return n;
}

static struct core_step *step(struct core_path *p, uint32_t type,
			      uint32_t index, const char *name)
{
	struct core_step *s = &p->steps[p->count++];

	*s = (struct core_step){type, index, name};
	return s;
}

/* An array of no elements that ends a struct may be longer than it says. */
static bool is_flexible(const struct btf *btf, const struct core_path *p,
			const struct btf_array *a)
{
	const struct core_step *last =
		p->count ? &p->steps[p->count - 1] : NULL;

	return !a->nelems && last && last->name &&
	       last->index + 1 == btf_vlen(types_at(btf, last->type));
}

static int enter_array(const struct btf *btf, const struct btf_array *a,
		       uint32_t index, struct core_path *p, uint32_t *id)
{
	int64_t size;

	if (index >= a->nelems && !is_flexible(btf, p, a))
		return -EINVAL;
	*id = a->type;
	if (!types_skip(btf, id) || (size = types_size(btf, *id)) < 0)
		return -EINVAL;
	step(p, *id, index, NULL);
	p->bits += (uint64_t)size * 8 * index;
	return 0;
}

static int enter_member(const struct btf *btf, const struct btf_type *t,
			uint32_t index, struct core_path *p, uint32_t *id)
{
	const struct btf_member *m;
	const char *name;

	if (index >= btf_vlen(t))
		return -EINVAL;
	m = &btf_members(t)[index];
	name = types_name(btf, m->name_off);
	if (*name)
		step(p, *id, index, name);
	p->bits += btf_member_bit_offset(t, index);
	*id = m->type;
	return 0;
}

static int parse_enumerator(const struct btf *btf, const struct btf_type *t,
			    const char *s, uint32_t id, struct core_path *p)
{
	int64_t i = next_index(&s);

	if (!btf_is_any_enum(t) || i < 0 || *s || i >= btf_vlen(t))
		return -EINVAL;
	step(p, id, (uint32_t)i,
	     types_name(btf, types_enumerator_name(t, (uint32_t)i)));
	return 0;
}

int core_path_parse(struct reader *r, const struct core_relo *c,
		    struct core_path *p)
{
	const struct btf *btf = r->o->btf;
	uint32_t id = c->type;
	const struct btf_type *t = types_skip(btf, &id);
	const char *s = c->access;
	int64_t i, size;
	int rc = 0;

	p->root = c->type;
	p->count = 0;
	p->bits = 0;
	if (!t)
		return -EINVAL;
	if (of_enum(c->kind))
		return parse_enumerator(btf, t, s, id, p);
	if (!of_field(c->kind))
		return strcmp(s, "0") ? -EINVAL : 0;
	i = next_index(&s);
	size = types_size(btf, id);
	if (i < 0 || size < 0)
		return -EINVAL;
	step(p, id, (uint32_t)i, NULL);
	p->bits = (uint64_t)size * 8 * (uint64_t)i;
	for (int depth = 1; !rc && *s; depth++) {
		i = next_index(&s);
		t = types_skip(btf, &id);
		if (i < 0 || !t || depth == CORE_MAX_STEPS)
			return -EINVAL;
		if (btf_is_composite(t))
			rc = enter_member(btf, t, (uint32_t)i, p, &id);
		else if (btf_is_array(t))
			rc = enter_array(btf, btf_array(t), (uint32_t)i, p,
					 &id);
		else
			rc = -EINVAL;
	}
	return rc;
}

/* ---- the same path among the target's types ----------------------------- */

/* May a member of one type be what was meant by one of the other? */
static int fields_alike(struct reader *r, uint32_t local, uint32_t target)
{
	const struct btf *lb = r->o->btf, *tb = r->t->types;

	for (int i = 0; i < CORE_MAX_STEPS; i++) {
		const struct btf_type *l = types_skip(lb, &local);
		const struct btf_type *t = types_skip(tb, &target);
		const char *a, *b;

		if (!l || !t)
			return -EINVAL;
		if (btf_is_composite(l) && btf_is_composite(t))
			return 1;
		if (!btf_kind_core_compat(l, t))
			return 0;
		switch (btf_kind(l)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return 1;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			a = types_name(lb, l->name_off);
			b = types_name(tb, t->name_off);
			return !*a || !*b || core_names_match(a, b);
		case BTF_KIND_INT:
			return !btf_int_offset(l) && !btf_int_offset(t);
		case BTF_KIND_ARRAY:
			local = btf_array(l)->type;
			target = btf_array(t)->type;
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

/*
 * A member of that name in the target's struct *id, or in what is embedded
 * there without a name.  1: found, *id is its type.
 */
static int find_member(struct reader *r, const struct core_step *want,
		       uint32_t *id, struct core_path *p, int depth)
{
	const struct btf *btf = r->t->types;
	const struct btf_type *t = types_skip(btf, id), *l;
	uint32_t owner = *id;
	int found;

	if (!t || depth == CORE_MAX_STEPS)
		return -EINVAL;
	if (!btf_is_composite(t))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *name = types_name(btf, m->name_off);

		if (!core_spend(r, 1))
			return -EINVAL;
		if (*name && strcmp(name, want->name))
			continue;
		*id = m->type;
		p->bits += btf_member_bit_offset(t, i);
		if (*name) {
			l = types_at(r->o->btf, want->type);
			found = fields_alike(
				r, btf_members(l)[want->index].type, m->type);
			if (found == 1)
				step(p, owner, i, name);
		} else {
			found = find_member(r, want, id, p, depth + 1);
		}
		if (found)
			return found;
		p->bits -= btf_member_bit_offset(t, i);
	}
	return 0;
}

static int find_enumerator(struct reader *r, const struct core_step *want,
			   uint32_t id, struct core_path *p)
{
	const struct btf *btf = r->t->types;
	const struct btf_type *t = types_skip(btf, &id);

	if (!t || !btf_is_any_enum(t))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *name = types_name(btf, types_enumerator_name(t, i));

		if (!core_spend(r, 1))
			return -EINVAL;
		if (!core_names_match(name, want->name))
			continue;
		step(p, id, i, name);
		return 1;
	}
	return 0;
}

static int follow_step(struct reader *r, const struct core_step *want,
		       bool first, uint32_t *id, struct core_path *out)
{
	const struct btf *btf = r->t->types;
	const struct btf_type *t;
	int64_t size;

	if (want->name)
		return find_member(r, want, id, out, 0);
	t = types_skip(btf, id);
	if (!t)
		return -EINVAL;
	if (first) {
		size = types_size(btf, *id);
		if (size < 0)
			return -EINVAL;
		step(out, *id, want->index, NULL);
		out->bits += (uint64_t)size * 8 * want->index;
		return 1;
	}
	return btf_is_array(t) &&
	       !enter_array(btf, btf_array(t), want->index, out, id);
}

/* 1: it is there, *out says where; 0: it is not. */
int core_path_follow(struct reader *r, const struct core_relo *c,
		     const struct core_path *local, uint32_t target,
		     struct core_path *out)
{
	uint32_t id = target;
	int rc = 1;

	out->root = target;
	out->count = 0;
	out->bits = 0;
	if (of_enum(c->kind))
		return find_enumerator(r, &local->steps[0], target, out);
	if (c->kind == BPF_CORE_TYPE_MATCHES)
		return core_types_match(r, c->type, target);
	if (!of_field(c->kind))
		return core_types_compatible(r, c->type, target);
	for (uint32_t i = 0; rc == 1 && i < local->count; i++)
		rc = follow_step(r, &local->steps[i], !i, &id, out);
	return rc;
}

/* ---- one relocation ------------------------------------------------------ */

static const char *const kind_names[] = {
	"offset",      "size",	     "existence", "signedness", "left shift",
	"right shift", "local type", "type",	  "existence",	"size",
	"existence",   "value",	     "likeness",
};

/* "offset of task_struct.scx.slice" */
static char *relo_text(struct reader *r, const struct core_relo *c,
		       const struct core_path *p)
{
	const struct btf_type *t = types_at(r->o->btf, c->type);
	char *text = arena_printf(&r->tmp, "%s of %.64s", kind_names[c->kind],
				  types_name(r->o->btf, t->name_off));

	for (uint32_t i = 0; i < p->count; i++) {
		const struct core_step *s = &p->steps[i];

		if (s->name)
			text = arena_printf(&r->tmp, "%s.%.64s", text, s->name);
		else if (i || s->index)
			text = arena_printf(&r->tmp, "%s[%u]", text, s->index);
	}
	return arena_name(r->keep, text);
}

static int ambiguous(struct reader *r, const struct core_relo *c,
		     const struct core_path *p)
{
	return err_set(EINVAL,
		       "%s: %s is not the same in all of the kernel's types "
		       "of that name",
		       code_where(r, c->insn), relo_text(r, c, p));
}

/* 1: *v is what all candidates agree on; 0: there is none. */
static int find(struct reader *r, const struct core_relo *c,
		const struct core_path *local, struct core_value *v)
{
	const struct btf_type *l = types_at(r->o->btf, c->type);
	const char *name = types_name(r->o->btf, l->name_off);
	struct core_path p;
	uint64_t bits = 0;
	int found = 0, rc;

	for (uint32_t id = r->index->heads[hash(name, types_essential(name)) &
					   r->index->mask];
	     id; id = r->index->next[id]) {
		const struct btf_type *t = types_at(r->t->types, id);
		struct core_value other;

		if (!core_spend(r, 1))
			return -EINVAL;
		if (!btf_kind_core_compat(t, l) ||
		    !core_names_match(types_name(r->t->types, t->name_off),
				      name))
			continue;
		rc = core_path_follow(r, c, local, id, &p);
		if (rc < 0)
			return r->budget ? ambiguous(r, c, local) : -EINVAL;
		if (!rc)
			continue;
		if (core_value(r->t->types, c, &p, &other))
			return ambiguous(r, c, local);
		if (found && (p.bits != bits || other.value != v->value))
			return ambiguous(r, c, local);
		bits = p.bits;
		*v = other;
		found = 1;
	}
	return found;
}

static int relocate(struct reader *r, const struct core_relo *c)
{
	struct object_insn *in = &r->o->insns[c->insn];
	struct core_value old, new;
	struct core_path local;
	int rc;

	if (core_path_parse(r, c, &local) ||
	    core_value(r->o->btf, c, &local, &old))
		return err_set(EINVAL,
			       "%s: a relocation (CO-RE) of what its type %u "
			       "has not",
			       code_where(r, c->insn), c->type);
	if (c->kind == BPF_CORE_TYPE_ID_LOCAL)
		return core_patch(r, c, &old, &old);
	if (!types_at(r->o->btf, c->type)->name_off)
		return err_set(ENOTSUP,
			       "%s: a relocation (CO-RE) of a type without a "
			       "name",
			       code_where(r, c->insn));
	rc = find(r, c, &local, &new);
	if (rc < 0)
		return rc;
	if (!rc && !core_value(r->t->types, c, NULL, &new))
		rc = 1;
	if (rc > 0)
		rc = core_patch(r, c, &old, &new);
	else
		rc = -EUCLEAN;
	if (rc != -EUCLEAN)
		return rc;
	in->what = INSN_POISON;
	in->arg = (uint32_t)r->o->note_count;
	code_note(r, c->insn,
		  arena_printf(r->keep, "the kernel has nothing for the %s",
			       relo_text(r, c, &local)));
	return 0;
}

static int read_relo(struct reader *r, uint32_t section, const uint32_t word[4])
{
	struct core_relo c = {
		.kind = word[3],
		.type = word[1],
		.access = types_name(r->o->btf, word[2]),
		.insn = (uint32_t)code_insn_at(r, section, word[0]),
	};

	if (c.kind > BPF_CORE_TYPE_MATCHES)
		return err_set(ENOTSUP,
			       "%s: a relocation (CO-RE) of kind %u, which is "
			       "not known here",
			       code_where(r, c.insn), c.kind);
	if (!c.type || !types_at(r->o->btf, c.type))
		return err_set(EINVAL,
			       "%s: a relocation (CO-RE) without a type",
			       code_where(r, c.insn));
	return relocate(r, &c);
}

int core_relocate(struct reader *r)
{
	r->index = index_types(r);
	return ext_each(r, EXT_CORE, read_relo);
}
