/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is by its name: requests, leases, tenants, shapes, hosts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rt/rt_parts.h"

/* Tenants without tasks that are remembered. */
#define IDLE_MAX 1024

/* ---- requests and leases ----------------------------------------------- */

struct job *table_job(const struct rt *r, uint64_t id)
{
	return rt_map_find(&r->ids, rt_map_mix(id), NULL, NULL);
}

struct hold *table_hold(const struct rt *r, uint64_t lease)
{
	return rt_map_find(&r->leases, rt_map_mix(lease), NULL, NULL);
}

struct name {
	const char *run, *name;
};

static bool same_key(const void *item, const void *what)
{
	const struct job *j = item;
	const struct name *n = what;

	return !strcmp(j->t.q.run, n->run) && !strcmp(j->t.q.key, n->name);
}

static uint64_t name_hash(const struct rt *r, const char *run, const char *name)
{
	return rt_map_text(rt_map_text(r->salt, run), name);
}

struct job *table_key(const struct rt *r, const char *run, const char *key)
{
	struct name n = {run, key};

	return rt_map_find(&r->keys, name_hash(r, run, key), same_key, &n);
}

void table_key_add(struct rt *r, struct job *j)
{
	j->hash = name_hash(r, j->t.q.run, j->t.q.key);
	rt_map_add(&r->keys, j->hash, j);
	j->keyed = true;
}

void table_key_drop(struct rt *r, struct job *j)
{
	if (j->keyed)
		rt_map_remove(&r->keys, j->hash, j);
	j->keyed = false;
}

/* ---- tenants ----------------------------------------------------------- */

static bool same_party(const void *item, const void *what)
{
	const struct party *p = item;
	const struct name *n = what;

	if (!n->name)
		return !p->g.parent && !strcmp(p->g.name, n->run);
	return p->g.parent && !strcmp(p->g.name, n->name) &&
	       !strcmp(p->g.parent->name, n->run);
}

static uint64_t party_hash(const struct rt *r, const struct name *n)
{
	return n->name ? name_hash(r, n->run, n->name)
		       : rt_map_text(r->salt, n->run);
}

struct party *table_party(const struct rt *r, const char *run,
			  const char *candidate)
{
	struct name n = {run, candidate && *candidate ? candidate : NULL};

	return rt_map_find(&r->party_map, party_hash(r, &n), same_party, &n);
}

static void party_idle(struct rt *r, struct party *p)
{
	TAILQ_INSERT_TAIL(&r->idle, p, idle);
	r->idle_count++;
}

static void party_refer(struct rt *r, struct party *p)
{
	if (!p->refs++) {
		TAILQ_REMOVE(&r->idle, p, idle);
		r->idle_count--;
	}
}

void party_free(struct rt *r, struct party *p)
{
	if (r->policy && p->g.of_policy)
		r->policy->ops->group_gone(r->policy, &p->g);
	rt_map_remove(&r->party_map, p->hash, p);
	TAILQ_REMOVE(&r->parties, p, all);
	free(p->g.name);
	free(p);
}

static void party_unrefer(struct rt *r, struct party *p)
{
	if (--p->refs)
		return;
	party_idle(r, p);
	while (r->idle_count > IDLE_MAX) {
		struct party *old = TAILQ_FIRST(&r->idle);
		struct party *up = (struct party *)old->g.parent;

		TAILQ_REMOVE(&r->idle, old, idle);
		r->idle_count--;
		party_free(r, old);
		if (up)
			party_unrefer(r, up);
	}
}

/* Found or made, and referred to. */
static struct party *party_get(struct rt *r, const char *run,
			       const char *candidate, struct party *up)
{
	struct party *p = table_party(r, run, candidate);
	struct name n = {run, candidate};

	if (!p) {
		p = mem_zalloc(1, sizeof(*p));
		p->g.name = mem_strdup(candidate ? candidate : run);
		TAILQ_INIT(&p->jobs);
		if (up) {
			p->g.parent = &up->g;
			party_refer(r, up);
		}
		p->hash = party_hash(r, &n);
		rt_map_add(&r->party_map, p->hash, p);
		TAILQ_INSERT_TAIL(&r->parties, p, all);
		party_idle(r, p);
	}
	party_refer(r, p);
	return p;
}

