/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Levels by what the run has had, Autellix' program-level attained service
 * (Luo et al. 2025): a run begins at the top and leaves level k when it has
 * had 2^k quanta there.  Within a level in the order of becoming ready, so
 * that who used its quantum up goes last.  All runs are lifted back to the top
 * every boost_s, or a stream of short runs would starve a long one.
 */
#include "rt/policy_queue.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct mlfq_run {
	struct rt_node node; /* rank: the level */
	double used;	     /* quanta since the last boost */
	struct rt_group *group;
	struct mlfq_run *next, **link;
};

struct mlfq {
	struct rt_policy p;
	struct mlfq_run *runs;
	double boost_at; /* the next; below 0: there was no time yet */
};

static struct rt_policy *mlfq_new(const struct rt_policy_opts *o)
{
	struct mlfq *m = mem_zalloc(1, sizeof(*m));

	m->p.ops = &rt_policy_mlfq;
	m->p.o = *o;
	m->boost_at = -1;
	return &m->p;
}

static struct mlfq_run *run_of(struct rt_policy *p, const struct rt_task *t)
{
	struct mlfq *m = (struct mlfq *)p;
	struct mlfq_run *r = t->run->of_policy;

	if (r)
		return r;
	r = t->run->of_policy = mem_zalloc(1, sizeof(*r));
	r->group = t->run;
	r->next = m->runs;
	r->link = &m->runs;
	if (r->next)
		r->next->link = &r->next;
	m->runs = r;
	return r;
}

static void run_free(struct mlfq_run *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	r->group->of_policy = NULL;
	free(r);
}

static void mlfq_free(struct rt_policy *p)
{
	struct mlfq *m = (struct mlfq *)p;

	while (m->runs)
		run_free(m->runs);
	free(m);
}

static void boost(struct mlfq *m, double now)
{
	if (m->boost_at < 0)
		m->boost_at = now + m->p.o.boost_s;
	if (now < m->boost_at)
		return;
	m->boost_at = now + m->p.o.boost_s;
	for (struct mlfq_run *r = m->runs; r; r = r->next) {
		r->used = 0;
		if (r->node.rank > 0) {
			r->node.rank = 0;
			rt_tree_moved(&r->node);
		}
	}
}

static bool run_before(const void *a, const void *b)
{
	const struct rt_branch *x = a, *y = b;

	if (x->node->rank != y->node->rank)
		return x->node->rank < y->node->rank;
	return rt_key_before(rt_branch_first(x), rt_branch_first(y));
}

static void mlfq_add(struct rt_policy *p, struct rt_task *t, double now)
{
	boost((struct mlfq *)p, now);
	t->p.key = t->ready_since;
	rt_tree_add(t, &run_of(p, t)->node, run_before);
}

static void mlfq_remove(struct rt_policy *p, struct rt_task *t)
{
	(void)p;
	rt_tree_remove(t);
}

static struct rt_task *mlfq_first(struct rt_policy *p, struct rt_shape *s,
				  double now)
{
	boost((struct mlfq *)p, now);
	return rt_tree_first(s);
}

static bool mlfq_before(struct rt_policy *p, const struct rt_task *a,
			const struct rt_task *b, double now)
{
	double x = run_of(p, a)->node.rank, y = run_of(p, b)->node.rank;

	(void)now;
	return x != y ? x < y : rt_key_before(a, b);
}

static void mlfq_charge(struct rt_policy *p, struct rt_task *t,
			const struct rt_service *s, double now)
{
	struct mlfq_run *r = run_of(p, t);
	double level;

	boost((struct mlfq *)p, now);
	r->used += rt_cost(&p->o, t, s);
	/* Levels 0 … k together hold 2^(k + 1) - 1 quanta. */
	level = fmin(floor(log2(r->used + 1) + 1e-9), (double)p->o.levels - 1);
	if (level == r->node.rank)
		return;
	r->node.rank = level;
	rt_tree_moved(&r->node);
}

static double mlfq_quantum(struct rt_policy *p, const struct rt_task *t)
{
	return rt_quantum(&p->o, t) * exp2(run_of(p, t)->node.rank);
}

static bool mlfq_yields(struct rt_policy *p, const struct rt_task *running,
			const struct rt_task *waiting, double now)
{
	double r = run_of(p, running)->node.rank;
	double w = run_of(p, waiting)->node.rank;

	(void)now;
	if (running->run == waiting->run)
		return false;
	return w < r ||
	       (w == r && rt_used_up(running, mlfq_quantum(p, running)));
}

static void mlfq_changed(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_tree_changed(t);
}

static void mlfq_group_gone(struct rt_policy *p, struct rt_group *g)
{
	(void)p;
	if (g->of_policy)
		run_free(g->of_policy);
}

const struct rt_policy_ops rt_policy_mlfq = {
	.name = "mlfq",
	.new = mlfq_new,
	.free = mlfq_free,
	.add = mlfq_add,
	.remove = mlfq_remove,
	.first = mlfq_first,
	.before = mlfq_before,
	.charge = mlfq_charge,
	.yields = mlfq_yields,
	.quantum = mlfq_quantum,
	.changed = mlfq_changed,
	.group_gone = mlfq_group_gone,
	.shape_gone = rt_tree_shape_gone,
};
