/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's own engine, where there is no daemon. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/client_state.h"

static char *copy(const char *s)
{
	return s && *s ? mem_strdup(s) : NULL;
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *lease)
{
	struct rt_client *c = arg;
	struct news *n = news_add(c, NEWS_START);

	n->id = t->id;
	n->lease = lease->id;
	n->key = mem_strdup(t->q.key);
	n->worker = mem_strdup(lease->worker->spec.name);
	n->payload = copy(t->q.payload);
	n->checkpoint = copy(t->checkpoint);
	n->attempt = t->attempt;
	n->quantum = rt_quantum_of(c->local, t);
	n->hedge = lease->id == t->hedge.id;
	n->held = lease->held;
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *lease)
{
	(void)t;
	news_add(arg, NEWS_SUSPEND)->lease = lease->id;
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *lease)
{
	(void)t;
	news_add(arg, NEWS_CANCEL)->lease = lease->id;
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct news *n = news_add(arg, NEWS_ENDED);

	n->id = t->id;
	n->key = mem_strdup(t->q.key);
	n->state = t->state;
	if (o)
		rt_outcome_copy(&n->outcome, o);
}

static const struct rt_ops ops = {
	.start = on_start,
	.suspend = on_suspend,
	.cancel = on_cancel,
	.ended = on_ended,
};

int local_worker(struct rt_client *c, const struct told_worker *w)
{
	return rt_worker_add(c->local, &w->spec, w->ours ? CLIENT_WORKER : 0,
			     clock_monotonic());
}

static int load_config(struct rt_client *c)
{
	int rc;

	if (c->config)
		return 0;
	rc = rt_config_load(NULL, &c->own);
	c->has_own = !rc;
	c->config = rc ? NULL : &c->own;
	return rc;
}

int local_open(struct rt_client *c)
{
	struct rt_opts o;
	int rc = load_config(c);

	if (rc)
		return rc;
	o = c->config->engine;
	o.policy = c->config->policy;
	o.ops = &ops;
	o.arg = c;
	rc = rt_new(&o, &c->local);
	for (size_t i = 0; !rc && i < c->config->worker_count; i++)
		rc = rt_worker_add(c->local, &c->config->workers[i], 0,
				   clock_monotonic());
	for (size_t i = 0; !rc && i < c->worker_count; i++)
		rc = local_worker(c, &c->workers[i]);
	c->due = 0;
	return rc;
}
