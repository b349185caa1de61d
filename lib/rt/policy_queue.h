/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policies are made of: ready tasks by shape, in an order that is a
 * number of the task, or through groups that come before each other.  Private
 * to lib/rt/policy*.c.
 */
#ifndef SCHEDKIT_RT_POLICY_QUEUE_H
#define SCHEDKIT_RT_POLICY_QUEUE_H

#include "rt/heap.h"
#include "rt/policy.h"

/* The lower p.key; then the longer critical path, the earlier deadline, the
 * earlier arrival. */
bool rt_key_before(const void *a, const void *b);

/* o's quantum for t's kind, in tokens or seconds. */
double rt_quantum(const struct rt_policy_opts *o, const struct rt_task *t);
/* Whether t has used so much since it was started. */
bool rt_used_up(const struct rt_task *t, double quantum);
/* What s costs t's group, in quanta: tokens for llm, core-seconds (seconds,
 * where no core was used) for the rest. */
double rt_cost(const struct rt_policy_opts *o, const struct rt_task *t,
	       const struct rt_service *s);

/* ---- an order that is a number ----------------------------------------- */

/* A heap of tasks for each shape, by p.key. */
void rt_keyed_add(struct rt_task *t, double key);
void rt_keyed_change(struct rt_task *t, double key);

/* The ops of a policy that has nothing else, and charges for nothing. */
struct rt_policy *rt_keyed_new(const struct rt_policy_opts *o);
void rt_keyed_free(struct rt_policy *p);
void rt_keyed_remove(struct rt_policy *p, struct rt_task *t);
struct rt_task *rt_keyed_first(struct rt_policy *p, struct rt_shape *s,
			       double now);
bool rt_keyed_before(struct rt_policy *p, const struct rt_task *a,
		     const struct rt_task *b, double now);
void rt_keyed_charge(struct rt_policy *p, struct rt_task *t,
		     const struct rt_service *s, double now);
void rt_keyed_group_gone(struct rt_policy *p, struct rt_group *g);
void rt_keyed_shape_gone(struct rt_policy *p, struct rt_shape *s);

/* What they have in common in a table of ops. */
#define RT_KEYED_OPS                                                  \
	.free = rt_keyed_free, .remove = rt_keyed_remove,             \
	.first = rt_keyed_first, .before = rt_keyed_before,           \
	.charge = rt_keyed_charge, .group_gone = rt_keyed_group_gone, \
	.shape_gone = rt_keyed_shape_gone

/* ---- groups ------------------------------------------------------------ */

/* A group of tasks, in a group of its own or (up NULL) at the top. */
struct rt_node {
	struct rt_node *up;
	double rank, turn; /* the lower goes first, and is ready first */
	struct rt_branch *branches;
	void *by_shape; /* the same, for tsearch(3) */
};

/* What is ready of a node in one shape; it is there while anything is. */
struct rt_branch {
	struct rt_node *node; /* NULL: the shape's own, which stays */
	struct rt_shape *shape;
	struct rt_branch *up; /* NULL likewise */
	bool leaf;
	struct rt_heap in; /* branches below it, or of a leaf tasks */
	size_t at;	   /* in up->in */
	struct rt_branch *next, **link;
};

/* The order of branches beside each other. */
typedef bool rt_branch_order(const void *a, const void *b);

/* t->p.key is set. */
void rt_tree_add(struct rt_task *t, struct rt_node *leaf,
		 rt_branch_order *before);
void rt_tree_remove(struct rt_task *t);
void rt_tree_changed(struct rt_task *t); /* its key or its ties */
/* Its rank or turn is another; those above do not depend on it. */
void rt_tree_moved(struct rt_node *n);
struct rt_task *rt_branch_first(const struct rt_branch *b);
struct rt_task *rt_tree_first(const struct rt_shape *s);
void rt_tree_shape_gone(struct rt_policy *p, struct rt_shape *s);

/* Of policy.c's table. */
extern const struct rt_policy_ops rt_policy_fifo, rt_policy_rr,
	rt_policy_priority, rt_policy_sjf, rt_policy_mlfq, rt_policy_fair;

#endif
