/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Least predicted service left first, among what waits and what runs: the
 * least mean turnaround where the predictions' ranks are right (Schrage 1968).
 */
#include "rt/policy_queue.h"

#include <math.h>

static struct rt_policy *sjf_new(const struct rt_policy_opts *o)
{
	struct rt_policy *p = rt_keyed_new(o);

	p->ops = &rt_policy_sjf;
	return p;
}

static void sjf_add(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_keyed_add(t, t->p50_s);
}

/* One that has outlived its prediction has nothing left that is known of, and
 * is let alone. */
static bool sjf_yields(struct rt_policy *p, const struct rt_task *running,
		       const struct rt_task *waiting, double now)
{
	(void)p;
	return waiting->p50_s < running->p50_s - (now - running->lease.since);
}

static double sjf_quantum(struct rt_policy *p, const struct rt_task *t)
{
	(void)p, (void)t;
	return INFINITY;
}

static void sjf_changed(struct rt_policy *p, struct rt_task *t, double now)
{
	(void)p, (void)now;
	rt_keyed_change(t, t->p50_s);
}

const struct rt_policy_ops rt_policy_sjf = {
	.name = "sjf",
	.new = sjf_new,
	.add = sjf_add,
	.yields = sjf_yields,
	.quantum = sjf_quantum,
	.changed = sjf_changed,
	RT_KEYED_OPS,
};
