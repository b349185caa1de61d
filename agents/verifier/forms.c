/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The forms without an object of ours: knobs, for which there is no code at
 * all, and external schedulers, whose code is inside a program.
 */
#include <stdlib.h>

#include "agents/verifier/state.h"
#include "base/err.h"
#include "crypt/digest.h"
#include "policy/external.h"
#include "policy/form.h"
#include "policy/knobs.h"

/* Of the machine that the policy is for; 0: not known. */
static uint32_t cpus_of(const struct verifier *v, const struct candidate *c)
{
	const struct group *g = candidate_group(v, c);

	if (v->o->cpus)
		return (uint32_t)v->o->cpus;
	return g && g->profile
		       ? (uint32_t)json_as_number(
				 json_path(g->profile->body, "system.cpus"), 0)
		       : 0;
}

void lint_knobs(const struct verifier *v, struct candidate *c)
{
	const struct json *body = c->policy->body;
	uint32_t cpus = cpus_of(v, c);
	struct knobs k;

	if (knobs_read(body, &k) < 0 ||
	    (cpus && knobs_check_cpus(&k, cpus, true) < 0))
		stage_fail(c, STAGE_LINT, "knobs", "%s", err_text());
	else if (knobs_uses(&k, false) && !lint_uses(body, "declared_intent"))
		stage_fail(c, STAGE_LINT, "uses",
			   "uses: 'declared_intent' is missing, but a rule is "
			   "for some tasks by their name");
	else if (knobs_uses(&k, true) && !lint_uses(body, "learned_identity"))
		stage_fail(c, STAGE_LINT, "uses",
			   "uses: 'learned_identity' is missing, but a rule is "
			   "for what was executed");
}

void lint_external(const struct verifier *v, struct candidate *c)
{
	char *path = NULL, *help = NULL;
	struct external e;
	int rc = external_read(c->policy->body, &e);

	if (!rc)
		rc = external_find(&e, &path);
	if (!rc)
		rc = external_help(path, v->o->cancel, &help);
	if (!rc)
		rc = external_check_flags(&e, help);
	if (rc)
		stage_fail(c, STAGE_LINT, "external", "%s", err_text());
	free(help);
	free(path);
}

static const char *stage_verb(enum stage_id id)
{
	switch (id) {
	case STAGE_BUILD:
		return "built";
	case STAGE_PROVE:
		return "proved";
	default:
		return "simulated";
	}
}

/* What is run in the end, for the verdict to name. */
static void name_program(struct candidate *c)
{
	struct external e;
	char *path = NULL;

	if (external_read(c->policy->body, &e) < 0 ||
	    external_find(&e, &path) < 0 ||
	    digest_file_hex(path, c->object) < 0)
		*c->object = '\0';
	free(path);
}

bool form_settles(struct candidate *c, enum stage_id id)
{
	struct stage *s = &c->stages[id];

	switch (policy_form(c->policy->body)) {
	case FORM_KNOBS:
		if (id == STAGE_SIM)
			return false;
		s->status = STATUS_PASSED;
		stage_find(s, "no-code",
			   "no code: there is nothing to be %s, and nothing "
			   "that could fail",
			   stage_verb(id));
		return true;
	case FORM_EXTERNAL:
		if (id == STAGE_BUILD)
			name_program(c);
		/* It stays unknown. */
		stage_find(s, "external",
			   "what is inside an installed program cannot be %s: "
			   "only running it tells",
			   stage_verb(id));
		return true;
	default:
		return false;
	}
}

const char *form_deed(const struct json *body)
{
	switch (policy_form(body)) {
	case FORM_KNOBS:
		return "nothing to load; its knobs can be set";
	case FORM_EXTERNAL:
		return "starts, attaches and ends";
	default:
		return "loads, attaches and detaches";
	}
}

bool form_only_knobs(const struct verifier *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (policy_form(v->all[i].policy->body) != FORM_KNOBS)
			return false;
	return true;
}