void party_join(struct rt *r, struct job *j)
{
	const struct rt_request *q = &j->t.q;
	struct party *run = party_get(r, q->run, NULL, NULL), *c = run;

	TAILQ_INSERT_TAIL(&run->jobs, j, of_run);
	if (*q->candidate)
		c = party_get(r, q->run, q->candidate, run);
	j->t.run = &run->g;
	j->t.candidate = &c->g;
	run->g.tasks++;
	if (c != run)
		c->g.tasks++;
}

void party_leave(struct rt *r, struct job *j)
{
	struct party *run = (struct party *)j->t.run;
	struct party *c = (struct party *)j->t.candidate;

	if (!run)
		return;
	TAILQ_REMOVE(&run->jobs, j, of_run);
	j->t.run = j->t.candidate = NULL;
	if (c != run)
		party_unrefer(r, c);
	party_unrefer(r, run);
}

/* ---- shapes ------------------------------------------------------------ */

static int32_t power(double x)
{
	int e = 0;

	if (x > 0)
		frexp(x, &e);
	return e;
}

static struct shape_key key_of(const struct rt *r, const struct job *j)
{
	const struct rt_request *q = &j->t.q;
	struct shape_key k;

	/* Compared and looked for byte by byte. */
	memset(&k, 0, sizeof(k));
	k.kind = (int32_t)q->kind;
	k.place = (int32_t)q->place;
	k.predicted = power(j->t.p90_s);
	k.tokens = power((double)q->need.v[RES_TOKENS]);
	k.in = power((double)q->tokens_in);
	k.out = power((double)q->tokens_out);
	k.home = j->home;
	k.need = q->need;
	k.need.v[RES_TOKENS] = 0;
	if (!vec_equal(&q->most, &q->need))
		k.most = q->most;
	if (*q->worker)
		k.text = rt_map_text(r->salt, q->worker);
	for (size_t i = 0; q->wants && q->wants[i]; i++)
		k.text = rt_map_text(k.text ^ r->salt, q->wants[i]);
	return k;
}

static struct shape *shape_find(const struct rt *r, const struct shape_key *k)
{
	for (size_t i = 0; i < r->shape_count; i++)
		if (!memcmp(&r->shapes[i]->key, k, sizeof(*k)))
			return r->shapes[i];
	return NULL;
}

static struct shape *shape_new(struct rt *r, const struct shape_key *k,
			       size_t max)
{
	struct shape *s = NULL;

	/* In the place of one that nothing is ready of. */
	for (size_t i = 0; !s && r->shape_count >= max && i < r->shape_count;
	     i++)
		if (!r->shapes[i]->s.ready && !r->shapes[i]->key.coarse) {
			s = r->shapes[i];
			r->policy->ops->shape_gone(r->policy, &s->s);
			s->s.of_policy = NULL;
		}
	if (!s && r->shape_count < max) {
		s = mem_zalloc(1, sizeof(*s));
		s->s.index = r->shape_count;
		r->shapes[r->shape_count++] = s;
	}
	if (!s)
		return NULL;
	s->key = *k;
	s->blocked = 0;
	s->limited = 0;
	return s;
}

struct shape *shape_for(struct rt *r, const struct job *j)
{
	struct shape_key k = key_of(r, j), coarse;
	struct shape *s = shape_find(r, &k);

	if (!s)
		s = shape_new(r, &k, SHAPES_EXACT);
	if (s)
		return s;
	memset(&coarse, 0, sizeof(coarse));
	coarse.coarse = 1;
	coarse.kind = k.kind;
	coarse.place = k.place;
	s = shape_find(r, &coarse);
	return s ? s : shape_new(r, &coarse, SHAPES_MAX);
}

/* ---- hosts ------------------------------------------------------------- */

struct host *host_of(const struct rt *r, const struct rt_worker *w)
{
	return rt_map_find(&r->host_map, rt_map_mix((uintptr_t)w), NULL, NULL);
}

struct host *host_by(const struct rt *r, uint64_t serial)
{
	for (size_t i = 0; serial && i < r->host_count; i++)
		if (r->hosts[i]->serial == serial)
			return r->hosts[i];
	return NULL;
}
