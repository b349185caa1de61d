/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking in graphs of requests, and what a journal remembers of them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/rt_parts.h"

/* A request of the graph that is being submitted. */
struct member {
	const struct rt_request *q;
	struct job *job; /* of an earlier one with its key, or the new one */
	bool known;	 /* there was one */
	size_t waits;	 /* for so many others of the graph */
	size_t mark;	 /* of the way along a circle, from 1 */
};

struct graph {
	struct member *v;
	size_t n;
	struct rt_map keys; /* of the members that have one */
};

static bool same_member(const void *item, const void *what)
{
	const struct member *a = item;
	const struct rt_request *q = what;

	return !strcmp(a->q->key, q->key) && !strcmp(a->q->run, q->run);
}

static uint64_t key_hash(const struct rt *r, const char *run, const char *key)
{
	return rt_map_text(rt_map_text(r->salt, run), key);
}

static struct member *member_of(const struct rt *r, const struct graph *g,
				const struct rt_request *q, const char *key)
{
	struct rt_request name = {.run = q->run, .key = (char *)key};

	return rt_map_find(&g->keys, key_hash(r, q->run, key), same_member,
			   &name);
}

/* ---- each on its own --------------------------------------------------- */

static int bad(const struct rt_request *q, const char *what)
{
	return err_set(EINVAL, "request '%s': '%s' is out of its range", q->key,
		       what);
}

/* What rt_request_read() would have refused, from who did not read it. */
static int check_request(const struct rt_request *q)
{
	for (int i = 0; i < RES_COUNT; i++)
		if (q->need.v[i] < 0 || q->need.v[i] > RES_MAX ||
		    q->most.v[i] < 0 || q->most.v[i] > RES_MAX)
			return bad(q, res_name((enum res)i));
	if (q->kind >= RT_KINDS)
		return bad(q, "kind");
	if (q->priority < 0 || q->priority > RT_PRIORITY_MAX)
		return bad(q, "priority");
	if (q->attempts < 0 || q->attempts > RT_ATTEMPTS_MAX)
		return bad(q, "attempts");
	if (q->tokens_in < 0 || q->tokens_out < 0)
		return bad(q, "tokens");
	if (isnan(q->deadline) || isnan(q->predicted_s))
		return bad(q, "deadline");
	if (q->dep_count > RT_DEPS_MAX)
		return bad(q, "after");
	return 0;
}

static int check_new(struct rt *r, const struct rt_request *q)
{
	int rc = check_request(q);

	if (rc)
		return rc;
	rc = rt_workers_feasible(&r->workers, q);
	return rc ? err_prefix(rc, "request '%s' can never be carried out",
			       *q->key ? q->key : rt_kind_name(q->kind))
		  : 0;
}

static int add_members(struct rt *r, struct graph *g,
		       const struct rt_request *q)
{
	size_t fresh = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct member *m = &g->v[i];
		int rc;

		m->q = &q[i];
		if (*m->q->key) {
			if (member_of(r, g, m->q, m->q->key))
				return err_set(EEXIST,
					       "key '%s' stands twice in one "
					       "submission",
					       m->q->key);
			rt_map_add(&g->keys, key_hash(r, m->q->run, m->q->key),
				   m);
			m->job = table_key(r, m->q->run, m->q->key);
			m->known = m->job;
		}
		if (m->known)
			continue;
		rc = check_new(r, m->q);
		if (rc)
			return rc;
		fresh++;
	}
	if (fresh && r->draining)
		return err_set(EAGAIN, "draining: nothing new is taken");
	if (fresh && r->queued + fresh > r->o.max_queued)
		return err_set(EAGAIN,
			       "%zu are queued, and at most %zu may be; try "
			       "again when some have ended",
			       r->queued, r->o.max_queued);
	return 0;
}

/* ---- the graph --------------------------------------------------------- */

static int count_waits(struct rt *r, struct graph *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct member *m = &g->v[i];

		for (size_t k = 0; !m->known && k < m->q->dep_count; k++) {
			const char *key = m->q->deps[k].key;
			struct member *on = member_of(r, g, m->q, key);

			if (on) {
				m->waits += !on->known;
				continue;
			}
			if (table_key(r, m->q->run, key))
				continue;
			return err_set(ENOENT,
				       "request '%s' waits for '%s', which "
				       "its run has not submitted",
				       m->q->key, key);
		}
	}
	return 0;
}

