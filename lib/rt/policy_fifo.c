/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As they came; what was suspended keeps its place. */
#include "rt/policy_queue.h"

#include <math.h>

static struct rt_policy *fifo_new(const struct rt_policy_opts *o)
{
	struct rt_policy *p = rt_keyed_new(o);

	p->ops = &rt_policy_fifo;
	return p;
}

static void fifo_add(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_keyed_add(t, (double)t->seq);
}

static double fifo_quantum(struct rt_policy *p, const struct rt_task *t)
{
	(void)p, (void)t;
	return INFINITY;
}

/* Nothing that changes has a part in the order. */
static void fifo_changed(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)t, (void)now;
}

const struct rt_policy_ops rt_policy_fifo = {
	.name = "fifo",
	.new = fifo_new,
	.add = fifo_add,
	.quantum = fifo_quantum,
	.changed = fifo_changed,
	RT_KEYED_OPS,
};
