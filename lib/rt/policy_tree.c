/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ready tasks of a shape below the groups that they belong to: heaps of
 * branches, and of tasks in the leaves.  A group has a branch in every shape
 * that it has ready tasks of, found by a search tree and listed, so that all
 * of them move when the group does.
 */
#include "rt/policy_queue.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

static int by_shape(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct rt_branch *)a)->shape;
	uintptr_t y = (uintptr_t)((const struct rt_branch *)b)->shape;

	return x < y ? -1 : x > y;
}

static struct rt_branch *branch_new(struct rt_shape *s, struct rt_node *n,
				    bool leaf, rt_branch_order *before)
{
	struct rt_branch *b = mem_zalloc(1, sizeof(*b));

	b->shape = s;
	b->node = n;
	b->leaf = leaf;
	if (leaf)
		rt_heap_init(&b->in, offsetof(struct rt_task, p.at),
			     rt_key_before);
	else
		rt_heap_init(&b->in, offsetof(struct rt_branch, at), before);
	return b;
}

/* The branch of a node in a shape; a new one is in no heap yet. */
static struct rt_branch *branch(struct rt_shape *s, struct rt_node *n,
				bool leaf, rt_branch_order *before)
{
	struct rt_branch key = {.shape = s}, *b, **found;

	if (!n) {
		if (!s->of_policy)
			s->of_policy = branch_new(s, NULL, false, before);
		return s->of_policy;
	}
	found = tfind(&key, &n->by_shape, by_shape);
	if (found)
		return *found;
	b = branch_new(s, n, leaf, before);
	b->up = branch(s, n->up, false, before);
	if (!tsearch(b, &n->by_shape, by_shape))
		abort(); /* as base/mem.h */
	b->next = n->branches;
	b->link = &n->branches;
	if (b->next)
		b->next->link = &b->next;
	n->branches = b;
	return b;
}

static void branch_free(struct rt_branch *b)
{
	if (b->node) {
		tdelete(b, &b->node->by_shape, by_shape);
		*b->link = b->next;
		if (b->next)
			b->next->link = b->link;
	}
	rt_heap_release(&b->in);
	free(b);
}

/* What is in b has changed. */
static void settle_above(struct rt_branch *b)
{
	for (struct rt_branch *up; (up = b->up); b = up) {
		if (!b->at) {
			rt_heap_add(&up->in, b);
		} else if (b->in.len) {
			rt_heap_moved(&up->in, b);
		} else {
			rt_heap_remove(&up->in, b);
			branch_free(b);
		}
	}
}

void rt_tree_add(struct rt_task *t, struct rt_node *leaf,
		 rt_branch_order *before)
{
	struct rt_branch *b = branch(t->shape, leaf, true, before);

	t->p.queue = b;
	rt_heap_add(&b->in, t);
	settle_above(b);
}

void rt_tree_remove(struct rt_task *t)
{
	struct rt_branch *b = t->p.queue;

	t->p.queue = NULL;
	rt_heap_remove(&b->in, t);
	settle_above(b);
}

void rt_tree_changed(struct rt_task *t)
{
	struct rt_branch *b = t->p.queue;

	rt_heap_moved(&b->in, t);
	settle_above(b);
}

void rt_tree_moved(struct rt_node *n)
{
	for (struct rt_branch *b = n->branches; b; b = b->next)
		if (b->up->in.len > 1)
			rt_heap_moved(&b->up->in, b);
}

struct rt_task *rt_branch_first(const struct rt_branch *b)
{
	while (!b->leaf) {
		b = rt_heap_first(&b->in);
		if (!b)
			return NULL;
	}
	return rt_heap_first(&b->in);
}

struct rt_task *rt_tree_first(const struct rt_shape *s)
{
	return s->of_policy ? rt_branch_first(s->of_policy) : NULL;
}

void rt_tree_shape_gone(struct rt_policy *p, struct rt_shape *s)
{
	(void)p;
	if (s->of_policy)
		branch_free(s->of_policy);
	s->of_policy = NULL;
}