/* One that m waits for and that waits itself for ever. */
static struct member *stuck(const struct rt *r, const struct graph *g,
			    const struct member *m)
{
	for (size_t k = 0; k < m->q->dep_count; k++) {
		struct member *on = member_of(r, g, m->q, m->q->deps[k].key);

		if (on && !on->known && on->waits)
			return on;
	}
	return NULL;
}

/* From any that is stuck along those it waits for, until one comes twice. */
static int name_circle(const struct rt *r, const struct graph *g,
		       struct member *m)
{
	struct member *first;
	struct buf words;
	size_t steps = 0;
	int rc;

	while (!m->mark) {
		m->mark = ++steps;
		m = stuck(r, g, m);
	}
	first = m;
	buf_init(&words, 1024);
	buf_printf(&words, "'%s'", first->q->key);
	do {
		m = stuck(r, g, m);
		buf_printf(&words, " waits for '%s'", m->q->key);
	} while (m != first);
	rc = err_set(ELOOP, "%s%s", words.data, words.truncated ? "…" : "");
	buf_release(&words);
	return rc;
}

/* Kahn: whoever waits for nobody is taken out, with all waits for it. */
static int check_order(const struct rt *r, struct graph *g)
{
	struct out {
		size_t *to, len;
	} *outs = mem_zalloc(g->n, sizeof(*outs));
	size_t *free_now = mem_zalloc(g->n, sizeof(*free_now)), len = 0;
	int rc = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct member *m = &g->v[i];

		if (!m->known && !m->waits)
			free_now[len++] = i;
		for (size_t k = 0; !m->known && k < m->q->dep_count; k++) {
			struct member *on =
				member_of(r, g, m->q, m->q->deps[k].key);
			struct out *o;

			if (!on || on->known)
				continue;
			o = &outs[on - g->v];
			o->to = mem_realloc(o->to, o->len + 1, sizeof(*o->to));
			o->to[o->len++] = i;
		}
	}
	while (len) {
		struct out *o = &outs[free_now[--len]];

		for (size_t k = 0; k < o->len; k++)
			if (!--g->v[o->to[k]].waits)
				free_now[len++] = o->to[k];
	}
	for (size_t i = 0; !rc && i < g->n; i++)
		if (!g->v[i].known && g->v[i].waits)
			rc = name_circle(r, g, &g->v[i]);
	for (size_t i = 0; i < g->n; i++)
		free(outs[i].to);
	free(outs);
	free(free_now);
	return rc;
}

/* ---- taking it in ------------------------------------------------------ */

/* One that the run asked for before: what becomes of it is holder's to hear. */
static void ask_again(struct rt *r, struct job *j, uint64_t holder)
{
	/* Who carries it out remains. */
	if (!job_ended(j) && !j->orphan && j->t.q.place == RT_SELF)
		return;
	job_adopt(r, j, holder);
}

static void admit(struct rt *r, struct member *m, uint64_t holder)
{
	struct job *j = job_new(r, ++r->next_id, m->q, holder);

	m->job = j;
	r->pending++;
	r->queued++;
	r->kinds[j->t.q.kind].queued++;
	if (*j->t.q.within)
		TAILQ_INSERT_TAIL(&r->nested, j, of_nested);
	if (!*j->t.q.key) {
		free(j->t.q.key);
		j->t.q.key = mem_printf("#%llu", (unsigned long long)j->t.id);
	}
	job_predict(r, j);
	j->t.critical_s = j->t.p50_s;
	eng_emit(r, RT_EV_SUBMITTED, j, NULL);
}

static void connect(struct rt *r, const struct graph *g, struct member *m)
{
	for (size_t k = 0; k < m->q->dep_count; k++) {
		const struct rt_dep *d = &m->q->deps[k];
		struct member *on = member_of(r, g, m->q, d->key);

		deps_add(r, m->job,
			 on ? on->job : table_key(r, m->q->run, d->key),
			 d->on_failure);
	}
}

