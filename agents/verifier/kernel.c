/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The target, and what its kernel says to a policy. */
#include <errno.h>

#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define LOAD_TRIES 2

void target_fail(struct verifier *v, int rc)
{
	if (rc == -EINTR || (v->o->cancel && *v->o->cancel)) {
		v->cancelled = true;
	} else if (!v->failed) {
		v->failed = rc;
		v->failure = mem_strdup(err_text());
	}
}

struct target_opts run_target_opts(const struct verifier *v, size_t i)
{
	const struct verifier_opts *o = v->o;

	return (struct target_opts){
		.kind = o->target,
		.cpus = o->cpus,
		.memory_mib = o->memory_mib,
		.kernel = i < o->kernel_count ? o->kernels[i] : NULL,
		.topology = o->topology,
		.plain = form_only_knobs(v),
		.cancel = o->cancel,
		.progress = o->progress,
		.progress_arg = o->progress_arg,
	};
}

static int open_kernel(struct verifier *v, size_t i, struct target **t)
{
	struct target_opts to = run_target_opts(v, i);

	return target_open(&to, t);
}

/*
 * While the simulator has the cores a guest's boot leaves idle.  Without others
 * on this machine only: a guest is waited for where there are.
 */
void run_target_ahead(struct verifier *v)
{
	struct target_opts to = run_target_opts(v, 0);

	if (v->o->runtime || v->target || v->failed || v->cancelled)
		return;
	to.ahead = true;
	if (target_open(&to, &v->target))
		v->target = NULL; /* run_target() will say why */
}

bool run_target(struct verifier *v)
{
	int rc;

	if (v->o->cancel && *v->o->cancel)
		v->cancelled = true;
	if (v->cancelled || v->failed)
		return false;
	if (v->facts)
		return true;
	rc = v->target ? target_await(v->target)
		       : open_kernel(v, 0, &v->target);
	if (rc) {
		target_fail(v, rc);
		return false;
	}
	v->facts = json_copy(target_facts(v->target));
	return true;
}

static const char *kernel_name(const struct target *t)
{
	return json_as_string(json_get(target_facts(t), "kernel"), "unknown");
}

/* Loads, attaches, runs nothing worth the name, detaches. */
static void load_once(struct verifier *v, struct candidate *c, struct target *t)
{
	static char word[] = "true";
	char *const nothing[] = {word, NULL};
	struct run_spec spec = {.argv = nothing,
				.cwd = "/",
				.policy = c->policy->body,
				.timeout_s = LEAST_LIMIT_S};
	struct stage *s = &c->stages[STAGE_KERNEL];
	double start = clock_monotonic();
	struct run_result r = {0};
	int rc, tries = 0;

	do {
		run_result_release(&r);
		rc = target_run(t, &spec, &r);
		tries++;
	} while (!rc && (r.outcome == RUN_LOST || r.outcome == RUN_TIMEOUT) &&
		 tries < LOAD_TRIES);
	s->seconds += clock_monotonic() - start;
	if (rc || r.outcome == RUN_CANCELLED)
		target_fail(v, rc ? rc : -EINTR);
	else if (r.outcome == RUN_DONE && r.proc.exit_status == 0)
		stage_find(s, "loaded", "%s on %s", form_deed(c->policy->body),
			   kernel_name(t));
	else if (r.outcome == RUN_DONE)
		stage_fail(c, STAGE_KERNEL, "command",
			   "'true' ended with status %d under the policy",
			   r.proc.exit_status);
	else
		stage_refused(c, STAGE_KERNEL, &r);
	run_result_release(&r);
}

/* Its first run will show that it loads: with rungs every policy has one. */
static bool runs_anyway(const struct verifier *v, const struct candidate *c)
{
	const struct group *g = candidate_group(v, c);

	return v->o->halving && stage_wanted(v, STAGE_RUN) && g &&
	       g->has_workload;
}

void kernel_took(struct verifier *v, struct candidate *c)
{
	struct stage *s = &c->stages[STAGE_KERNEL];

	if (!stage_wanted(v, STAGE_KERNEL) || s->status != STATUS_UNKNOWN)
		return;
	s->status = STATUS_PASSED;
	stage_find(s, "loaded", "%s on %s", form_deed(c->policy->body),
		   kernel_name(v->target));
}

static void load_all(struct verifier *v, struct target *t)
{
	for (size_t i = 0; i < v->count && !v->cancelled && !v->failed; i++) {
		if (!candidate_alive(&v->all[i]) ||
		    (t == v->target && runs_anyway(v, &v->all[i])))
			continue;
		run_progress(v, "loading policy %zu/%zu on %s: '%s'", i + 1,
			     v->count, kernel_name(t),
			     verifier_title(&v->all[i]));
		load_once(v, &v->all[i], t);
	}
}

void kernel_stage(struct verifier *v)
{
	for (size_t i = 1; i < v->o->kernel_count; i++) {
		struct target *t = NULL;
		int rc = open_kernel(v, i, &t);

		if (rc) {
			target_fail(v, rc);
			return;
		}
		load_all(v, t);
		target_close(t);
	}
	if (!run_target(v))
		return;
	load_all(v, v->target);
	for (size_t i = 0; i < v->count && !v->cancelled && !v->failed; i++)
		if (candidate_alive(&v->all[i]) && !runs_anyway(v, &v->all[i]))
			v->all[i].stages[STAGE_KERNEL].status = STATUS_PASSED;
}
