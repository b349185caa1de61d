/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/keeper/store.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/client.h"

#define LOOK_S 0.1 /* how often *cancel is looked at, signals apart */

struct asking {
	const struct store_opts *o;
	const struct json *payload;
	struct rt_client *c;
	struct json *result;
	bool ended;
	int rc;
	char *text; /* of the error */
};

/* It is ours to carry out: there is no daemon, or it has no store. */
static void on_start(void *arg, const struct rt_grant *g)
{
	struct asking *a = arg;
	struct json *result = NULL;
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.error = store_direct(a->o, a->payload, &result);
	if (o.error)
		o.text = mem_strdup(err_text());
	else
		o.result = json_canonical(result);
	rt_client_done(a->c, g->lease, &o);
	rt_outcome_release(&o);
	json_free(result);
}

static void on_ended(void *arg, uint64_t id, const char *key,
		     enum rt_state state, const struct rt_outcome *o)
{
	struct asking *a = arg;

	(void)id;
	(void)key;
	a->ended = true;
	a->rc = o->error;
	if (!a->rc && state != RT_DONE)
		a->rc = -ECANCELED;
	if (a->rc)
		a->text = mem_strdup(o->text ? o->text : strerror(-a->rc));
	else if (o->result)
		a->result = json_parse(o->result, strlen(o->result));
}

static const struct rt_client_ops ops = {
	.start = on_start,
	.ended = on_ended,
};

/* Asked twice, it is as if it were asked once. */
static bool idempotent(const char *verb)
{
	return strcmp(verb, "put") && strcmp(verb, "rollback") &&
	       strcmp(verb, "unshare");
}

static int submit(struct asking *a)
{
	struct rt_request q;
	uint64_t id;
	int rc;

	rt_request_init(&q);
	rc = rt_kind_read(json_text_at(a->payload, "kind"), &q.kind);
	q.place = RT_WORKER;
	free(q.payload);
	q.payload = json_canonical(a->payload);
	q.idempotent = idempotent(json_text_at(a->payload, "verb"));
	if (!rc)
		rc = rt_client_submit(a->c, &q, 1, &id);
	rt_request_release(&q);
	return rc;
}

static int wait_for(struct asking *a)
{
	int rc = 0;

	while (!rc && !a->ended) {
		struct pollfd p = {rt_client_fd(a->c), POLLIN, 0};
		double wait = fmin(rt_client_wait(a->c), LOOK_S);

		if (a->o->cancel && *a->o->cancel)
			return err_set(EINTR, "cancelled");
		poll(&p, 1, (int)ceil(wait * 1e3));
		rc = rt_client_step(a->c);
	}
	if (!rc && a->rc)
		rc = err_set(-a->rc, "%s", a->text);
	if (!rc && !a->result)
		rc = err_set(EBADMSG, "the runtime gave no answer");
	return rc;
}

static int ask_runtime(const struct store_opts *o, const struct json *payload,
		       struct json **result)
{
	struct asking a = {.o = o, .payload = payload};
	struct rt_client_opts opts = {
		.agent = o->agent,
		.ops = &ops,
		.arg = &a,
	};
	int rc = rt_client_open(&opts, &a.c);

	if (rc)
		return rc;
	rc = submit(&a);
	if (!rc)
		rc = wait_for(&a);
	rt_client_close(a.c);
	free(a.text);
	if (rc)
		json_free(a.result);
	else
		*result = a.result;
	return rc;
}

int store_ask(const struct store_opts *o, const struct json *payload,
	      struct json **result)
{
	const char *elsewhere = getenv("SCHEDKIT_HISTORY");

	*result = NULL;
	if (o->history || (elsewhere && *elsewhere))
		return store_direct(o, payload, result);
	return ask_runtime(o, payload, result);
}
