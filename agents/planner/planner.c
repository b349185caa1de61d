/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner/planner.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/planner/knob_rules.h"
#include "agents/planner/state.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/policy.h"

/* Less of the whole run time than this is not worth a row in the table. */
#define IDENTITY_MIN_US 1000.0
#define Z95		1.96

static bool uses_identity(const struct policy_params *p)
{
	return p->classify == CLASSIFY_IDENTITY;
}

struct json *planner_uses(const struct policy_params *p)
{
	struct json *uses = json_array();

	if (p->classify == CLASSIFY_BEHAVIOUR || uses_identity(p) ||
	    p->order == ORDER_LONGEST || p->order == ORDER_SHORTEST ||
	    policy_params_predict(p))
		json_add(uses, json_string("behaviour"));
	if (uses_identity(p))
		json_add(uses, json_string("learned_identity"));
	return uses;
}

struct json *planner_identities(const struct json *profile)
{
	struct json *list = json_array();
	double all = features_all_us(profile);

	json_each (v, json_get(profile, "identities")) {
		double us = features_expect(v, all);
		const char *hash = json_as_string(json_get(v, "hash"), NULL);
		struct json *row;

		if (!hash ||
		    (us < IDENTITY_MIN_US && us != FEATURES_DISPATCHER_US) ||
		    json_len(list) == POLICY_MAX_IDENTITIES)
			continue;
		row = json_object();
		json_set_string(row, "hash", hash);
		json_set_number(row, "expect_us", (double)(long long)us);
		json_add(list, row);
	}
	return list;
}

/* ---- the plan --------------------------------------------------------- */

static void add_search(struct buf *b, const struct choice *c)
{
	const struct search_result *r;

	if (c->trouble)
		buf_printf(b, " Not simulated: %s.", c->trouble);
	if (!c->searched)
		return;
	r = search_result(c->search);
	buf_printf(b,
		   " Chosen in the simulator among %ld points of the "
		   "parameter space in %ld runs by '%s'.",
		   r->tried, r->runs, r->metric);
	if (r->cost_scale != 1)
		buf_printf(b,
			   " What switches and wakeups cost was taken %.2f "
			   "times as dear as recorded, for the kernel's own "
			   "scheduler took %.2f times as long as foretold.",
			   r->cost_scale, c->memory.slowness);
}

static void add_memory(struct buf *b, const struct choice *c)
{
	const struct memory *m = &c->memory;

	if (!m->lessons)
		return;
	buf_printf(b, " %zu lesson%s of this workload and its like %s known.",
		   m->lessons, m->lessons == 1 ? "" : "s",
		   m->lessons == 1 ? "is" : "are");
	if (m->best > 0)
		buf_printf(b,
			   " The best that was accepted for it is %.2f times "
			   "as good as EEVDF.",
			   exp(m->best));
	if (m->calibration.points)
		buf_printf(b,
			   " Forecasts were off by a factor of %.2f, give or "
			   "take %.0f %%.",
			   exp(m->calibration.offset),
			   100 * expm1(m->calibration.sd));
}

static void add_proposal(struct buf *b, const struct choice *c, size_t i)
{
	const struct candidate *k = &c->v[i];

	buf_printf(b, " %zu. %s (%s", i + 1, k->point.p.title, k->point.p.why);
	if (k->point.p.source == SOURCE_NEIGHBOUR)
		buf_printf(b, "; lesson %.12s", k->point.p.from);
	if (k->point.seeds)
		buf_printf(b, "; simulated %.2f times EEVDF", k->point.ratio);
	if (k->sd > 0 && c->memory.lessons)
		buf_printf(b, ", expected %.2f", exp(k->mean));
	buf_puts(b, ").");
}

static char *plan_text(const struct choice *c)
{
	char *regime = features_text(&c->f);
	struct buf b;

	buf_init(&b, 1 << 17);
	buf_printf(&b, "%s", regime);
	add_search(&b, c);
	add_memory(&b, c);
	buf_puts(&b, " Tried in this order:");
	for (size_t i = 0; i < c->chosen; i++)
		add_proposal(&b, c, i);
	free(regime);
	return buf_take(&b);
}

static double rounded(double x)
{
	return round(x * 1e4) / 1e4;
}

/* Of the simulator, and so of no kernel. */
static struct json *predictions_of(const struct choice *c,
				   struct json *const *bodies)
{
	const struct search_result *r = search_result(c->search);
	struct json *list = json_array();

