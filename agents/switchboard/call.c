/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions, from whoever asks to the runtime, and from there to ask-model.
 *
 * What the runtime calls back only leaves a mark: nothing is asked of it from
 * within its own callbacks.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/switchboard/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "rt/ask.h"

#define BYTES_PER_TOKEN 4
/* Where there is another endpoint; else ask-model tries again itself. */
#define ATTEMPTS 4
#define CORE	 1000
#define PRIORITY 100 /* as anybody's */

/* ---- before the runtime ------------------------------------------------ */

static void set_text(char **at, char *text)
{
	free(*at);
	*at = text;
}

static void add_want(struct rt_request *r, const char *want)
{
	r->wants = mem_zalloc(2, sizeof(*r->wants));
	r->wants[0] = mem_strdup(want);
}

static void describe(const struct switchboard *s, const struct json *down,
		     const char *candidate, struct rt_request *r)
{
	const struct json *first = json_at(model_endpoints(s->o.model), 0);
	const char *system = json_text_at(down, "system");
	char *text = json_canonical(down), digest[DIGEST_HEX_LEN];

	r->kind = RT_LLM;
	r->place = RT_SELF;
	set_text(&r->agent,
		 mem_printf("%s/%s", s->o.agent, json_text_at(down, "role")));
	set_text(&r->run, mem_strdup(s->o.run));
	set_text(&r->candidate, mem_strdup(candidate));
	set_text(&r->key, mem_printf("%s/ask/%ld", candidate, s->asked));
	digest_hex(system, strlen(system), digest);
	set_text(&r->prefix, mem_strdup(digest));
	if (s->endpoints == 1 || s->apart)
		set_text(&r->worker, mem_strdup(json_text_at(first, "name")));
	else
		add_want(r, s->ours);
	r->priority = PRIORITY;
	r->need.v[RES_SLOTS] = 1;
	r->tokens_in = (long)(strlen(text) / BYTES_PER_TOKEN) + 1;
	r->tokens_out = (long)json_as_number(json_get(down, "max_tokens"), 0);
	r->features[0] = (double)r->tokens_in;
	r->features[1] = (double)r->tokens_out;
	r->attempts = s->endpoints > 1 ? ATTEMPTS : 1;
	r->idempotent = true;
	r->preemptible = s->o.stream;
	r->hedge = s->endpoints > 1;
	free(text);
}

static int submit(struct switchboard *s, const char *candidate,
		  struct question *q)
{
	struct rt_request r;
	int rc;

	rt_request_init(&r);
	describe(s, q->down, candidate, &r);
	rc = rt_client_submit(s->rt, &r, 1, &q->id);
	rt_request_release(&r);
	if (rc != -ENODEV || s->apart)
		return rc;
	/* Others announced our endpoints, and theirs are not ours: the first
	 * has to do. */
	s->apart = true;
	return submit(s, candidate, q);
}

int question_new(struct switchboard *s, struct seat *seat, struct json *down,
		 struct question **out)
{
	struct question *q = mem_zalloc(1, sizeof(*q));
	int rc;

	q->seat = seat;
	q->down = down;
	if (seat)
		q->spec = seat->spec;
	s->asked++;
	if (s->stopping || (seat && seat->stopped))
		rc = err_set(ECANCELED, "cancelled");
	else
		rc = submit(s, seat ? seat->spec.candidate : "plan", q);
	q->next = s->questions;
	s->questions = q;
	if (rc) {
		q->ended = true;
		q->error = rc;
		q->text = mem_strdup(err_text());
	}
	*out = q;
	s->busy = true;
	return rc;
}

void question_free(struct switchboard *s, struct question *q)
{
	struct question **at = &s->questions;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	json_free(q->down);
	json_free(q->answer);
	free(q->text);
	free(q);
}

void question_orphan(struct switchboard *s, struct question *q)
{
	q->seat = NULL;
	if (!q->ended)
		rt_client_cancel(s->rt, q->id);
	s->busy = true;
}

