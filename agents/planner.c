/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/features.h"
#include "agents/rules.h"
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

static struct json *uses_of(const struct policy_params *p)
{
	struct json *uses = json_array();

	if (p->classify == CLASSIFY_BEHAVIOUR || uses_identity(p) ||
	    p->order == ORDER_LONGEST || p->order == ORDER_SHORTEST)
		json_add(uses, json_string("behaviour"));
	if (uses_identity(p))
		json_add(uses, json_string("learned_identity"));
	return uses;
}

/* One execution's expected run time, children that executed nothing counted
 * in: {"hash","expect_us"}. */
static struct json *identities_of(const struct json *profile)
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
	json_set(body, "uses", uses_of(&p->params));
	json_set(body, "params", policy_params_json(&p->params));
	if (uses_identity(&p->params))
		json_set(body, "identities", identities_of(profile));
	return body;
}

static char *plan_text(const struct features *f, const struct proposal *p,
		       size_t n)
{
	char *regime = features_text(f);
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_printf(&b, "%s Tried in this order:", regime);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, " %zu. %s (%s).", i + 1, p[i].title, p[i].why);
	free(regime);
	return buf_take(&b);
}

static struct json *plan_body(const struct doc *profile, struct features *f,
			      const struct proposal *p, struct json **bodies,
			      size_t n, uint64_t seed)
{
	struct json *body = json_object(), *ids = json_array();
	char *text = plan_text(f, p, n);

	for (size_t i = 0; i < n; i++) {
		char id[DOC_ID_LEN];

		doc_body_id(bodies[i], id);
		json_add(ids, json_string(id));
	}
	json_set_string(body, "profile", profile->id);
	json_set(body, "regime", features_regime(f));
	json_set(body, "evidence", f->evidence);
	f->evidence = NULL;
	json_set_string(body, "text", text);
	json_set(body, "proposals", ids);
	json_set_number(body, "seed", (double)seed);
	free(text);
	return body;
}

int planner_run(const struct doc *profile, const struct planner_opts *o,
		struct doc **plan, struct doc **policies, size_t *count)
{
	struct proposal *p = mem_zalloc(PLANNER_MAX, sizeof(*p));
	struct json *bodies[PLANNER_MAX];
	struct features f;
	size_t n;
	int rc = 0;

	*count = 0;
	features_read(profile->body, &f);
	n = rules_propose(&f, o->seed, p, (size_t)o->count);
	for (size_t i = 0; i < n; i++)
		bodies[i] = policy_body(&p[i], profile->body);
	*plan = doc_new("plan", o->by,
			plan_body(profile, &f, p, bodies, n, o->seed),
			&profile->id, 1);
	if (!*plan)
		rc = -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const char *parents[] = {profile->id,
					 *plan ? (*plan)->id : profile->id};

		policies[i] = doc_new("policy", o->by, bodies[i], parents, 2);
		if (policies[i])
			(*count)++;
		else
			rc = -EINVAL;
	}
	features_release(&f);
	free(p);
	return rc;
}
