/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By whom a client is served.  When the daemon goes away, what runs goes on:
 * every request that has not ended is submitted again by its key, and when the
 * new one starts one of them that runs here already, that is the lease which
 * it goes on with.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/client_state.h"
#include "rt/start.h"

#define START_S 5.0
#define LOSSES	8 /* of daemons in a row, then it is this process */

/* ---- opening ----------------------------------------------------------- */

static int tell_worker(struct rt_client *c, const struct told_worker *w)
{
	struct json *line = json_object(), *answer;
	struct json *v = rt_worker_spec_json(&w->spec);
	int rc;

	json_set_bool(v, "ours", w->ours);
	json_set(line, "worker", v);
	rc = link_ask(c, line, &answer);
	json_free(answer);
	return rc;
}

static int open_daemon(struct rt_client *c)
{
	int rc = link_open(c);

	if (rc == -ENOENT && c->mode == CLIENT_START) {
		rc = rt_daemon_start(c->path, START_S);
		if (!rc)
			rc = link_open(c);
	}
	for (size_t i = 0; !rc && i < c->worker_count; i++)
		rc = tell_worker(c, &c->workers[i]);
	if (rc)
		link_close(c);
	return rc;
}

int back_open(struct rt_client *c)
{
	int rc = c->mode == CLIENT_OFF ? -ENOENT : open_daemon(c);

	if (!rc)
		return 0;
	c->lost = false;
	/* What may not be asked there is asked here; what is broken is said. */
	if (c->mode == CLIENT_PATH || c->mode == CLIENT_START)
		return rc;
	err_clear();
	return local_open(c);
}

/* ---- requests ---------------------------------------------------------- */

static void bind(struct rt_client *c, struct order *o, uint64_t far)
{
	o->far = far;
	idmap_set(&c->by_far, far, o);
}

int back_submit(struct rt_client *c, struct order *const *o, size_t n)
{
	struct rt_request *q = mem_zalloc(n, sizeof(*q));
	uint64_t *far = mem_zalloc(n, sizeof(*far));
	int rc;

	for (size_t i = 0; i < n; i++)
		q[i] = o[i]->q; /* lent */
	if (c->shared)
		rc = link_submit(c, q, n, far);
	else
		rc = rt_submit(c->local, q, n, CLIENT_SELF, clock_monotonic(),
			       far);
	for (size_t i = 0; !rc && i < n; i++)
		bind(c, o[i], far[i]);
	c->due = 0;
	free(q);
	free(far);
	return rc;
}

/* Says what h was done with. */
int back_done(struct rt_client *c, struct held *h)
{
	struct json *line, *v;

	if (!c->shared) {
		c->due = 0;
		return rt_done(c->local, h->far, h->ended, clock_monotonic());
	}
	line = json_object();
	v = rt_outcome_json(h->ended);
	json_set_number(v, "lease", (double)h->far);
	json_set(line, "done", v);
	link_put(c, line);
	return 0;
}

/* ---- after a loss ------------------------------------------------------ */

static void forget(struct rt_client *c)
{
	struct order *o;

	TAILQ_FOREACH(o, &c->orders, all)
	{
		o->far = 0;
		for (size_t i = 0; i < 2; i++)
			if (o->held[i])
				o->held[i]->far = 0;
	}
	rt_map_release(&c->by_far);
	rt_map_release(&c->far_leases);
	link_close(c);
	c->lost = false;
}

static const struct past *find_past(const struct rt_client *c, const char *key)
{
	for (size_t i = 0; i < c->past_count; i++)
		if (!strcmp(c->past[i].key, key))
			return &c->past[i];
	return NULL;
}

/* What it waits for has ended where nobody knows of it any more: the edge is
 * taken off, or says how it ends itself, as in the engine. */
static enum rt_state settle_deps(struct rt_client *c, struct order *o)
{
	enum rt_state doom = RT_DONE;
	size_t left = 0, had = o->q.dep_count;

	for (size_t i = 0; i < had; i++) {
		struct rt_dep *d = &o->q.deps[i];
		const struct past *p = find_past(c, d->key);

		if (!p) {
			o->q.deps[left++] = *d;
			continue;
		}
		if (p->state != RT_DONE && d->on_failure != RT_EDGE_RUN &&
		    doom != RT_FAILED)
			doom = p->state == RT_SKIPPED ||
					       d->on_failure == RT_EDGE_SKIP
				       ? RT_SKIPPED
				       : RT_FAILED;
		free(d->key);
	}
	o->q.dep_count = left;
	c->with_deps -= had && !left;
	return doom;
}

static void give_up(struct rt_client *c, struct order *o, enum rt_state state,
		    int rc)
{
	struct news *n = news_add(c, NEWS_ENDED);

	n->key = mem_strdup(o->q.key);
	n->state = state;
	n->outcome.error = rc;
	n->outcome.text = mem_strdup(err_text());
	/* What waits for it goes by that before it is told. */
	o->given_up = true;
	past_add(c, o->q.key, state);
}

/* True: it is given up. */
static bool settle(struct rt_client *c, struct order *o)
{
	enum rt_state doom = o->cancelled ? RT_CANCELLED : settle_deps(c, o);

	if (doom == RT_DONE)
		return false;
	err_set(ECANCELED, o->cancelled ? "it was cancelled"
					: "what it waited for has failed");
	give_up(c, o, doom, -ECANCELED);
	return true;
}

/* The orders that were submitted together with the one at *at, behind which
 * *at is left.  They may wait for one that stands behind them. */
static size_t take_graph(struct rt_client *c, struct order **at,
			 struct order **out)
{
	uint64_t graph = (*at)->graph;
	struct order *o;
	size_t n = 0;
	bool any;

	do {
		any = false;
		for (o = *at; o && o->graph == graph; o = TAILQ_NEXT(o, all))
			any |= !o->given_up && settle(c, o);
	} while (any);
	for (o = *at; o && o->graph == graph; o = TAILQ_NEXT(o, all))
		if (!o->given_up)
			out[n++] = o;
	*at = o;
	return n;
}

/* -EPIPE: the next daemon is gone as well. */
static int submit_again(struct rt_client *c)
{
	struct order *o = TAILQ_FIRST(&c->orders), **graph;
	size_t most = 0;
	int rc = 0;

	TAILQ_FOREACH(o, &c->orders, all)
	most++;
	graph = mem_zalloc(most + 1, sizeof(*graph));
	o = TAILQ_FIRST(&c->orders);
	while (o && rc != -EPIPE) {
		size_t n = take_graph(c, &o, graph);

		rc = n ? back_submit(c, graph, n) : 0;
		for (size_t i = 0; rc && rc != -EPIPE && i < n; i++)
			give_up(c, graph[i], RT_FAILED, rc);
	}
	free(graph);
	return rc == -EPIPE ? rc : 0;
}

int back_recover(struct rt_client *c)
{
	int rc = -EPIPE;

	for (int i = 0; rc == -EPIPE && i < LOSSES; i++) {
		forget(c);
		/* With nothing to do it is looked for when there is. */
		if (TAILQ_EMPTY(&c->orders) && !c->worker_count)
			return 0;
		rc = c->mode == CLIENT_OFF ? -ENOENT : open_daemon(c);
		if (!rc)
			rc = submit_again(c);
		else if (rc != -EPIPE)
			break;
	}
	if (!rc)
		return 0;
	forget(c);
	err_clear();
	rc = c->local ? 0 : local_open(c);
	return rc ? rc : submit_again(c);
}