int climb_begin(struct switchboard *s, struct climb *c, const char *candidate)
{
	struct rt_request r;
	int rc;

	rt_request_init(&r);
	r.kind = RT_SIM;
	r.place = RT_SELF;
	set_text(&r.agent, mem_printf("%s/ladder", s->o.agent));
	set_text(&r.run, mem_strdup(s->o.run));
	set_text(&r.candidate, mem_strdup(candidate));
	set_text(&r.key, mem_printf("%s/climb/%ld", candidate, s->asked++));
	r.priority = PRIORITY;
	r.need.v[RES_CORES] = CORE;
	*c = (struct climb){0};
	if (s->stopping)
		rc = err_set(ECANCELED, "cancelled");
	else
		rc = rt_client_submit(s->rt, &r, 1, &c->id);
	rt_request_release(&r);
	if (rc)
		c->id = 0;
	s->busy = true;
	return rc;
}

void climb_end(struct switchboard *s, struct climb *c)
{
	struct rt_outcome o;

	if (c->lease) {
		rt_outcome_init(&o);
		rt_client_done(s->rt, c->lease, &o);
		rt_outcome_release(&o);
	} else if (c->id && !c->refused) {
		rt_client_cancel(s->rt, c->id);
	}
	*c = (struct climb){0};
	s->busy = true;
}

/* ---- what the runtime calls back --------------------------------------- */

static struct question *question_of(struct switchboard *s, uint64_t id)
{
	struct question *q = s->questions;

	while (q && (q->id != id || q->ended))
		q = q->next;
	return q;
}

static struct call *call_on(struct switchboard *s, uint64_t lease)
{
	struct call *c = s->calls;

	while (c && c->lease != lease)
		c = c->next;
	return c;
}

/* Whose climb it is, *seat NULL: this process's own. */
static struct climb *climb_of(struct switchboard *s, uint64_t id,
			      struct seat **seat)
{
	*seat = NULL;
	if (s->climb.id == id)
		return &s->climb;
	for (struct seat *t = s->seats; t; t = t->next)
		if (t->climb.id == id) {
			*seat = t;
			return &t->climb;
		}
	return NULL;
}

static void on_start(void *arg, const struct rt_grant *g)
{
	struct switchboard *s = arg;
	struct question *q = question_of(s, g->id);
	struct climb *climb;
	struct seat *seat;
	struct call *c;

	climb = q ? NULL : climb_of(s, g->id, &seat);
	if (climb) {
		climb->lease = g->lease;
		if (seat)
			seat_put(seat, "go", json_bool(true));
		return;
	}
	if (!q)
		return;
	c = mem_zalloc(1, sizeof(*c));
	c->q = q;
	c->id = ++s->last_call;
	c->lease = g->lease;
	c->endpoint = mem_strdup(g->worker);
	c->checkpoint = g->checkpoint ? mem_strdup(g->checkpoint) : NULL;
	c->quantum = g->quantum;
	c->next = s->calls;
	s->calls = c;
	q->calls++;
}

static void on_suspend(void *arg, uint64_t lease)
{
	struct call *c = call_on(arg, lease);

	if (c)
		c->to_suspend = true;
}

static void on_cancel(void *arg, uint64_t lease)
{
	struct call *c = call_on(arg, lease);

	if (c)
		c->to_cancel = true;
}

static void climb_refused(struct climb *c, struct seat *seat, int rc,
			  const char *why)
{
	c->refused = rc;
	if (!seat)
		return;
	seat_put(seat, "stop", json_string(why));
	*c = (struct climb){0};
}

static void on_ended(void *arg, uint64_t id, const char *key,
		     enum rt_state state, const struct rt_outcome *o)
{
	const char *why = o && o->text ? o->text : rt_state_name(state);
	int rc = state == RT_CANCELLED ? -ECANCELED
		 : o && o->error       ? o->error
				       : -EIO;
	struct switchboard *s = arg;
	struct question *q = question_of(s, id);
	struct climb *climb;
	struct seat *seat;

	(void)key;
	if (q) {
		q->ended = true;
		q->error = state == RT_DONE ? 0 : rc;
		q->text = mem_strdup(why);
		return;
	}
	climb = climb_of(s, id, &seat);
	/* Given back, it is forgotten already. */
	if (climb && !climb->lease)
		climb_refused(climb, seat, rc, why);
}

const struct rt_client_ops switchboard_ops = {
	.start = on_start,
	.suspend = on_suspend,
	.cancel = on_cancel,
	.ended = on_ended,
};

/* ---- down to ask-model ------------------------------------------------- */

