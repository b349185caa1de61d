/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deficit round-robin (Shreedhar and Varghese 1995) over what is known only
 * afterwards: use is counted in quanta, and a tenant is in the round that it
 * has used whole quanta for.  Lower rounds go first; within a round those that
 * had nothing waiting before (as the new flows of RFC 8290: a quantum each, and
 * who asks seldom waits little), then who came into it first.  A request is
 * charged at its start with what it may cost, so that free slots do not all go
 * to one tenant, and settled at its end.
 *
 * Tenants are nested: the kind of resource that is fought over (tokens, or
 * cores), of it runs, of a run candidates.  Who has nothing waiting takes no
 * part, and joins again in the round of those that had: what was idle is lent
 * to the others, and nobody saves up.
 */
#include "rt/policy_queue.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { TOKENS, CORES, CLASSES };

/* More turns than are ever taken, few enough to be counted in a double. */
#define BEHIND_NEW 0x1p52

struct tenant {
	struct rt_node node; /* rank: the round; of runs and candidates */
	struct tenant *up;
	double used;  /* quanta */
	double taken; /* by what runs, and not used yet */
	size_t ready; /* tasks of it */
	size_t at;    /* in the backlogged of its parent */
	struct rt_heap backlogged;
	double floor; /* use of those that take part is at least this */
	double turns; /* given to its tenants so far */
};

/* A run or a candidate; `own` are a run's requests without a candidate. */
struct fair_group {
	struct tenant as[CLASSES], own[CLASSES];
	struct rt_group *group;
	struct fair_group *next, **link;
};

struct fair {
	struct rt_policy p;
	struct tenant all, of[CLASSES];
	struct fair_group *groups;
};

static bool less_used(const void *a, const void *b)
{
	return ((const struct tenant *)a)->used <
	       ((const struct tenant *)b)->used;
}

static void tenant_init(struct tenant *x, struct tenant *up)
{
	x->up = up;
	rt_heap_init(&x->backlogged, offsetof(struct tenant, at), less_used);
}

static struct rt_policy *fair_new(const struct rt_policy_opts *o)
{
	struct fair *f = mem_zalloc(1, sizeof(*f));

	f->p.ops = &rt_policy_fair;
	f->p.o = *o;
	tenant_init(&f->all, NULL);
	for (int c = 0; c < CLASSES; c++)
		tenant_init(&f->of[c], &f->all);
	return &f->p;
}

/* ---- groups ------------------------------------------------------------ */

static struct fair_group *group_of(struct fair *f, struct rt_group *g)
{
	struct fair_group *x = g->of_policy;

	if (x)
		return x;
	x = g->of_policy = mem_zalloc(1, sizeof(*x));
	x->group = g;
	x->next = f->groups;
	x->link = &f->groups;
	if (x->next)
		x->next->link = &x->next;
	f->groups = x;
	for (int c = 0; c < CLASSES; c++) {
		struct fair_group *run =
			g->parent ? group_of(f, g->parent) : NULL;

		tenant_init(&x->as[c], run ? &run->as[c] : &f->of[c]);
		tenant_init(&x->own[c], &x->as[c]);
		/* A shape is of one kind: no branches above those of runs. */
		x->as[c].node.up = run ? &run->as[c].node : NULL;
		x->own[c].node.up = &x->as[c].node;
	}
	return x;
}

static struct tenant *leaf_of(struct fair *f, const struct rt_task *t)
{
	struct fair_group *g = group_of(f, t->candidate);
	int c = t->q.kind == RT_LLM ? TOKENS : CORES;

	return t->candidate == t->run ? &g->own[c] : &g->as[c];
}

static void group_free(struct fair_group *x)
{
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	for (int c = 0; c < CLASSES; c++) {
		rt_heap_release(&x->as[c].backlogged);
		rt_heap_release(&x->own[c].backlogged);
	}
	x->group->of_policy = NULL;
	free(x);
}

static void fair_group_gone(struct rt_policy *p, struct rt_group *g)
{
	(void)p;
	if (g->of_policy)
		group_free(g->of_policy);
}

static void fair_free(struct rt_policy *p)
{
	struct fair *f = (struct fair *)p;

	while (f->groups)
		group_free(f->groups);
	for (int c = 0; c < CLASSES; c++)
		rt_heap_release(&f->of[c].backlogged);
	rt_heap_release(&f->all.backlogged);
	free(f);
}

/* ---- use --------------------------------------------------------------- */

/* Nobody that takes part has used less; it never falls. */
static void raise_floor(struct tenant *up, double used)
{
	up->floor = fmax(up->floor, used);
}

static double round_of(double used, double taken)
{
	return floor(used + taken + 1e-9);
}

static void set_use(struct tenant *x, double used, double taken)
{
	double round = round_of(used, taken);

	x->used = used;
	x->taken = taken;
	if (x->at)
		rt_heap_moved(&x->up->backlogged, x);
	if (round == x->node.rank)
		return;
	x->node.rank = round;
	x->node.turn = BEHIND_NEW + ++x->up->turns;
	/* Alone it stands where it stands. */
	if (x->up->backlogged.len > 1)
		rt_tree_moved(&x->node);
}

