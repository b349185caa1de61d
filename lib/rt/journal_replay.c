/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the journal's records say, given back to an engine. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "rt/journal_parts.h"

struct replay {
	const struct journal_view *v;
	struct rt *r;
	double ahead, now;
	off_t learnt; /* the predictor knows all that stands before */
};

/* What became of a request: of each kind the last, NULL where there is none. */
struct past {
	const struct journal_place *of[JOURNAL_DELIVERED + 1];
};

static int get(const struct replay *p, const struct journal_place *at,
	       struct journal_record *x)
{
	int rc;

	*x = (struct journal_record){0};
	if (!at)
		return 0;
	rc = journal_get(p->v->data + at->at, at->len, p->ahead, x);
	return rc ? err_prefix(rc, "byte %lld", (long long)at->at) : 0;
}

static bool comes_after(const struct journal_place *a,
			const struct journal_place *b)
{
	return a && (!b || a->at > b->at);
}

/* The last that says how far it has got, or how it ended. */
static const struct journal_place *last_of(const struct past *past)
{
	const struct journal_place *suspended = past->of[JOURNAL_SUSPENDED];
	const struct journal_place *retry = past->of[JOURNAL_RETRY];

	if (past->of[JOURNAL_ENDED])
		return past->of[JOURNAL_ENDED];
	return comes_after(retry, suspended) ? retry : suspended;
}

static enum rt_state state_of(const struct past *past,
			      const struct journal_record *last)
{
	if (last->kind == JOURNAL_ENDED)
		return last->state;
	if (comes_after(past->of[JOURNAL_STARTED], last_of(past)))
		return RT_RUNNING;
	return last->kind == JOURNAL_RETRY ? RT_WAITING : RT_READY;
}

/* A request, and what is known of it. */
struct story {
	struct journal_record request, last, started, suspended;
};

static void teach(const struct replay *p, const struct past *past,
		  const struct story *s)
{
	if (s->last.kind == JOURNAL_ENDED && s->last.state == RT_DONE &&
	    s->last.attempt == 1 && past->of[JOURNAL_ENDED]->at > p->learnt)
		rt_predictor_learn(rt_predictor_of(p->r), &s->request.request,
				   s->last.used.seconds);
}

/* A request that was running is the engine's to try again, if it may. */
static int give(const struct replay *p, const struct past *past,
		const struct story *s)
{
	const struct journal_record *last = &s->last;
	struct rt_outcome pause = {.after_s =
					   last->kind == JOURNAL_RETRY
						   ? last->not_before - p->now
						   : 0};
	const struct rt_outcome *o = pause.after_s > 0 ? &pause : NULL;
	const char *checkpoint = s->suspended.text;
	long attempt = last->attempt;

	if (last->kind == JOURNAL_ENDED) {
		o = last->has_outcome ? &last->outcome : NULL;
		checkpoint = NULL;
	}
	if (s->started.attempt > attempt)
		attempt = s->started.attempt;
	return rt_restore(p->r, s->request.id, &s->request.request,
			  state_of(past, last), attempt, &last->used,
			  checkpoint, o, past->of[JOURNAL_DELIVERED] != NULL,
			  p->now);
}

static int restore(const struct replay *p, const struct past *past)
{
	struct story s = {0};
	int rc = get(p, past->of[JOURNAL_REQUEST], &s.request);

	rc = rc ? rc : get(p, last_of(past), &s.last);
	rc = rc ? rc : get(p, past->of[JOURNAL_STARTED], &s.started);
	rc = rc ? rc : get(p, past->of[JOURNAL_SUSPENDED], &s.suspended);
	if (!rc) {
		teach(p, past, &s);
		rc = give(p, past, &s);
	}
	journal_record_release(&s.request);
	journal_record_release(&s.last);
	journal_record_release(&s.started);
	journal_record_release(&s.suspended);
	return rc ? err_prefix(
			    rc, "request %llu",
			    (unsigned long long)past->of[JOURNAL_REQUEST]->id)
		  : 0;
}

/* The last one's place; what it knows goes to the engine. */
static int restore_predictor(struct replay *p)
{
	const struct journal_place *at = NULL;
	struct journal_record x;
	struct json *v;
	int rc;

	for (size_t i = 0; i < p->v->count; i++)
		if (p->v->v[i].kind == JOURNAL_PREDICTOR &&
		    comes_after(&p->v->v[i], at))
			at = &p->v->v[i];
	rc = get(p, at, &x);
	if (rc || !at)
		return rc;
	p->learnt = at->at;
	v = json_parse(x.text ? x.text : "", x.text ? strlen(x.text) : 0);
	/* What it does not know any more it learns again. */
	if (v)
		rt_predictor_read(rt_predictor_of(p->r), v);
	json_free(v);
	journal_record_release(&x);
	return 0;
}

/* An id that was given is never given again, though nothing is left of it. */
static int restore_top(const struct replay *p, uint64_t top)
{
	struct rt_usage none = {0};
	struct rt_request q;
	int rc;

	rt_request_init(&q);
	rc = rt_restore(p->r, top, &q, RT_DONE, 1, &none, NULL, NULL, true,
			p->now);
	rt_request_release(&q);
	return rc;
}

int journal_replay(const struct journal_view *v, struct rt *r, double ahead,
		   double now, struct journal_found *out)
{
	struct replay p = {v, r, ahead, now, 0};
	size_t i = 0;
	int rc = restore_predictor(&p);

	*out = (struct journal_found){0};
	while (!rc && i < v->count) {
		uint64_t id = v->v[i].id;
		struct past past = {0};
		size_t bytes = 0;

		for (; i < v->count && v->v[i].id == id; i++) {
			if (v->v[i].kind > JOURNAL_DELIVERED)
				continue;
			past.of[v->v[i].kind] = &v->v[i];
			bytes += v->v[i].len;
		}
		out->top = id;
		if (past.of[JOURNAL_REQUEST]) {
			rc = restore(&p, &past);
			out->requests++;
		} else if (bytes) {
			rc = err_set(EUCLEAN,
				     "request %llu has ended and was never "
				     "submitted",
				     (unsigned long long)id);
		} else {
			rc = id ? restore_top(&p, id) : 0;
		}
		if (!past.of[JOURNAL_DELIVERED])
			out->live += bytes;
	}
	return rc;
}
