/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user of a client is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/client_state.h"

struct news *news_add(struct rt_client *c, enum news_kind kind)
{
	struct news *n = mem_zalloc(1, sizeof(*n));

	n->kind = kind;
	rt_outcome_init(&n->outcome);
	TAILQ_INSERT_TAIL(&c->news, n, all);
	return n;
}

void news_free(struct news *n)
{
	free(n->key);
	free(n->worker);
	free(n->payload);
	free(n->checkpoint);
	rt_outcome_release(&n->outcome);
	free(n);
}

/* ---- start ------------------------------------------------------------- */

/* That of a loss which nobody has granted anew. */
static struct held *find_loose(const struct order *o, bool hedge)
{
	for (size_t i = 0; i < 2; i++)
		if (o->held[i] && !o->held[i]->far &&
		    o->held[i]->hedge == hedge)
			return o->held[i];
	return NULL;
}

/* Leases whose outcome was not the end of the request: it is tried again. */
static void drop_spent(struct rt_client *c, struct order *o)
{
	for (size_t i = 0; i < 2; i++)
		if (o->held[i] && o->held[i]->ended && o->held[i]->far)
			held_free(c, o->held[i]);
}

static void rebind(struct rt_client *c, struct held *h, uint64_t far)
{
	h->far = far;
	idmap_set(&c->far_leases, far, h);
	if (h->ended)
		back_done(c, h);
}

static void call_start(struct rt_client *c, const struct news *n,
		       const struct held *h)
{
	const struct order *o = h->order;
	struct rt_grant g = {
		.id = o ? o->id : n->id,
		.lease = h->lease,
		.key = n->key,
		.worker = n->worker,
		.payload = n->payload,
		.checkpoint = n->checkpoint,
		.attempt = n->attempt,
		.quantum = n->quantum,
		.hedge = n->hedge,
		.held = &h->vec,
	};

	if (!g.checkpoint && o && o->checkpoint)
		g.checkpoint = o->checkpoint;
	if (o && o->id == c->taking)
		c->taken = h->lease;
	else if (c->ops && c->ops->start)
		c->ops->start(c->arg, &g);
}

/* A request that this process knows nothing of: of its run, and of a process
 * that is no more. */
static void refuse(struct rt_client *c, const struct news *n)
{
	struct held *h = held_new(c, NULL, n->lease);

	h->ended = mem_zalloc(1, sizeof(*h->ended));
	rt_outcome_init(h->ended);
	h->ended->error = -ECANCELED;
	h->ended->text = mem_strdup("who asked for it is gone");
	back_done(c, h);
	held_free(c, h);
}

static bool is_ours(const struct rt_client *c, const char *worker)
{
	for (size_t i = 0; i < c->worker_count; i++)
		if (c->workers[i].ours &&
		    !strcmp(c->workers[i].spec.name, worker))
			return true;
	return false;
}

static void tell_start(struct rt_client *c, const struct news *n)
{
	bool serves = is_ours(c, n->worker);
	struct order *o = serves ? NULL : idmap_find(&c->by_far, n->id);
	struct held *h = idmap_find(&c->far_leases, n->lease);

	if (!o && !serves) {
		refuse(c, n);
		return;
	}
	if (h) { /* it has grown */
		h->vec = n->held;
		call_start(c, n, h);
		return;
	}
	h = o ? find_loose(o, n->hedge) : NULL;
	if (h) {
		rebind(c, h, n->lease);
		return;
	}
	if (o)
		drop_spent(c, o);
	h = held_new(c, o, n->lease);
	h->hedge = n->hedge;
	h->vec = n->held;
	call_start(c, n, h);
}

/* ---- suspend, cancel --------------------------------------------------- */

static void tell_suspend(struct rt_client *c, const struct news *n)
{
	const struct held *h = idmap_find(&c->far_leases, n->lease);

	if (h && !h->ended && c->ops && c->ops->suspend)
		c->ops->suspend(c->arg, h->lease);
}

static void call_cancel(struct rt_client *c, struct held *h)
{
	uint64_t lease = h->lease;
	bool runs = !h->ended;

	held_free(c, h);
	if (runs && c->ops && c->ops->cancel)
		c->ops->cancel(c->arg, lease);
}

static void tell_cancel(struct rt_client *c, const struct news *n)
{
	struct held *h = idmap_find(&c->far_leases, n->lease);

	if (h)
		call_cancel(c, h);
}

/* ---- ended ------------------------------------------------------------- */

static void acknowledge(struct rt_client *c, uint64_t far)
{
	struct json *line, *v;

	if (!far)
		return;
	if (!c->shared) {
		if (c->local)
			rt_delivered(c->local, far, clock_monotonic());
		return;
	}
	line = json_object();
	v = json_object();
	json_set_number(v, "id", (double)far);
	json_set(line, "delivered", v);
	link_put(c, line);
}

void past_add(struct rt_client *c, const char *key, enum rt_state state)
{
	if (!c->with_deps || !*key)
		return;
	if (c->past_count == c->past_cap) {
		c->past_cap = c->past_cap ? c->past_cap * 2 : 16;
		c->past = mem_realloc(c->past, c->past_cap, sizeof(*c->past));
	}
	c->past[c->past_count++] = (struct past){mem_strdup(key), state};
}

/* Of the one who serves now, or, told of before it knew of it (after a loss),
 * by its key. */
static struct order *find_order(struct rt_client *c, const struct news *n)
{
	struct order *o = idmap_find(&c->by_far, n->id);

	if (o && !strcmp(o->q.key, n->key))
		return o;
	TAILQ_FOREACH(o, &c->orders, all)
	if (!strcmp(o->q.key, n->key))
		return o;
	return NULL;
}

static void tell_ended(struct rt_client *c, const struct news *n)
{
	struct order *o = find_order(c, n);
	uint64_t id;

	acknowledge(c, n->id);
	if (!o)
		return;
	for (size_t i = 0; i < 2; i++)
		if (o->held[i])
			call_cancel(c, o->held[i]);
	id = o->id;
	past_add(c, o->q.key, n->state);
	order_free(c, o);
	if (id == c->taking) {
		c->taking = 0;
		c->taken_rc = n->outcome.error ? n->outcome.error : -ECANCELED;
		err_set(-c->taken_rc, "%s",
			n->outcome.text ? n->outcome.text : "it was cancelled");
	} else if (c->ops && c->ops->ended) {
		c->ops->ended(c->arg, id, n->key, n->state, &n->outcome);
	}
}

int news_tell(struct rt_client *c)
{
	struct news *n;
	int told = 0;

	while ((n = TAILQ_FIRST(&c->news))) {
		TAILQ_REMOVE(&c->news, n, all);
		switch (n->kind) {
		case NEWS_START:
			tell_start(c, n);
			break;
		case NEWS_SUSPEND:
			tell_suspend(c, n);
			break;
		case NEWS_CANCEL:
			tell_cancel(c, n);
			break;
		case NEWS_ENDED:
			tell_ended(c, n);
			break;
		}
		news_free(n);
		told++;
	}
	return told;
}