	for (size_t i = 0; i < c->chosen; i++) {
		const struct candidate *k = &c->v[i];
		struct json *row = json_add(list, json_object()), *ci;
		char id[DOC_ID_LEN];

		doc_body_id(bodies[i], id);
		json_set_string(row, "policy", id);
		json_set_string(row, "metric", r->metric);
		json_set_number(row, "ratio", rounded(k->point.ratio));
		json_set_number(row, "seeds", (double)k->point.seeds);
		json_set_number(row, "baseline", rounded(r->baseline));
		if (k->sd <= 0)
			continue;
		json_set_number(row, "expected", rounded(exp(k->mean)));
		ci = json_set(row, "ci95", json_array());
		json_add(ci, json_number(rounded(exp(k->mean - Z95 * k->sd))));
		json_add(ci, json_number(rounded(exp(k->mean + Z95 * k->sd))));
	}
	return list;
}

static struct json *origins_of(const struct choice *c,
			       struct json *const *bodies)
{
	struct json *list = json_array();

	for (size_t i = 0; i < c->chosen; i++) {
		const struct proposal *p = &c->v[i].point.p;
		struct json *row = json_add(list, json_object());
		char id[DOC_ID_LEN];

		doc_body_id(bodies[i], id);
		json_set_string(row, "policy", id);
		json_set_string(row, "source", source_names[p->source]);
		if (p->from)
			json_set_string(row, "from", p->from);
	}
	return list;
}

static struct json *plan_body(const struct doc *profile, struct choice *c,
			      struct json *const *bodies,
			      const struct planner_opts *o)
{
	struct json *body = json_object(), *ids = json_array();
	char *text = plan_text(c);

	for (size_t i = 0; i < c->chosen; i++) {
		char id[DOC_ID_LEN];

		doc_body_id(bodies[i], id);
		json_add(ids, json_string(id));
	}
	json_set_string(body, "profile", profile->id);
	json_set(body, "regime", features_regime(&c->f));
	json_set(body, "evidence", c->f.evidence);
	c->f.evidence = NULL;
	json_set_string(body, "text", text);
	json_set(body, "proposals", ids);
	if (c->searched) {
		json_set(body, "predictions", predictions_of(c, bodies));
		json_set_number(body, "expected_gain_pct",
				round(choice_gain_pct(c) * 100) / 100);
	}
	json_set(body, "origins", origins_of(c, bodies));
	json_set_number(body, "seed", (double)o->seed);
	free(text);
	return body;
}

/* ---- candidates ------------------------------------------------------- */

static void keep(struct choice *c, const struct search_point *points, size_t n)
{
	c->v = mem_zalloc(n ? n : 1, sizeof(*c->v));
	c->n = n;
	for (size_t i = 0; i < n; i++)
		c->v[i].point = points[i];
}

/* -EINTR only; what else is wrong leaves the choice to the sources. */
static int open_search(struct choice *c, const struct json *profile,
		       const struct json *identities,
		       struct optimiser *optimiser,
		       const struct planner_opts *o)
{
	struct search_opts so = {.seed = o->seed,
				 .runs = o->runs,
				 .optimiser = optimiser,
				 .slowness = c->memory.slowness,
				 .cancel = o->cancel,
				 .progress = o->progress,
				 .progress_arg = o->progress_arg};
	int rc = 0;

	if (o->runs > 0)
		rc = search_open(profile, &c->f, identities, &so, &c->search);
	if (rc && rc != -EINTR)
		c->trouble = mem_strdup(err_text());
	return rc == -EINTR ? rc : 0;
}

static int gather(struct choice *c, struct optimiser *optimiser,
		  const struct planner_opts *o)
{
	size_t max = search_width(o->runs, 2 * PLANNER_MAX);
	struct search_point *points = mem_zalloc(max, sizeof(*points));
	struct search_point *found = points;
	struct rng rng;
	int n;

	rng_init(&rng, o->seed);
	if (c->search)
		max = search_width(o->runs, (size_t)o->count);
	n = (int)pool_fill(c, o, &rng, optimiser, points, max);
	if (c->search && n) {
		n = search_run(c->search, points, (size_t)n, (size_t)o->count,
			       &found);
		c->searched = n > 0;
	}
	if (n >= 0) {
		keep(c, found, (size_t)n);
		choose(c, o);
	}
	if (found != points)
		free(found);
	free(points);
	return n < 0 ? n : 0;
}

static const char *const given_why = "a point of the grid that was asked for";
static const char *const random_why =
	"drawn by chance from the whole parameter space";

