/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The planner's choice among policies of the form "knobs". */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/planner/knob_rules.h"
#include "agents/planner/state.h"
#include "base/mem.h"

/* Beyond that the simulator sees no difference any more. */
#define MAX_POINTS 96
#define NO_WORSE   (-0.01)

static bool is_tried(const struct stream *s, const struct doc *profile,
		     const char *id)
{
	for (size_t i = 0; s && i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);

		if (!strcmp(d->kind, "lesson") &&
		    !strcmp(json_text_at(d->body, "profile"), profile->id) &&
		    !strcmp(json_text_at(d->body, "policy"), id))
			return true;
	}
	return false;
}

static bool is_new(const struct search_point *p, const struct doc *profile,
		   const struct planner_opts *o)
{
	struct json *body = planner_policy_body(&p->p, profile->body);
	char id[DOC_ID_LEN];

	doc_body_id(body, id);
	json_free(body);
	return !is_tried(o->stream, profile, id);
}

static void take(struct choice *c, const struct search_point *p)
{
	const struct calibration *cal = &c->memory.calibration;
	struct candidate *k = &c->v[c->n++];

	*k = (struct candidate){.point = *p, .taken = true};
	k->point.p.knobs = json_copy(p->p.knobs);
	if (c->searched && p->ratio > 0) {
		k->mean = cal->offset + cal->slope * log(p->ratio);
		k->sd = cal->sd;
	}
	k->worth = k->mean;
}

static void take_some(struct choice *c, const struct search_point *v, size_t n,
		      bool like, enum source source, const struct doc *profile,
		      const struct planner_opts *o)
{
	for (size_t i = 0; i < n && c->n < (size_t)o->count; i++)
		if (v[i].like == like && v[i].p.source == source &&
		    (!c->searched || v[i].score > NO_WORSE) &&
		    is_new(&v[i], profile, o))
			take(c, &v[i]);
}

/* The best that differ, then what the simulator cannot tell from one of them,
 * a rule's own word before variants of it; what it finds bad only where there
 * is nothing else. */
static void choose_best(struct choice *c, const struct search_point *v,
			size_t n, const struct doc *profile,
			const struct planner_opts *o)
{
	c->v = mem_zalloc(n ? n : 1, sizeof(*c->v));
	take_some(c, v, n, false, SOURCE_RULE, profile, o);
	take_some(c, v, n, false, SOURCE_OPTIMISER, profile, o);
	take_some(c, v, n, true, SOURCE_RULE, profile, o);
	take_some(c, v, n, true, SOURCE_OPTIMISER, profile, o);
	for (size_t i = 0; i < n && !c->n; i++)
		if (is_new(&v[i], profile, o))
			take(c, &v[i]);
	c->chosen = c->n;
}

int gather_knobs(struct choice *c, const struct doc *profile,
		 const struct planner_opts *o)
{
	struct proposal pool[MAX_POINTS];
	struct search_point points[MAX_POINTS] = {0}, *found = points;
	size_t max = search_width(o->runs, (size_t)o->count), n;
	struct rng rng;
	int rc;

	rng_init(&rng, o->seed);
	n = knob_rules_propose(profile->body, &rng, pool,
			       max < MAX_POINTS ? max : MAX_POINTS);
	for (size_t i = 0; i < n; i++)
		points[i].p = pool[i];
	rc = (int)n;
	if (c->search && n) {
		rc = search_run(c->search, points, n, (size_t)o->count, &found);
		c->searched = rc > 0;
	}
	if (rc >= 0)
		choose_best(c, found, (size_t)rc, profile, o);
	if (rc >= 0 && found != points)
		free(found);
	for (size_t i = 0; i < n; i++)
		json_free(pool[i].knobs);
	return rc < 0 ? rc : 0;
}