/* What those that are new are waited for, and for how long. */
static void raise_new(struct rt *r, const struct graph *g)
{
	struct job **from = mem_zalloc(g->n, sizeof(struct job *));
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		if (!g->v[i].known && g->v[i].q->dep_count)
			from[n++] = g->v[i].job;
	if (n == 1)
		deps_raise(r, *from);
	else
		deps_raise_all(r, from, n);
	free(from);
}

static void take_in(struct rt *r, struct graph *g, uint64_t holder,
		    uint64_t *ids, bool waits)
{
	for (size_t i = 0; i < g->n; i++)
		if (!g->v[i].known)
			admit(r, &g->v[i], holder);
	for (size_t i = 0; i < g->n; i++)
		if (!g->v[i].known)
			connect(r, g, &g->v[i]);
	if (waits)
		raise_new(r, g);
	for (size_t i = 0; i < g->n; i++) {
		struct job *j = g->v[i].job;

		ids[i] = j->t.id;
		if (g->v[i].known) {
			ask_again(r, j, holder);
			continue;
		}
		deps_check(r, j);
		if (*j->t.q.within)
			deps_within(r, j);
		if (j->t.state == RT_WAITING)
			job_wait(r, j, r->now);
	}
}

int rt_submit(struct rt *r, const struct rt_request *q, size_t n,
	      uint64_t holder, double now, uint64_t *ids)
{
	struct member one = {0};
	struct graph g = {.v = &one, .n = n};
	bool waits = false;
	int rc;

	r->now = fmax(r->now, now);
	if (n > 1)
		g.v = mem_zalloc(n, sizeof(*g.v));
	for (size_t i = 0; i < n; i++)
		waits |= q[i].dep_count > 0;
	rc = add_members(r, &g, q);
	if (!rc && waits)
		rc = count_waits(r, &g);
	if (!rc && waits)
		rc = check_order(r, &g);
	if (!rc)
		take_in(r, &g, holder, ids, waits);
	rt_map_release(&g.keys);
	if (n > 1)
		free(g.v);
	return rc;
}

/* ---- from the journal -------------------------------------------------- */

static void restore_ended(struct rt *r, struct job *j, enum rt_state state,
			  const struct rt_outcome *o, bool delivered)
{
	j->t.state = state;
	j->t.run->tasks--;
	if (j->t.candidate != j->t.run)
		j->t.candidate->tasks--;
	if (o)
		rt_outcome_copy(&j->outcome, o);
	j->t.outcome = &j->outcome;
	r->ended[state]++;
	if (delivered) {
		j->logged = true;
		job_delivered(r, j);
	} else {
		job_announce(r, j);
	}
}

int rt_restore(struct rt *r, uint64_t id, const struct rt_request *q,
	       enum rt_state state, long attempt, const struct rt_usage *used,
	       const char *checkpoint, const struct rt_outcome *o,
	       bool delivered, double now)
{
	struct job *j;
	int rc = check_request(q);

	r->now = fmax(r->now, now);
	if (rc)
		return rc;
	if (!id || table_job(r, id))
		return err_set(EEXIST, "request %llu is there already",
			       (unsigned long long)id);
	j = job_new(r, id, q, 0);
	if (id > r->next_id)
		r->next_id = id;
	j->t.attempt = attempt;
	if (used)
		j->t.used = *used;
	j->orphan = true;
	j->orphaned = now;
	job_predict(r, j);
	j->t.critical_s = j->t.p50_s;
	if (state >= RT_DONE) {
		restore_ended(r, j, state, o, delivered);
		return 0;
	}
	r->pending++;
	r->queued++;
	r->kinds[q->kind].queued++;
	if (*q->within)
		TAILQ_INSERT_TAIL(&r->nested, j, of_nested);
	if (checkpoint)
		j->t.checkpoint = mem_strdup(checkpoint);
	j->t.resumed = checkpoint && state == RT_READY;
	j->t.not_before = o ? now + o->after_s : now;
	j->begun = state == RT_RUNNING && rt_request_once(q);
	j->unsettled = r->restored = true;
	return 0;
}
