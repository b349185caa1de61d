/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/schema.h"
#include "policy/built.h"
#include "policy/form.h"
#include "policy/model.h"
#include "policy/object.h"
#include "policy/policy.h"

#define HASH_LEN   16
#define EXPECT_MAX 1e15 /* us; 30 years, and exact in a double */

bool lint_uses(const struct json *body, const char *what)
{
	json_each (u, json_get(body, "uses"))
		if (!strcmp(json_as_string(u, ""), what))
			return true;
	return false;
}

static void check_uses(struct candidate *c, const struct policy_params *p)
{
	const struct json *body = c->policy->body;
	bool by_run_time =
		p->order == ORDER_LONGEST || p->order == ORDER_SHORTEST;
	bool by_behaviour = lint_uses(body, "behaviour");

	if (p->classify == CLASSIFY_IDENTITY &&
	    !lint_uses(body, "learned_identity"))
		stage_fail(c, STAGE_LINT, "uses",
			   "uses: 'learned_identity' is missing, but "
			   "params.classify works by it");
	else if (json_len(json_get(body, "identities")) &&
		 !lint_uses(body, "learned_identity"))
		stage_fail(c, STAGE_LINT, "uses",
			   "uses: 'learned_identity' is missing, but "
			   "identities are given");
	if (p->classify == CLASSIFY_BEHAVIOUR && !by_behaviour)
		stage_fail(c, STAGE_LINT, "uses",
			   "uses: 'behaviour' is missing, but "
			   "params.classify works by it");
	/* What is not known yet is judged by how long it has run. */
	else if (by_run_time && p->classify != CLASSIFY_IDENTITY &&
		 !by_behaviour)
		stage_fail(c, STAGE_LINT, "uses",
			   "uses: 'behaviour' is missing, but params.order "
			   "works by it");
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_duplicates(struct candidate *c, const struct json *list)
{
	const char **hash = mem_zalloc(json_len(list), sizeof(*hash));
	size_t n = 0;

	json_each (i, list)
		hash[n++] = json_as_string(json_get(i, "hash"), "");
	qsort(hash, n, sizeof(*hash), compare);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(hash[i], hash[i - 1]))
			continue;
		stage_fail(c, STAGE_LINT, "identities",
			   "identities: hash '%s' is there twice", hash[i]);
		break;
	}
	free(hash);
}

static bool check_identity(struct candidate *c, const struct json *id,
			   size_t at)
{
	const char *hash = json_as_string(json_get(id, "hash"), "");
	double us = json_as_number(json_get(id, "expect_us"), NAN);

	if (!schema_is_hex(hash, HASH_LEN)) {
		stage_fail(c, STAGE_LINT, "identities",
			   "identities.%zu.hash: '%s' is not 16 lower-case "
			   "hexadecimal digits",
			   at, hash);
		return false;
	}
	if (!(us >= 0 && us <= EXPECT_MAX)) {
		stage_fail(c, STAGE_LINT, "identities",
			   "identities.%zu.expect_us: %g is not from 0 to %g",
			   at, us, EXPECT_MAX);
		return false;
	}
	return true;
}

static void check_identities(struct candidate *c)
{
	const struct json *list = json_get(c->policy->body, "identities");
	size_t n = json_len(list), at = 0;

	if (!n)
		return;
	if (n > POLICY_MAX_IDENTITIES) {
		stage_fail(c, STAGE_LINT, "identities",
			   "identities: %zu are more than the table holds "
			   "(%d)",
			   n, POLICY_MAX_IDENTITIES);
		return;
	}
	json_each (id, list)
		if (!check_identity(c, id, at++))
			return;
	check_duplicates(c, list);
}

/* Of any form: only one goes by a model. */
static void lint_model(struct candidate *c)
{
	const struct json *body = c->policy->body;
	struct forecast *m = mem_zalloc(1, sizeof(*m));
	struct json *uses;

	if (policy_model_read(body, m)) {
		stage_fail(c, STAGE_LINT, "model", "%s", err_text());
		free(m);
		return;
	}
	uses = policy_model_uses(m);
	json_each (u, uses)
		if (!lint_uses(body, json_as_string(u, "")))
			stage_fail(c, STAGE_LINT, "uses",
				   "uses: '%s' is missing, but the model goes "
				   "by it",
				   json_as_string(u, ""));
	json_free(uses);
	free(m);
}

static void lint_params(struct candidate *c)
{
	struct policy_params p;

	if (policy_params_read(c->policy->body, &p) < 0) {
		stage_fail(c, STAGE_LINT, "params", "%s", err_text());
	} else {
		check_uses(c, &p);
		check_identities(c);
	}
}

static void lint_source(struct candidate *c)
{
	const char *path =
		json_as_string(json_path(c->policy->body, "object.path"), "");

	if (built_wanted(c->policy->body))
		lint_code_stage(c);
	else if (*path != '/')
		stage_fail(c, STAGE_LINT, "object",
			   "object.path: the form 'source' needs the whole "
			   "path of an object file, or code");
}

void lint_stage(const struct verifier *v, struct candidate *c)
{
	struct stage *s = &c->stages[STAGE_LINT];
	const struct json *body = c->policy->body;
	double start = clock_monotonic();

	if (policy_has_model(body))
		lint_model(c);
	switch (policy_form(body)) {
	case FORM_KNOBS:
		lint_knobs(v, c);
		break;
	case FORM_EXTERNAL:
		lint_external(v, c);
		break;
	case FORM_PARAMS:
		lint_params(c);
		break;
	case FORM_HOOKS:
		lint_code_stage(c);
		lint_params(c);
		break;
	case FORM_SOURCE:
		lint_source(c);
		break;
	default:
		stage_fail(c, STAGE_LINT, "form",
			   "form: '%s' is not in this version; 'params', "
			   "'knobs', 'external', 'hooks' and 'source' are",
			   json_as_string(json_get(body, "form"), ""));
	}
	if (s->status == STATUS_UNKNOWN)
		s->status = STATUS_PASSED;
	s->seconds = clock_monotonic() - start;
}

/* A template that is not there is nothing the policy could be blamed for. */
static void build_missing(struct verifier *v, struct candidate *c)
{
	if (policy_is_source(c->policy->body)) {
		stage_fail(c, STAGE_BUILD, "object", "%s", err_text());
		return;
	}
	stage_find(&c->stages[STAGE_BUILD], "object", "%s", err_text());
	if (!v->failed) {
		v->failed = -ENOENT;
		v->failure = mem_strdup(err_text());
	}
}

void build_stage(struct verifier *v, struct candidate *c)
{
	struct stage *s = &c->stages[STAGE_BUILD];
	double start = clock_monotonic();
	bool code = built_wanted(c->policy->body);

	if (code && !build_code(v, c)) {
		s->seconds = clock_monotonic() - start;
		return;
	}
	if (policy_object_digest(c->policy->body, c->object) < 0) {
		*c->object = '\0';
		build_missing(v, c);
	} else {
		s->status = STATUS_PASSED;
		stage_find(s, "object", "%s",
			   code ? "compiled from the policy's code"
			   : policy_is_source(c->policy->body)
				   ? "the object is what the policy says"
				   : "no compiler needed: parameters are set "
				     "in the template's data before it is "
				     "loaded");
	}
	s->seconds = clock_monotonic() - start;
}
