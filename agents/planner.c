/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/features.h"
#include "agents/rules.h"
#include "agents/search.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/policy.h"

/* Less of the whole run time than this is not worth a row in the table. */
#define IDENTITY_MIN_US 1000.0

static bool uses_identity(const struct policy_params *p)
{
	return p->classify == CLASSIFY_IDENTITY;
}

struct json *planner_uses(const struct policy_params *p)
{
	struct json *uses = json_array();

	if (p->classify == CLASSIFY_BEHAVIOUR || uses_identity(p) ||
	    p->order == ORDER_LONGEST || p->order == ORDER_SHORTEST)
		json_add(uses, json_string("behaviour"));
	if (uses_identity(p))
		json_add(uses, json_string("learned_identity"));
	return uses;
}

struct json *planner_identities(const struct json *profile)
{
	struct json *list = json_array();

	json_each (v, json_get(profile, "identities")) {
		double execs = json_as_number(json_get(v, "execs"), 0);
		double run = json_as_number(json_get(v, "run_us"), 0);
		const char *hash = json_as_string(json_get(v, "hash"), NULL);
		struct json *row;

		if (!hash || execs < 1 || run / execs < IDENTITY_MIN_US ||
		    json_len(list) == POLICY_MAX_IDENTITIES)
			continue;
		row = json_object();
		json_set_string(row, "hash", hash);
		json_set_number(row, "expect_us",
				(double)(long long)(run / execs));
		json_add(list, row);
	}
	return list;
}

static struct json *policy_body(const struct proposal *p,
				const struct json *profile)
{
	struct json *body = json_object();

	json_set_string(body, "form", "params");
	json_set_string(body, "title", p->title);
	json_set_string(body, "why", p->why);
	json_set(body, "uses", planner_uses(&p->params));
	json_set(body, "params", policy_params_json(&p->params));
	if (uses_identity(&p->params))
		json_set(body, "identities", planner_identities(profile));
	return body;
}

/* What is proposed, and how it was chosen. */
struct choice {
	struct features f;
	struct proposal *p;
	struct search_score *scores;
	struct json **bodies;
	size_t n;
	bool searched;
	struct search_result r;
	char *trouble; /* why the simulator could not be asked; or NULL */
};

static void add_search(struct buf *b, const struct choice *c)
{
	if (c->trouble)
		buf_printf(b, " Not simulated: %s.", c->trouble);
	if (!c->searched)
		return;
	buf_printf(b,
		   " Chosen in the simulator among %ld points of the "
		   "parameter space in %ld runs by '%s'.",
		   c->r.tried, c->r.runs, c->r.metric);
}

static char *plan_text(const struct choice *c)
{
	char *regime = features_text(&c->f);
	struct buf b;

	buf_init(&b, 1 << 17);
	buf_printf(&b, "%s", regime);
	add_search(&b, c);
	buf_puts(&b, " Tried in this order:");
	for (size_t i = 0; i < c->n; i++) {
		buf_printf(&b, " %zu. %s (%s", i + 1, c->p[i].title,
			   c->p[i].why);
		if (c->searched)
			buf_printf(&b, "; simulated %.2f times EEVDF",
				   c->scores[i].ratio);
		buf_puts(&b, ").");
	}
	free(regime);
	return buf_take(&b);
}

/* Of the simulator, and so of no kernel. */
static struct json *predictions_of(const struct choice *c)
{
	struct json *list = json_array();

	for (size_t i = 0; i < c->n; i++) {
		struct json *row = json_add(list, json_object());
		char id[DOC_ID_LEN];

		doc_body_id(c->bodies[i], id);
		json_set_string(row, "policy", id);
		json_set_string(row, "metric", c->r.metric);
		json_set_number(row, "ratio",
				round(c->scores[i].ratio * 1e4) / 1e4);
		json_set_number(row, "seeds", (double)c->scores[i].seeds);
	}
	return list;
}

static struct json *plan_body(const struct doc *profile, struct choice *c,
			      const struct planner_opts *o)
{
	struct json *body = json_object(), *ids = json_array();
	char *text = plan_text(c);

	for (size_t i = 0; i < c->n; i++) {
		char id[DOC_ID_LEN];

		doc_body_id(c->bodies[i], id);
		json_add(ids, json_string(id));
	}
	json_set_string(body, "profile", profile->id);
	json_set(body, "regime", features_regime(&c->f));
	json_set(body, "evidence", c->f.evidence);
	c->f.evidence = NULL;
	json_set_string(body, "text", text);
	json_set(body, "proposals", ids);
	if (c->searched)
		json_set(body, "predictions", predictions_of(c));
	json_set_number(body, "seed", (double)o->seed);
	free(text);
	return body;
}

/* -EINTR only; what else is wrong leaves the choice to the rules. */
static int choose(struct choice *c, const struct json *profile,
		  const struct planner_opts *o)
{
	struct search_opts so = {.seed = o->seed,
				 .runs = o->runs,
				 .cancel = o->cancel,
				 .progress = o->progress,
				 .progress_arg = o->progress_arg};
	struct json *identities;
	int rc = 0;

	if (o->runs > 0) {
		identities = planner_identities(profile);
		rc = search_run(profile, &c->f, identities, &so, c->p,
				c->scores, (size_t)o->count, &c->r);
		json_free(identities);
	}
	if (rc == -EINTR)
		return rc;
	c->searched = rc > 0;
	if (rc < 0)
		c->trouble = mem_strdup(err_text());
	c->n = rc > 0 ? (size_t)rc
		      : rules_propose(&c->f, o->seed, c->p, (size_t)o->count);
	return 0;
}

static void choice_release(struct choice *c)
{
	features_release(&c->f);
	free(c->p);
	free(c->scores);
	free(c->bodies);
	free(c->r.metric);
	free(c->trouble);
}

/* Takes the bodies. */
static int make_documents(struct choice *c, const struct doc *profile,
			  const struct planner_opts *o, struct doc **plan,
			  struct doc **policies, size_t *count)
{
	int rc = 0;

	*plan = doc_new("plan", o->by, plan_body(profile, c, o), &profile->id,
			1);
	if (!*plan)
		rc = -EINVAL;
	for (size_t i = 0; i < c->n; i++) {
		const char *parents[] = {profile->id,
					 *plan ? (*plan)->id : profile->id};

		policies[i] =
			doc_new("policy", o->by, c->bodies[i], parents, 2);
		if (policies[i])
			(*count)++;
		else
			rc = -EINVAL;
	}
	return rc;
}

int planner_run(const struct doc *profile, const struct planner_opts *o,
		struct doc **plan, struct doc **policies, size_t *count)
{
	struct choice c = {
		.p = mem_zalloc(PLANNER_MAX, sizeof(*c.p)),
		.scores = mem_zalloc(PLANNER_MAX, sizeof(*c.scores)),
		.bodies = mem_zalloc(PLANNER_MAX, sizeof(struct json *)),
	};
	int rc;

	*count = 0;
	*plan = NULL;
	features_read(profile->body, &c.f);
	rc = choose(&c, profile->body, o);
	for (size_t i = 0; i < c.n; i++)
		c.bodies[i] = policy_body(&c.p[i], profile->body);
	if (!rc)
		rc = make_documents(&c, profile, o, plan, policies, count);
	choice_release(&c);
	return rc;
}
