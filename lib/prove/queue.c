/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only all paths together tell: who drains what, in which order. */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "prove/analysis.h"

#define DSQ_BUILTIN (1ULL << 63)
#define MAX_USES    64 /* of one instruction; then they become one */
#define MAX_EACH    64 /* values of a range looked at one by one */
#define MAX_ORIGINS 8192

/* ---- collecting -------------------------------------------------------- */

static bool has_class(const struct sym *x)
{
	return x->sort != SORT_NONE && x->sort != SORT_OTHER;
}

static bool same_class(const struct sym *x, const struct sym *y)
{
	return has_class(x) && x->sort == y->sort && x->which == y->which &&
	       x->at == y->at && x->base == y->base;
}

void use_add(struct analysis *a, enum use_what what, uint32_t insn,
	     const struct val *id)
{
	struct use u = {.what = what,
			.insn = insn,
			.regular = a->root->regular,
			.n = num_any(8)},
		   *last = NULL;
	size_t n = 0;

	if (id->kind == VAL_NUM) {
		u.n = id->n;
		u.sym = id->sym;
		u.site = num_is_const(&u.n) ? id->site : 0;
	}
	for (size_t i = 0; i < a->use_count; i++) {
		struct use *o = &a->uses[i];

		if (o->what != what || o->insn != insn ||
		    o->regular != u.regular)
			continue;
		if (num_equal(&o->n, &u.n) &&
		    (same_class(&o->sym, &u.sym) ||
		     (!has_class(&o->sym) && !has_class(&u.sym))))
			return;
		last = o;
		n++;
	}
	if (n >= MAX_USES) { /* a loop that counts through them */
		last->n = num_hull(&last->n, &u.n);
		last->sym = (struct sym){.sort = SORT_COUNT};
		return;
	}
	if (a->use_count == a->use_cap) {
		a->use_cap = 2 * a->use_cap + 16;
		a->uses = mem_realloc(a->uses, a->use_cap, sizeof(*a->uses));
	}
	a->uses[a->use_count++] = u;
}

void origins_add(struct origins *o, uint32_t to, uint32_t from, uint32_t insn)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->v[i].a == to && o->v[i].b == from &&
		    o->v[i].insn == insn)
			return;
	if (o->count == MAX_ORIGINS)
		return;
	if (o->count == o->cap) {
		o->cap = 2 * o->cap + 16;
		o->v = mem_realloc(o->v, o->cap, sizeof(*o->v));
	}
	o->v[o->count].a = to;
	o->v[o->count].b = from;
	o->v[o->count++].insn = insn;
}

/* ---- queues ------------------------------------------------------------ */

enum answer { NEVER, PERHAPS, SURELY };

static bool contains(const struct num *n, uint64_t v)
{
	return v >= n->umin && v <= n->umax && !((v ^ n->value) & ~n->mask);
}

static bool meets(const struct num *x, const struct num *y)
{
	struct num n = *x;

	return num_meet(&n, y);
}

/* Does one use of that kind stand for the queue that u names? */
static enum answer covers(const struct use *o, const struct use *u)
{
	if (same_class(&o->sym, &u->sym))
		return SURELY;
	if (num_is_const(&u->n) && num_is_const(&o->n))
		return o->n.umin == u->n.umin ? SURELY : NEVER;
	/* A loop through all of them. */
	if (o->sym.sort == SORT_COUNT && u->n.umin >= o->n.umin &&
	    u->n.umax <= o->n.umax)
		return SURELY;
	return meets(&o->n, &u->n) ? PERHAPS : NEVER;
}

/* Every value of a short range by constants. */
static bool each_covered(const struct analysis *a, const struct use *u,
			 enum use_what what)
{
	if (u->n.umax - u->n.umin >= MAX_EACH)
		return false;
	for (uint64_t v = u->n.umin; v <= u->n.umax; v++) {
		bool found = !contains(&u->n, v);

		for (size_t i = 0; i < a->use_count && !found; i++)
			found = a->uses[i].what == what &&
				(what == USE_CREATE || a->uses[i].regular) &&
				num_is_const(&a->uses[i].n) &&
				a->uses[i].n.umin == v;
		if (!found)
			return false;
	}
	return true;
}

static enum answer find(const struct analysis *a, const struct use *u,
			enum use_what what)
{
	enum answer best = NEVER;

	for (size_t i = 0; i < a->use_count; i++) {
		const struct use *o = &a->uses[i];
		enum answer one;

		if (o->what != what || (what == USE_TAKE && !o->regular))
			continue;
		one = covers(o, u);
		if (one > best)
			best = one;
	}
	return best != SURELY && each_covered(a, u, what) ? SURELY : best;
}

static const char *name_of(const struct num *n, char text[32])
{
	if (!num_is_const(n))
		return "a queue";
	snprintf(text, 32, "queue %#llx", (unsigned long long)n->umin);
	return text;
}

static bool builtin(const struct num *n)
{
	return n->value & DSQ_BUILTIN;
}

static void judge_drain(struct analysis *a, const struct use *u)
{
	uint32_t place = report_place(a, u->insn, u->site);
	enum answer drained = find(a, u, USE_TAKE);
	char name[32];

	if (drained == NEVER)
		report(a, NULL, PROVE_DRAIN, PROVE_VIOLATED, place,
		       "nothing ever takes a task out of %s again; call "
		       "scx_bpf_dsq_move_to_local() with it in ops.dispatch",
		       name_of(&u->n, name));
	else if (drained == PERHAPS)
		report(a, NULL, PROVE_DRAIN, PROVE_UNKNOWN, place,
		       "whether dispatch takes from each queue that is "
		       "inserted into here cannot be told");
}