void call_free(struct switchboard *s, struct call *c)
{
	struct call **at = &s->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->q->calls--;
	free(c->endpoint);
	free(c->checkpoint);
	free(c);
	s->busy = true;
}

static struct json *line_of(const struct switchboard *s, const struct call *c)
{
	struct json *line = json_copy(c->q->down), *resume = NULL;

	json_set_number(line, "id", (double)c->id);
	json_set_string(line, "endpoint", c->endpoint);
	if (s->endpoints > 1)
		json_set_number(line, "attempts", 1);
	if (isfinite(c->quantum) && c->quantum >= 1)
		json_set_number(line, "progress_tokens", floor(c->quantum));
	if (c->checkpoint)
		resume = json_parse(c->checkpoint, strlen(c->checkpoint));
	if (resume)
		json_set(line, "resume", resume);
	return line;
}

static struct json *order(const char *what, uint64_t id)
{
	struct json *v = json_object();

	json_set_number(v, what, (double)id);
	return v;
}

/* ask-model is gone: nobody will answer any more. */
static void bury(struct switchboard *s, int rc)
{
	if (!s->dead) {
		s->dead = rc;
		s->death = mem_strdup(err_text());
	}
}

static void fail_call(struct switchboard *s, struct call *c)
{
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.error = s->dead;
	o.text = mem_strdup(s->death);
	rt_client_done(s->rt, c->lease, &o);
	rt_outcome_release(&o);
	call_free(s, c);
}

static void send_one(struct switchboard *s, struct call *c)
{
	int rc = 0;

	if (!c->sent && (c->to_cancel || s->hung_up))
		return call_free(s, c);
	/* One question after the other is read. */
	if (s->hung_up || (!c->sent && model_has_left(s->o.model)))
		return;
	if (!c->sent)
		rc = model_send(s->o.model, line_of(s, c));
	c->sent = true;
	if (!rc && c->to_suspend)
		rc = model_send(s->o.model, order("suspend", c->id));
	if (!rc && c->to_cancel)
		rc = model_send(s->o.model, order("cancel", c->id));
	c->to_suspend = c->to_cancel = false;
	if (rc)
		bury(s, rc);
}

void calls_send(struct switchboard *s)
{
	struct call *next;

	for (struct call *c = s->calls; c; c = next) {
		next = c->next;
		if (!s->dead)
			send_one(s, c);
	}
	for (struct call *c = s->calls; s->dead && c; c = next) {
		next = c->next;
		fail_call(s, c);
	}
}

/* ---- up from ask-model ------------------------------------------------- */

