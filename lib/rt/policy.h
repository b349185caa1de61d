/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In which order ready requests start.  One interface, six policies; none of
 * them knows of resources, workers or time-outs.
 *
 *   fifo      as they came
 *   rr        in turns of a quantum: tokens for llm, seconds for the rest
 *   priority  most urgent first; a request gains one step for each aging_s of
 *             waiting, and inherits from what waits for it
 *   sjf       shortest predicted first (its rank alone matters)
 *   mlfq      least attained service of the run first, in levels; levels are
 *             left downwards by use and upwards by the boost
 *   fair      deficit round-robin over tokens and core-seconds: between runs,
 *             within a run between candidates, for each kind of resource that
 *             is fought over on its own
 *
 * Ties of all of them: the longer critical path, the earlier deadline, the
 * earlier arrival (fair: within a candidate; between runs and candidates it is
 * whose turn comes first).
 */
#ifndef SCHEDKIT_RT_POLICY_H
#define SCHEDKIT_RT_POLICY_H

#include "rt/task.h"

struct rt_policy_opts {
	double quantum_tokens; /* 512 */
	double quantum_s;      /* 5 */
	double aging_s;	       /* 30 */
	double boost_s;	       /* 60: all runs back to the top level */
	long levels;	       /* 4 */
};

void rt_policy_defaults(struct rt_policy_opts *o);

struct rt_policy {
	const struct rt_policy_ops *ops;
	struct rt_policy_opts o;
};

struct rt_policy_ops {
	const char *name;
	struct rt_policy *(*new)(const struct rt_policy_opts *o);
	void (*free)(struct rt_policy *p); /* its queue is empty */

	/* t became ready, for the first time or again; t->shape, ready_since
	 * and waited are set.  O(log n). */
	void (*add)(struct rt_policy *p, struct rt_task *t, double now);
	/* t is started, cancelled or moved to another policy.  O(log n). */
	void (*remove)(struct rt_policy *p, struct rt_task *t);
	/*
	 * t, removed, was started; its charges follow.  Then: it runs no more,
	 * be it ended or suspended, after its last charge.  When the policy is
	 * changed, the new one is given what is ready by add() and what runs
	 * by started().  NULL: it need not know.
	 */
	void (*started)(struct rt_policy *p, struct rt_task *t, double now);
	void (*stopped)(struct rt_policy *p, struct rt_task *t, double now);
	/* The next one of a shape; NULL: none is ready. */
	struct rt_task *(*first)(struct rt_policy *p, struct rt_shape *s,
				 double now);
	/* Whether a goes before b (both ready, of any shapes). */
	bool (*before)(struct rt_policy *p, const struct rt_task *a,
		       const struct rt_task *b, double now);
	/* t has used this much more. */
	void (*charge)(struct rt_policy *p, struct rt_task *t,
		       const struct rt_service *s, double now);
	/* Whether a waiting one should take the place of a running one whose
	 * t->slice is what it had since it was started: its quantum is used
	 * up, or the waiting one is more urgent.  NULL: never. */
	bool (*yields)(struct rt_policy *p, const struct rt_task *running,
		       const struct rt_task *waiting, double now);
	/* The slice after which yields() is worth a look: tokens for llm,
	 * seconds for the rest; INFINITY: not by use alone, only when another
	 * one becomes ready. */
	double (*quantum)(struct rt_policy *p, const struct rt_task *t);
	/* Its priority, prediction or critical path changed while ready. */
	void (*changed)(struct rt_policy *p, struct rt_task *t, double now);
	/* g->of_policy, s->of_policy are no longer needed: nothing of them is
	 * ready or runs.  To be called for what is there before free(). */
	void (*group_gone)(struct rt_policy *p, struct rt_group *g);
	void (*shape_gone)(struct rt_policy *p, struct rt_shape *s);
};

/* By name; NULL with a message that lists the names. */
const struct rt_policy_ops *rt_policy_find(const char *name);
/* All of them, NULL-terminated. */
extern const struct rt_policy_ops *const rt_policies[];

#endif
