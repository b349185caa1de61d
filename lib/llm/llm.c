/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/llm.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"
#include "llm/address.h"
#include "llm/ask.h"
#include "llm/call.h"
#include "llm/record.h"
#include "llm/secret.h"
#include "llm/transfer.h"

/* Of an endpoint that does not say how many it has. */
#define SLOTS 4
/* How late a cancellation may be noticed, s. */
#define TICK 0.05

/* ---- opening ---------------------------------------------------------- */

static int open_provider(struct llm *l, const struct address *a, bool alone,
			 const struct llm_opts *o, struct provider **out)
{
	const struct secret *key = NULL;
	struct http_where w;
	int rc = address_key(a, alone, &key);

	if (rc)
		return rc;
	switch (a->kind) {
	case ADDRESS_COMMAND:
		return command_provider_new(a->where, o, out);
	case ADDRESS_REPLAY:
		return replay_provider_new(a->where, o, out);
	case ADDRESS_OPENAI:
	case ADDRESS_ANTHROPIC:
		break;
	}
	if (!l->loop)
		rc = transfer_loop_new(&l->loop);
	w = (struct http_where){
		.anthropic = a->kind == ADDRESS_ANTHROPIC,
		.url = a->where,
		.key = key ? key->value : NULL,
		.resume = a->resume,
		.slots = a->slots,
	};
	return rc ? rc : http_provider_new(&w, o, l->loop, out);
}

static struct endpoint *add_endpoint(struct llm *l, struct provider *p,
				     const char *name, const char *backend)
{
	struct endpoint *e;

	l->endpoints = mem_realloc(l->endpoints, l->endpoint_count + 1,
				   sizeof(*l->endpoints));
	e = &l->endpoints[l->endpoint_count];
	*e = (struct endpoint){
		.name = mem_strdup(name),
		.provider = p,
		.about = {.backend = backend,
			  .order = l->endpoint_count,
			  .slots = p->ops->start ? SLOTS : 1},
	};
	l->endpoint_count++;
	return e;
}

static int open_endpoint(struct llm *l, const struct address *a, bool alone,
			 const struct llm_opts *o)
{
	struct llm_opts own = *o;
	struct llm_endpoint *about;
	struct provider *p;
	int rc;

	own.model = a->model;
	rc = open_provider(l, a, alone, &own, &p);
	if (rc)
		return rc;
	about = &add_endpoint(l, p, a->name, address_kind_names[a->kind])
			 ->about;
	if (a->slots)
		about->slots = a->slots;
	about->requests_min = a->requests_min;
	about->tokens_in_min = a->tokens_in_min;
	about->tokens_out_min = a->tokens_out_min;
	return 0;
}

static struct llm *llm_new(struct ledger *ledger, struct recorder *recorder)
{
	struct llm *l = mem_zalloc(1, sizeof(*l));

	l->ledger = ledger;
	l->recorder = recorder;
	l->last = &l->first;
	return l;
}

struct llm *llm_with(struct provider *p, const char *backend,
		     struct ledger *ledger, struct recorder *recorder)
{
	struct llm *l = llm_new(ledger, recorder);

	add_endpoint(l, p, backend, backend);
	return l;
}

int llm_open(const struct llm_opts *o, struct llm **out)
{
	struct recorder *recorder = NULL;
	struct addresses a;
	struct llm *l;
	int rc = addresses_read(o->backend, o->model, &a);

	if (rc)
		return secret_scrub_err(rc);
	if (o->record)
		rc = recorder_open(o->record, &recorder);
	l = llm_new(o->ledger, recorder);
	l->cancel = o->cancel;
	for (size_t i = 0; !rc && i < a.n; i++)
		rc = open_endpoint(l, &a.v[i], a.n == 1, o);
	addresses_release(&a);
	if (!rc) {
		*out = l;
		return 0;
	}
	secret_scrub_err(rc);
	llm_close(l);
	return rc;
}