/* Nobody chose them: all are measured, in the order they have. */
static int gather_given(struct choice *c, const struct planner_opts *o)
{
	size_t n = o->random ? (size_t)o->count : o->sweep_count;
	struct search_point *points = mem_zalloc(n ? n : 1, sizeof(*points));
	struct rng rng;
	int rc = 0;

	rng_init(&rng, o->seed);
	for (size_t i = 0; i < n; i++) {
		struct proposal *p = &points[i].p;

		p->title = o->random ? "a random point" : "a point of a grid";
		p->source = o->random ? SOURCE_OPTIMISER : SOURCE_PERSON;
		snprintf(p->why, sizeof(p->why), "%s",
			 o->random ? random_why : given_why);
		if (o->random)
			optimiser_random(&rng, &p->params);
		else
			p->params = o->sweep[i];
	}
	if (c->search) {
		rc = search_score(c->search, points, n);
		c->searched = rc == 0;
	}
	keep(c, points, n);
	c->chosen = n;
	free(points);
	return rc;
}

static int find(struct choice *c, const struct doc *profile,
		const struct planner_opts *o)
{
	struct json *identities = planner_identities(profile->body);
	struct optimiser *optimiser = optimiser_new();
	bool given = o->random || o->sweep_count;
	bool breeds = !o->sources || o->sources & 1u << SOURCE_OPTIMISER;
	int rc;

	memory_tell(&c->memory, optimiser);
	rc = open_search(c, profile->body, identities,
			 given || o->knobs || !breeds ? NULL : optimiser, o);
	if (!rc && o->knobs)
		rc = gather_knobs(c, profile, o);
	else if (!rc)
		rc = given ? gather_given(c, o) : gather(c, optimiser, o);
	/* What was tried or chosen meanwhile was cut short. */
	if (!rc && o->cancel && *o->cancel)
		rc = err_set(EINTR, "interrupted");
	if (!rc && !c->chosen)
		rc = err_set(ENODATA,
			     "none of the sources has anything to propose that "
			     "was not measured; let others propose, too");
	optimiser_free(optimiser);
	json_free(identities);
	return rc;
}

static void choice_release(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		json_free(c->v[i].point.p.knobs);
	features_release(&c->f);
	memory_release(&c->memory);
	search_close(c->search);
	free(c->v);
	free(c->trouble);
}

/* ---- documents -------------------------------------------------------- */

struct json *planner_policy_body(const struct proposal *p,
				 const struct json *profile)
{
	struct json *body = json_object();

	json_set_string(body, "form", p->knobs ? "knobs" : "params");
	json_set_string(body, "title", p->title);
	json_set_string(body, "why", p->why);
	if (p->knobs) {
		json_set(body, "uses", knob_rules_uses(p->knobs));
		json_set(body, "knobs", json_copy(p->knobs));
		return body;
	}
	json_set(body, "uses", planner_uses(&p->params));
	json_set(body, "params", policy_params_json(&p->params));
	if (uses_identity(&p->params))
		json_set(body, "identities", planner_identities(profile));
	return body;
}

static int make_documents(struct choice *c, const struct doc *profile,
			  const struct planner_opts *o, struct doc **plan,
			  struct doc **policies, size_t *count)
{
	struct json **bodies = mem_zalloc(c->chosen, sizeof(*bodies));
	int rc = 0;

	for (size_t i = 0; i < c->chosen; i++)
		bodies[i] =
			planner_policy_body(&c->v[i].point.p, profile->body);
	*plan = doc_new("plan", o->by, plan_body(profile, c, bodies, o),
			&profile->id, 1);
	if (!*plan)
		rc = -EINVAL;
	for (size_t i = 0; i < c->chosen; i++) {
		const char *parents[] = {profile->id,
					 *plan ? (*plan)->id : profile->id};

		policies[i] = doc_new("policy", o->by, bodies[i], parents, 2);
		if (policies[i])
			(*count)++;
		else
			rc = -EINVAL;
	}
	free(bodies);
	return rc;
}

int planner_run(const struct doc *profile, const struct planner_opts *o,
		struct doc **plan, struct doc **policies, size_t *count)
{
	struct choice c = {0};
	int rc;

	*count = 0;
	*plan = NULL;
	features_read(profile->body, &c.f);
	memory_read(o->stream, profile, &c.memory);
	rc = find(&c, profile, o);
	if (!rc)
		rc = make_documents(&c, profile, o, plan, policies, count);
	choice_release(&c);
	return rc;
}