static void judge_created(struct analysis *a, const struct use *u)
{
	char name[32];

	if (find(a, u, USE_CREATE) == NEVER && num_is_const(&u->n))
		report(a, NULL, PROVE_DRAIN, PROVE_VIOLATED,
		       report_place(a, u->insn, u->site),
		       "%s is never created; call scx_bpf_create_dsq() in "
		       "ops.init",
		       name_of(&u->n, name));
}

static void judge_parked(struct analysis *a)
{
	for (size_t i = 0; i < a->o->map_count; i++) {
		uint32_t type = a->o->maps[i].type;

		if (!a->tally.pushed[i] || a->tally.popped[i] ||
		    (type != BPF_MAP_TYPE_QUEUE && type != BPF_MAP_TYPE_STACK))
			continue;
		report(a, NULL, PROVE_DRAIN,
		       a->tally.popped_unknown ? PROVE_UNKNOWN : PROVE_VIOLATED,
		       a->tally.pushed_at[i],
		       "nothing pops from %s what is parked here; call "
		       "bpf_map_pop_elem() in ops.dispatch",
		       a->o->maps[i].name);
	}
}

/* ---- order ------------------------------------------------------------- */

struct set {
	uint32_t *v;
	size_t count;
};

static bool in_set(const struct set *s, uint32_t o)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->v[i] == o)
			return true;
	return false;
}

static bool add(struct set *s, uint32_t o)
{
	if (!o || o == ORIGIN_NOW || in_set(s, o))
		return false;
	s->v[s->count++] = o;
	return true;
}

/* All that virtual times are kept in. */
static struct set find_vtimes(const struct analysis *a)
{
	const struct origins *st = &a->stores;
	struct set s = {.v = mem_zalloc(2 * st->count + a->keys.count + 2,
					sizeof(*s.v))};
	bool more = true;

	if (a->layout.known)
		add(&s, ORIGIN_FIELD(a->layout.dsq_vtime));
	for (size_t i = 0; i < a->keys.count; i++)
		add(&s, a->keys.v[i].a);
	while (more) {
		more = false;
		for (size_t i = 0; i < st->count; i++) {
			if (in_set(&s, st->v[i].b))
				more |= add(&s, st->v[i].a);
			else if (in_set(&s, st->v[i].a))
				more |= add(&s, st->v[i].b);
		}
	}
	return s;
}

/* The clock is stored there too: it does not wrap around. */
static bool holds_time(const struct analysis *a, uint32_t o)
{
	for (size_t i = 0; i < a->stores.count; i++)
		if (a->stores.v[i].a == o && a->stores.v[i].b == ORIGIN_NOW)
			return true;
	return false;
}

static void judge_compares(struct analysis *a)
{
	struct set s = find_vtimes(a);

	for (size_t i = 0; i < a->compares.count; i++) {
		uint32_t x = a->compares.v[i].a, y = a->compares.v[i].b;

		if (in_set(&s, x) && in_set(&s, y) && !holds_time(a, x) &&
		    !holds_time(a, y))
			report(a, NULL, PROVE_ORDER, PROVE_VIOLATED,
			       a->compares.v[i].insn,
			       "virtual times wrap around: compare the signed "
			       "difference, (s64)(a - b) < 0");
	}
	free(s.v);
}

static void judge_order(struct analysis *a)
{
	const struct tally *t = &a->tally;

	judge_compares(a);
	if (t->inserts && t->heads == t->inserts)
		report(a, NULL, PROVE_ORDER, PROVE_VIOLATED, t->head_at,
		       "every task goes to the head of its queue: the newest "
		       "is always first and the oldest may wait for ever");
	if (t->keyed && t->keyed_const == t->keyed)
		report(a, NULL, PROVE_ORDER, PROVE_VIOLATED, t->keyed_at,
		       "every task has the same constant key: that is no "
		       "order; make the key of its virtual time");
}

static void judge_slices(struct analysis *a)
{
	for (size_t i = 0; i < a->endless_count && !a->tally.kicks; i++)
		report(a, NULL, PROVE_SLICE, PROVE_VIOLATED, a->endless[i].insn,
		       a->endless[i].ns
			       ? "a slice without end: nobody else ever runs on "
				 "that CPU; use a length, or preempt with "
				 "scx_bpf_kick_cpu() from ops.tick or a timer"
			       : "a slice of 0: the task is preempted as soon "
				 "as it runs; use SCX_SLICE_DFL");
}

void queue_judge(struct analysis *a)
{
	for (size_t i = 0; i < a->use_count; i++) {
		const struct use *u = &a->uses[i];

		if (u->what == USE_CREATE || builtin(&u->n))
			continue;
		/* Who takes from it is told only if nobody inserts. */
		if (u->what == USE_INSERT || find(a, u, USE_INSERT) == NEVER)
			judge_created(a, u);
		if (u->what == USE_INSERT)
			judge_drain(a, u);
	}
	judge_parked(a);
	judge_order(a);
	judge_slices(a);
}