/* What it has used by now goes to the accounts. */
static void give_up(struct llm_call *c)
{
	double wake;

	c->cancel = true;
	ask_step(c, &wake);
}

void llm_close(struct llm *l)
{
	if (!l)
		return;
	while (l->first) {
		struct llm_call *c = l->first;

		give_up(c);
		l->first = c->next;
		ask_free(c);
	}
	for (size_t i = 0; i < l->endpoint_count; i++) {
		struct provider *p = l->endpoints[i].provider;

		p->ops->free(p);
		free(l->endpoints[i].name);
	}
	free(l->endpoints);
	transfer_loop_free(l->loop);
	recorder_close(l->recorder);
	secret_forget();
	free(l);
}

const char *llm_name(const struct llm *l)
{
	return l->endpoints[0].provider->name;
}

const char *llm_backend(const struct llm *l)
{
	return l->endpoints[0].about.backend;
}

size_t llm_endpoints(const struct llm *l)
{
	return l->endpoint_count;
}

struct llm_endpoint llm_endpoint(const struct llm *l, size_t i)
{
	const struct endpoint *e = &l->endpoints[i];
	struct llm_endpoint out = e->about;

	out.name = e->name;
	out.model = e->provider->model;
	out.resume = e->provider->resume;
	return out;
}

/* ---- calls ------------------------------------------------------------ */

int llm_start(struct llm *l, const struct llm_request *r,
	      const struct llm_call_opts *o, struct llm_call **out)
{
	static const struct llm_call_opts none;
	int rc = 0;

	if (r->schema) {
		rc = json_schema_load(r->schema);
		if (rc)
			return err_prefix(rc, "the schema of the %s", r->role);
	}
	rc = ask_new(l, r, o ? o : &none, out);
	if (rc)
		return rc;
	*l->last = *out;
	l->last = &(*out)->next;
	return 0;
}

/* All of them, and once more while what one has settled may let another go
 * on.  Returns how many are not done. */
static size_t move(struct llm *l, double *wake)
{
	size_t settled, left;
	bool ended = false;

	do {
		settled = l->settled;
		left = 0;
		*wake = INFINITY;
		for (struct llm_call *c = l->first; c; c = c->next) {
			bool was = c->done;

			ask_step(c, wake);
			left += !c->done;
			ended |= c->done && !was;
		}
	} while (settled != l->settled);
	/* Its result is waited for. */
	if (ended)
		*wake = 0;
	return left;
}

size_t llm_step(struct llm *l, double seconds, struct pollfd *fds, size_t n)
{
	double wake, wait;

	l->stayed = false;
	move(l, &wake);
	wait = fmin(seconds, wake - clock_monotonic());
	if (l->cancel && l->first)
		wait = fmin(wait, TICK);
	wait = fmax(wait, 0);
	if (l->loop && l->first)
		transfer_loop_step(l->loop, wait, fds, n);
	else
		poll(fds, n, (int)ceil(wait * 1000));
	return move(l, &wake);
}

bool llm_done(const struct llm_call *c)
{
	return c->done;
}

long llm_tokens(const struct llm_call *c)
{
	if (c->x)
		return c->e->provider->ops->tokens(c->x);
	return c->resumed ? c->from.tokens : 0;
}

void llm_cancel(struct llm_call *c)
{
	c->cancel = true;
}

void llm_suspend(struct llm_call *c)
{
	c->suspend = true;
}

int llm_take(struct llm_call *c, struct llm_answer *out)
{
	struct llm *l = c->l;
	struct llm_call **at = &l->first;
	int rc;

	give_up(c);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (l->last == &c->next)
		l->last = at;
	rc = c->rc;
	*out = c->a;
	c->a = answer_none();
	if (rc)
		err_set(-rc, "%s", c->words);
	ask_free(c);
	return rc;
}

void llm_answer_release(struct llm_answer *a)
{
	free(a->text);
	free(a->model);
	free(a->endpoint);
	json_free(a->suspended);
	json_free(a->value);
	json_free(a->calls);
	*a = answer_none();
}
