/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question: down the ladder of shapes, settled and recorded, judged and
 * once repaired, from one endpoint to the next.
 */
#include "llm/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "llm/judge.h"
#include "llm/record.h"
#include "llm/secret.h"

/* How a turn is asked to go on. */
#define RESUME_TOKENS 128

static const char *asked_model(const struct llm_call *c)
{
	const struct provider *p = c->e->provider;

	return p->model ? p->model : "unnamed";
}

/* ---- the end ---------------------------------------------------------- */

/* rc has its message in the error slot. */
static void over(struct llm_call *c, int rc)
{
	struct llm_answer *a = &c->a;

	if (c->any_before)
		judge_add_costs(&c->before, a);
	free(a->endpoint);
	a->endpoint = mem_strdup(c->e->name);
	if (!a->suspended) {
		a->slices = c->from.slices + 1;
		a->restarts = c->from.restarts;
	}
	c->rc = rc;
	c->words = mem_strdup(rc ? err_text() : "");
	c->done = true;
}

/* What was asked before it counts, but is not the answer. */
static void put_aside(struct llm_call *c)
{
	if (c->any_before)
		judge_add_costs(&c->before, &c->a);
	llm_answer_release(&c->before);
	c->before = c->a;
	c->any_before = true;
	c->a = answer_none();
}

/* It can go on from here. */
static void suspended(struct llm_call *c)
{
	struct resume *f = &c->from;

	if (c->any_before)
		judge_add_costs(&c->before, &c->a);
	c->any_before = false;
	f->costs = c->a;
	f->slices++;
	free(f->endpoint);
	f->endpoint = mem_strdup(c->e->name);
	record_digest(&c->r, f->digest);
	c->a.suspended = resume_json(f);
	c->a.slices = f->slices;
	c->a.restarts = f->restarts;
	over(c, 0);
}

/* ---- accounts --------------------------------------------------------- */

static size_t json_bytes(const struct json *v)
{
	char *text;
	size_t n;

	if (!v)
		return 0;
	text = json_canonical(v);
	n = strlen(text);
	free(text);
	return n;
}

/* What a call may use at most: a token has about four bytes. */
static struct llm_usage most_of(const struct llm_request *r)
{
	size_t bytes = (r->system ? strlen(r->system) : 0) +
		       json_bytes(r->messages) + json_bytes(r->tools) +
		       json_bytes(r->schema);

	return (struct llm_usage){.in = (long)(bytes / 4) + 1,
				  .out = r->max_tokens};
}

/* An answer that names no figures was not free: a budget must not be passed by
 * because a server leaves them out. */
static void estimate(const struct llm_request *r, struct llm_answer *a)
{
	size_t bytes = a->text ? strlen(a->text) : 0;

	if (json_len(a->calls))
		bytes += json_bytes(a->calls);
	if (!bytes || a->usage.in || a->usage.out)
		return;
	a->usage.in = most_of(r).in;
	a->usage.out = (long)(bytes / 4) + 1;
	a->estimated = true;
}

/* The message of a failed call must survive what is done after it. */
static int keep_first(int first, int second, const char *words)
{
	if (first)
		err_set(-first, "%s", words);
	return first ? first : second;
}

static void release_hold(struct llm_call *c)
{
	if (!c->l->ledger)
		return;
	ledger_release(c->l->ledger, &c->hold);
	c->l->settled++;
}

static int settle(struct llm_call *c, int outcome)
{
	char id[33], *words;
	int rc;

	c->a.cost_usd = -1;
	if (!c->l->ledger)
		return outcome;
	words = mem_strdup(err_text());
	release_hold(c);
	random_hex(id, sizeof(id));
	rc = ledger_settle(c->l->ledger, id, c->e->about.backend,
			   asked_model(c), &c->turn, &c->a, outcome,
			   &c->a.cost_usd);
	rc = keep_first(outcome, rc, words);
	free(words);
	return rc;
}

/* Cuts keys out of what was answered, whole as it is. */
static void scrub(struct llm_answer *a)
{
	char *clean = secret_scrub(a->text ? a->text : ""), *calls;
	struct json *v;

	free(a->text);
	a->text = clean;
	if (!a->calls) {
		a->calls = json_array();
		return;
	}
	calls = json_canonical(a->calls);
	clean = secret_scrub(calls);
	if (strcmp(calls, clean)) {
		v = json_parse(clean, strlen(clean));
		json_free(a->calls);
		a->calls = v ? v : json_array();
	}
	free(calls);
	free(clean);
}

