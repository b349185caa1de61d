/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prove stage: what the policy's bytecode says about all of its paths. */
#include <errno.h>
#include <stdlib.h>

#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "policy/object.h"
#include "prove/prove.h"
#include "sim/sim.h"

/* What the loader fills in on the machine; the proof holds for any of it. */
static const char *const template_later[] = {
	"nr_cpus", "nr_llcs", "cpu_llc", "longest_ns", "beat_limit_ms", NULL};

static void tell(struct candidate *c, const struct prove_result *r)
{
	struct stage *s = &c->stages[STAGE_PROVE];
	bool unknown = false;

	for (int i = 0; i < PROVE_RULES; i++)
		unknown |= r->answers[i] == PROVE_UNKNOWN;
	s->status = unknown ? STATUS_UNKNOWN : STATUS_PASSED;
	for (size_t i = r->count; i-- > 0;) {
		const struct prove_finding *f = &r->findings[i];
		const char *rule = prove_rule_names[f->rule];

		/* The first violation comes last: the verdict quotes it. */
		stage_find_at(s, rule, f->file, f->line, "%s%s",
			      f->answer == PROVE_UNKNOWN ? "not proved: " : "",
			      f->text);
		if (f->answer == PROVE_VIOLATED)
			s->status = STATUS_FAILED;
	}
}

void prove_stage(struct verifier *v, struct candidate *c)
{
	const struct verifier_opts *o = v->o;
	struct stage *s = &c->stages[STAGE_PROVE];
	const char *path = candidate_path(c);
	double start = clock_monotonic();
	struct sim_policy *policy = NULL;
	struct prove_opts opts = {0};
	struct prove_result r;
	uint32_t kernel = 0;
	int rc;

	if (o->kernel_count && sim_kernel_parse(o->kernels[0], &kernel) < 0)
		kernel = 0;
	rc = sim_policy_open(path, c->policy->body, kernel, &policy);
	if (rc == 0) {
		opts.types = sim_policy_types(policy);
		if (!policy_is_source(c->policy->body))
			opts.later = template_later;
		rc = prove_object(sim_policy_object(policy), &opts, &r);
	}
	if (rc == 0) {
		tell(c, &r);
		prove_result_release(&r);
	} else if (rc == -EINVAL) {
		stage_fail(c, STAGE_PROVE, "object", "%s", err_text());
	} else {
		stage_find(s, "unsupported", "not proved: %s", err_text());
	}
	sim_policy_free(policy);
	s->seconds = clock_monotonic() - start;
}