static void charge(struct tenant *x, double used, double taken)
{
	for (; x->up; x = x->up) {
		set_use(x, x->used + used, x->taken + taken);
		/* Nobody waits: what is used now is not held against it. */
		if (!x->up->backlogged.len)
			raise_floor(x->up, x->used);
	}
}

/* One more task of x is ready. */
static void join(struct tenant *x)
{
	for (; x->up && !x->ready++; x = x->up) {
		const struct tenant *least = rt_heap_first(&x->up->backlogged);

		if (least)
			raise_floor(x->up, least->used);
		set_use(x, fmax(x->used, x->up->floor), x->taken);
		x->node.turn = ++x->up->turns;
		rt_heap_add(&x->up->backlogged, x);
	}
}

static void leave(struct tenant *x)
{
	for (; x->up && !--x->ready; x = x->up) {
		const struct tenant *least = rt_heap_first(&x->up->backlogged);

		raise_floor(x->up, least->used);
		rt_heap_remove(&x->up->backlogged, x);
	}
}

/* ---- ops --------------------------------------------------------------- */

static bool tenant_before(const void *a, const void *b)
{
	const struct rt_node *x = ((const struct rt_branch *)a)->node;
	const struct rt_node *y = ((const struct rt_branch *)b)->node;

	return x->rank != y->rank ? x->rank < y->rank : x->turn < y->turn;
}

static void fair_add(struct rt_policy *p, struct rt_task *t, double now)
{
	struct tenant *x = leaf_of((struct fair *)p, t);

	(void)now;
	join(x);
	/* Within a candidate as they came; ties are those that came at once. */
	t->p.key = t->submitted;
	rt_tree_add(t, &x->node, tenant_before);
}

static void fair_remove(struct rt_policy *p, struct rt_task *t)
{
	rt_tree_remove(t);
	leave(leaf_of((struct fair *)p, t));
}

/* What it may cost: all the tokens it may use, all of the predicted time on
 * its cores. */
static double may_cost(const struct rt_policy_opts *o, const struct rt_task *t)
{
	struct rt_service s = {
		.tokens = (double)t->q.tokens_in + (double)t->q.tokens_out,
		.core_s = t->p50_s * (double)t->q.need.v[RES_CORES] / 1000,
		.seconds = t->p50_s,
	};

	return rt_cost(o, t, &s);
}

/* While it runs, p.key is what it has taken and not used yet. */
static void fair_started(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)now;
	t->p.key = may_cost(&p->o, t);
	charge(leaf_of((struct fair *)p, t), 0, t->p.key);
}

static void fair_charge(struct rt_policy *p, struct rt_task *t,
			const struct rt_service *s, double now)
{
	double cost = rt_cost(&p->o, t, s), paid = fmin(cost, t->p.key);

	(void)now;
	t->p.key -= paid;
	charge(leaf_of((struct fair *)p, t), cost, -paid);
}

static void fair_stopped(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)now;
	charge(leaf_of((struct fair *)p, t), 0, -t->p.key);
	t->p.key = 0;
}

static struct rt_task *fair_first(struct rt_policy *p, struct rt_shape *s,
				  double now)
{
	(void)p, (void)now;
	return rt_tree_first(s);
}

/* The two different tenants of one parent that a and b belong to; false: they
 * are of the same. */
static bool apart(const struct tenant **a, const struct tenant **b)
{
	const struct tenant *x[] = {(*a)->up->up, (*a)->up, *a};
	const struct tenant *y[] = {(*b)->up->up, (*b)->up, *b};

	for (size_t level = 0; level < ARRAY_LEN(x); level++) {
		*a = x[level];
		*b = y[level];
		if (*a != *b)
			return true;
	}
	return false;
}

static bool fair_before(struct rt_policy *p, const struct rt_task *a,
			const struct rt_task *b, double now)
{
	const struct tenant *x = leaf_of((struct fair *)p, a);
	const struct tenant *y = leaf_of((struct fair *)p, b);

	(void)now;
	if (!apart(&x, &y))
		return rt_key_before(a, b);
	return x->node.rank != y->node.rank ? x->node.rank < y->node.rank
					    : x->node.turn < y->node.turn;
}

static bool fair_yields(struct rt_policy *p, const struct rt_task *running,
			const struct rt_task *waiting, double now)
{
	const struct tenant *r = leaf_of((struct fair *)p, running);
	const struct tenant *w = leaf_of((struct fair *)p, waiting);

	(void)now;
	/* What it has taken and not used it gives back when it is stopped. */
	return rt_used_up(running, rt_quantum(&p->o, running)) &&
	       apart(&r, &w) &&
	       w->node.rank < round_of(r->used, r->taken - running->p.key);
}

static double fair_quantum(struct rt_policy *p, const struct rt_task *t)
{
	return rt_quantum(&p->o, t);
}

static void fair_changed(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_tree_changed(t);
}

const struct rt_policy_ops rt_policy_fair = {
	.name = "fair",
	.new = fair_new,
	.free = fair_free,
	.add = fair_add,
	.remove = fair_remove,
	.started = fair_started,
	.stopped = fair_stopped,
	.first = fair_first,
	.before = fair_before,
	.charge = fair_charge,
	.yields = fair_yields,
	.quantum = fair_quantum,
	.changed = fair_changed,
	.group_gone = fair_group_gone,
	.shape_gone = rt_tree_shape_gone,
};