static double number(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

static struct rt_usage usage_of(const struct json *line)
{
	return (struct rt_usage){
		.seconds = number(line, "seconds"),
		.tokens_in = (long)number(line, "usage.in"),
		.tokens_cached = (long)number(line, "usage.cached"),
		.tokens_out = (long)number(line, "usage.out"),
		.cost_usd = number(line, "cost_usd"),
	};
}

static void spend(struct spent *to, const struct json *line)
{
	if (!json_get(line, "usage") || number(line, "attempts") < 1)
		return;
	to->in += number(line, "usage.in");
	to->cached += number(line, "usage.cached");
	to->out += number(line, "usage.out");
	to->cost_usd += number(line, "cost_usd");
	to->attempts += number(line, "attempts");
	to->cost_unknown |=
		json_type(json_get(line, "cost_usd")) != JSON_NUMBER;
}

/* What an endpoint said of its limits goes on to the runtime. */
static void outcome_of(const struct json *line, struct rt_outcome *o)
{
	struct json *told = json_object();

	if (json_get(line, "limits"))
		json_set(told, "limits", json_copy(json_get(line, "limits")));
	if (rt_outcome_read(told, o))
		rt_outcome_init(o);
	json_free(told);
	o->error = model_error(line);
	o->again = json_as_bool(json_get(line, "again"), false);
	o->after_s = number(line, "after_s");
	if (o->error)
		set_text(&o->text, mem_strdup(err_text()));
	o->used = usage_of(line);
}

/* Takes line. */
static void keep_answer(struct question *q, struct json *line)
{
	bool good = !json_get(line, "error");

	json_remove(line, "id");
	if (q->answered || (q->answer && q->ended && !good)) {
		spend(&q->spent, line);
		json_free(line);
		return;
	}
	if (q->answer)
		spend(&q->spent, q->answer);
	json_free(q->answer);
	q->answer = line;
	q->answered = good;
}

static void call_ended(struct switchboard *s, struct call *c, struct json *line)
{
	struct rt_outcome o;

	outcome_of(line, &o);
	/* Of a lease that was taken back nobody wants to know. */
	rt_client_done(s->rt, c->lease, &o);
	rt_outcome_release(&o);
	keep_answer(c->q, line);
	call_free(s, c);
}

static void call_suspended(struct switchboard *s, struct call *c,
			   const struct json *line)
{
	char *checkpoint = json_canonical(json_get(line, "suspended"));
	struct rt_usage u = usage_of(line);

	rt_client_suspended(s->rt, c->lease, checkpoint, &u);
	free(checkpoint);
	call_free(s, c);
}

/* Takes line. */
static void take_line(struct switchboard *s, struct json *line)
{
	uint64_t id = (uint64_t)number(line, "id");
	struct call *c = s->calls;
	struct rt_usage u = {0};

	while (c && c->id != id)
		c = c->next;
	if (c && json_get(line, "progress")) {
		u.tokens_out = (long)number(line, "progress.tokens_out");
		rt_client_progress(s->rt, c->lease, &u);
	} else if (c && json_get(line, "suspended")) {
		call_suspended(s, c, line);
	} else if (c) {
		call_ended(s, c, line);
		return;
	}
	json_free(line);
}

void calls_receive(struct switchboard *s)
{
	struct json *line;
	int rc = 0;

	while (!s->dead && (rc = model_receive(s->o.model, &line)) > 0) {
		take_line(s, line);
		s->busy = true;
	}
	if (rc < 0)
		bury(s, rc);
}

/* ---- back to who asked ------------------------------------------------- */

static struct json *failure(int rc, const char *text)
{
	struct json *v = json_object();

	json_set(v, "error", rt_error_json(rc, text));
	return v;
}

/* What other attempts were billed is part of what it cost. */
static void add_spent(struct json *answer, const struct spent *x)
{
	struct json *u;
	double cost = number(answer, "cost_usd") + x->cost_usd;
	bool unknown = x->cost_unknown;

	if (x->attempts < 1)
		return;
	if (json_get(answer, "usage"))
		unknown |=
			json_type(json_get(answer, "cost_usd")) != JSON_NUMBER;
	u = json_object();
	json_set_number(u, "in", number(answer, "usage.in") + x->in);
	json_set_number(u, "cached",
			number(answer, "usage.cached") + x->cached);
	json_set_number(u, "out", number(answer, "usage.out") + x->out);
	json_set(answer, "usage", u);
	json_set_number(answer, "attempts",
			number(answer, "attempts") + x->attempts);
	json_set(answer, "cost_usd", unknown ? json_null() : json_number(cost));
}

static void finish(struct switchboard *s, struct question *q)
{
	bool cancelled = q->error == -ECANCELED;
	int rc = cancelled ? -EINTR : q->error;
	const char *text = cancelled ? "cancelled" : q->text;

	if (!q->answer)
		q->answer = failure(rc, text);
	else if (cancelled && !q->answered)
		json_set(q->answer, "error", rt_error_json(rc, text));
	add_spent(q->answer, &q->spent);
	q->spent = (struct spent){0};
	if (!q->spec.ops)
		return; /* whoever runs the loop takes it */
	if (json_get(q->answer, "usage"))
		q->spec.ops->answered(q->spec.arg, q->spec.i,
				      json_text_at(q->down, "role"), q->answer);
	if (q->seat) {
		seat_put(q->seat, "answer", q->answer);
		q->answer = NULL;
	}
	question_free(s, q);
}

/* A hand that is to stop has no time for what its question cost. */
static void answer_stopped(struct question *q)
{
	seat_put(q->seat, "answer", failure(-EINTR, "cancelled"));
	q->seat = NULL;
}

void questions_finish(struct switchboard *s)
{
	struct question *next;

	for (struct question *q = s->questions; q; q = next) {
		next = q->next;
		if (q->ended && !q->calls)
			finish(s, q);
		else if (q->ended && q->seat && q->seat->stopped)
			answer_stopped(q);
	}
}
