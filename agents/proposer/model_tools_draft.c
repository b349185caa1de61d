/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model's draft, as far up the ladder as it asks for. */
#include <errno.h>

#include "agents/proposer/model_tools_parts.h"
#include "agents/prompt/prompt.h"
#include "base/err.h"

static void set_default(struct json *body, const char *key, struct json *value)
{
	if (json_get(body, key))
		json_free(value);
	else
		json_set(body, key, value);
}

/* A draft is not yet named, nor has it to say why it is good. */
static struct doc *draft(const struct model_tools *t,
			 const struct json *arguments)
{
	struct json *body = json_copy(json_get(arguments, "policy"));
	const struct doc *profile = t->o.profile;

	set_default(body, "title", json_string("draft"));
	set_default(body, "why", json_string("draft"));
	set_default(body, "uses", json_array());
	return doc_new("policy", "sched-synth", body, &profile->id, 1);
}

static int climb(struct model_tools *t, const struct json *arguments,
		 const char *stages, struct buf *b)
{
	struct doc *policy = draft(t, arguments), *verdict = NULL;
	int rc;

	if (!policy)
		return err_prefix(-EINVAL, "the policy is none");
	rc = ladder_enter(t->o.gate, "");
	if (!rc) {
		rc = ladder_climb(t->o.profile, policy, stages, t->o.cancel,
				  &verdict);
		ladder_leave(t->o.gate);
	}
	if (!rc)
		prompt_verdict(b, verdict);
	doc_free(verdict);
	doc_free(policy);
	return rc;
}

int tool_compile(struct model_tools *t, const struct json *arguments,
		 struct buf *b)
{
	return climb(t, arguments, "lint,build", b);
}

int tool_prove(struct model_tools *t, const struct json *arguments,
	       struct buf *b)
{
	return climb(t, arguments, "lint,build,prove", b);
}

int tool_simulate(struct model_tools *t, const struct json *arguments,
		  struct buf *b)
{
	return climb(t, arguments, "lint,build,prove,sim", b);
}