static int record(struct llm_call *c, int rc)
{
	char *words;
	int recorded;

	scrub(&c->a);
	secret_scrub_err(rc);
	/* A piece of an answer would be replayed as if it were all. */
	if (!c->l->recorder || rc == -ERESTART)
		return rc;
	words = mem_strdup(err_text());
	recorded = recorder_add(c->l->recorder, &c->turn, &c->a, rc);
	rc = keep_first(rc, recorded, words);
	free(words);
	return rc;
}

/* ---- what follows ----------------------------------------------------- */

static void begin_shapes(struct llm_call *c)
{
	c->shape = c->turn.schema ? 0 : SHAPE_PLAIN;
}

/* Down the ladder to what the endpoint is not known to refuse; false: there
 * is nothing left. */
static bool next_shape(struct llm_call *c)
{
	/* The one tool that has to be called leaves no choice. */
	while (c->turn.schema && c->shape < SHAPE_COUNT &&
	       (c->e->refused[c->shape] ||
		(c->shape == SHAPE_CALL && json_len(c->turn.tools))))
		c->shape++;
	return c->shape < SHAPE_COUNT;
}

static bool may_another(int rc)
{
	return rc == -EAGAIN || rc == -ETIMEDOUT || rc == -EACCES;
}

/* Another endpoint is asked, if there is one. */
static bool try_another(struct llm_call *c, int rc)
{
	struct endpoint *end = c->l->endpoints + c->l->endpoint_count;

	if (!c->others || !may_another(rc) || c->e + 1 == end)
		return false;
	put_aside(c);
	c->e++;
	/* Its state is not kept there. */
	free(c->from.slot);
	c->from.slot = NULL;
	begin_shapes(c);
	return true;
}

static void begin_repair(struct llm_call *c)
{
	struct resume *f = &c->from;

	c->messages = judge_repair(&c->r, f->wrong, f->why);
	c->turn.messages = c->messages;
}

static void repair(struct llm_call *c)
{
	struct resume *f = &c->from;

	f->wrong = mem_strdup(c->a.text);
	f->why = mem_strdup(err_text());
	free(f->text);
	f->text = NULL;
	f->tokens = 0;
	c->resumed = false;
	put_aside(c);
	begin_repair(c);
	begin_shapes(c);
}

/* That it may not be asked again is why it stays wrong. */
static void no_repair(struct llm_call *c)
{
	char *budget = mem_strdup(err_text());
	int rc =
		err_set(EDQUOT, "%s; not asked again: %s", c->from.why, budget);

	llm_answer_release(&c->a);
	c->a = c->before;
	c->before = answer_none();
	c->any_before = false;
	free(budget);
	over(c, rc);
}

static void turn_over(struct llm_call *c, int rc)
{
	bool again = false;

	if (rc == -ERESTART) {
		suspended(c);
		return;
	}
	if (rc && try_another(c, rc))
		return;
	if (!rc)
		rc = judge(&c->turn, &c->a, &again);
	if (rc && again && !c->messages)
		repair(c);
	else
		over(c, rc);
}

/* The provider has ended. */
static void asked(struct llm_call *c, int rc)
{
	if (c->x)
		c->e->provider->ops->end(c->x);
	c->x = NULL;
	if (rc == -EOPNOTSUPP) {
		release_hold(c);
		if (!c->turn.schema) {
			over(c, rc);
			return;
		}
		c->e->refused[c->shape] = true;
		llm_answer_release(&c->a);
		c->a = answer_none();
		return;
	}
	if (!rc)
		estimate(&c->turn, &c->a);
	if (!c->a.model && c->e->provider->model)
		c->a.model = mem_strdup(c->e->provider->model);
	rc = settle(c, rc);
	turn_over(c, record(c, rc));
}

/* ---- asking ----------------------------------------------------------- */

/* Nothing of this turn was sent. */
static void not_asked(struct llm_call *c, int rc)
{
	if ((rc == -EDQUOT || rc == -ENODATA) && c->messages && c->any_before)
		no_repair(c);
	else
		over(c, secret_scrub_err(rc));
}

/* What the turn may use from here on. */
static struct llm_usage most_of_turn(const struct llm_call *c)
{
	struct llm_usage most = most_of(&c->turn);

	/* What was said is read once more. */
	if (c->resumed && resume_any(&c->from))
		most.in += (long)strlen(c->from.text) / 4 + RESUME_TOKENS;
	return most;
}

static bool another_attempt(void *arg)
{
	struct llm_call *c = arg;
	struct llm_usage most = most_of_turn(c);

	most.in += c->a.usage.in;
	most.out += c->a.usage.out;
	return !c->l->ledger ||
	       !ledger_extend(c->l->ledger, c->e->about.backend, asked_model(c),
			      most, &c->hold);
}

