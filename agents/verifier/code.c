/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages lint and build of policies that bring code. */
#include <errno.h>
#include <string.h>

#include "agents/builder/builder.h"
#include "agents/builder/lint_code.h"
#include "agents/verifier/state.h"
#include "base/err.h"
#include "policy/policy.h"

static void tell(void *arg, const char *rule, long line, const char *text)
{
	struct stage *s = arg;

	s->status = STATUS_FAILED;
	stage_find_at(s, rule, line ? CODE_FILE : NULL, line, "%s", text);
}

/* What hooks decide is bounded by how long a task may wait. */
static void check_bound(struct candidate *c)
{
	struct policy_params p;

	if (!policy_params_read(c->policy->body, &p) && !p.starve_us)
		stage_fail(c, STAGE_LINT, "params",
			   "params.starve_us: 0 leaves hooks without a bound; "
			   "leave it out for the default");
}

void lint_code_stage(struct candidate *c)
{
	struct stage *s = &c->stages[STAGE_LINT];
	const struct json *body = c->policy->body;
	const char *code = json_as_string(json_get(body, "code"), "");
	bool hooks =
		!strcmp(json_as_string(json_get(body, "form"), ""), "hooks");
	struct code_lint lint = {.form = hooks ? CODE_HOOKS : CODE_SOURCE,
				 .find = tell,
				 .arg = s};

	if (json_get(body, "object"))
		stage_fail(c, STAGE_LINT, "object",
			   "object: a policy with code has its object made of "
			   "that");
	if (!*code)
		stage_fail(c, STAGE_LINT, "code", "code: it is missing");
	if (hooks)
		check_bound(c);
	else if (json_get(body, "params"))
		stage_fail(c, STAGE_LINT, "params",
			   "params: the form 'source' has none");
	code_lint_text(&lint, code, strlen(code));
}

bool build_code(struct verifier *v, struct candidate *c)
{
	struct stage *s = &c->stages[STAGE_BUILD];
	struct builder b = {.find = tell, .arg = s, .cancel = v->o->cancel};
	int rc = builder_build(&b, c->policy->body);

	if (!rc)
		return true;
	if (rc == -EINTR) {
		v->cancelled = true;
	} else if (rc == -ENOENT || rc == -ENOTSUP) {
		c->unbuilt = true;
		s->status = STATUS_SKIPPED;
		stage_find(s, "no-compiler", "%s", err_text());
	} else if (s->status != STATUS_FAILED) {
		stage_fail(c, STAGE_BUILD, "build", "%s", err_text());
	}
	return false;
}