/* False: other calls hold what it may use. */
static bool allowed(struct llm_call *c)
{
	struct llm *l = c->l;
	int rc;

	if (!l->ledger)
		return true;
	if (c->waiting && c->settled == l->settled)
		return false;
	rc = ledger_allow(l->ledger, c->e->about.backend, asked_model(c),
			  most_of_turn(c), &c->hold);
	c->waiting = rc == -EBUSY;
	c->settled = l->settled;
	if (rc && !c->waiting)
		not_asked(c, rc);
	return !rc;
}

static void ask(struct llm_call *c)
{
	struct provider *p = c->e->provider;
	struct ask a = {
		.r = &c->turn,
		.shape = (enum llm_shape)c->shape,
		.attempts = c->attempts,
		.from = c->resumed ? &c->from : NULL,
		.out = &c->a,
		.another = another_attempt,
		.arg = c,
	};

	if (p->ops->start) {
		c->x = p->ops->start(p, &a);
		return;
	}
	c->l->stayed = true;
	/* It has no way to go on: a turn begins anew. */
	if (c->resumed && resume_any(&c->from))
		c->from.restarts++;
	asked(c, p->ops->call(p, a.r, a.shape, a.out));
}

/* After a call that took its time what has come meanwhile is looked at. */
static bool has_turn(const struct llm_call *c, double *wake)
{
	if (c->e->provider->ops->start || !c->l->stayed)
		return true;
	*wake = 0;
	return false;
}

/* Cancelled or suspended before anything of this turn was asked. */
static void stopped(struct llm_call *c)
{
	if (c->cancel)
		over(c, err_set(ECANCELED, "cancelled"));
	else
		suspended(c);
}

/* A slice that is to bring what the one before has lost is not cut. */
static bool halts(const struct llm_call *c)
{
	return c->cancel || (c->suspend && !(c->resumed && c->from.stuck));
}

void ask_step(struct llm_call *c, double *wake)
{
	int rc;

	while (!c->done) {
		const struct provider_ops *ops = c->e->provider->ops;

		if (c->x) {
			if (halts(c))
				ops->halt(c->x, c->cancel ? NULL : &c->from);
			if (!ops->step(c->x, wake, &rc))
				return;
			asked(c, rc);
		} else if (halts(c)) {
			stopped(c);
		} else if (c->l->cancel && *c->l->cancel) {
			over(c, err_set(EINTR, "cancelled"));
		} else if (!next_shape(c)) {
			over(c,
			     err_set(EINVAL, "%s takes no request for JSON: %s",
				     c->e->provider->name, err_text()));
		} else if (!has_turn(c, wake) || !allowed(c)) {
			return;
		} else if (!c->done) {
			ask(c);
		}
	}
}

/* ---- for those outside ------------------------------------------------ */

static struct endpoint *find_endpoint(struct llm *l, const char *name)
{
	for (size_t i = 0; i < l->endpoint_count; i++)
		if (!strcmp(l->endpoints[i].name, name))
			return &l->endpoints[i];
	err_set(ENOENT, "there is no endpoint '%s'", name);
	return NULL;
}

/* Where it was suspended is in c->from. */
static void go_on(struct llm_call *c)
{
	struct resume *f = &c->from;

	c->resumed = true;
	c->before = f->costs;
	c->any_before = true;
	f->costs = answer_none();
	if (f->slot && strcmp(f->endpoint ? f->endpoint : "", c->e->name)) {
		free(f->slot);
		f->slot = NULL;
	}
	if (f->wrong && f->why)
		begin_repair(c);
}

int ask_new(struct llm *l, const struct llm_request *r,
	    const struct llm_call_opts *o, struct llm_call **out)
{
	struct llm_call *c = mem_zalloc(1, sizeof(*c));
	int rc = 0;

	c->l = l;
	c->r = *r;
	c->turn = *r;
	c->a = answer_none();
	c->before = answer_none();
	c->attempts = o->attempts;
	c->others = !o->endpoint;
	c->e = o->endpoint ? find_endpoint(l, o->endpoint) : l->endpoints;
	if (!c->e)
		rc = -ENOENT;
	else if (o->resume)
		rc = resume_read(o->resume, r, &c->from);
	if (rc) {
		ask_free(c);
		return rc;
	}
	if (o->resume)
		go_on(c);
	begin_shapes(c);
	*out = c;
	return 0;
}

void ask_free(struct llm_call *c)
{
	if (c->x)
		c->e->provider->ops->end(c->x);
	json_free(c->messages);
	llm_answer_release(&c->a);
	llm_answer_release(&c->before);
	resume_release(&c->from);
	free(c->words);
	free(c);
}
