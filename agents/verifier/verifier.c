/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/verifier/verifier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/verifier/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/form.h"

int verifier_stages_parse(const char *text, unsigned *stages)
{
	char *copy = mem_strdup(text), *save = NULL;
	int rc = 0;

	*stages = 0;
	for (char *w = strtok_r(copy, ",", &save); w && !rc;
	     w = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < STAGE_COUNT && strcmp(verifier_stage_names[i], w))
			i++;
		if (i == STAGE_COUNT)
			rc = err_set(EINVAL,
				     "there is no stage '%s'; the stages are "
				     "lint, build, prove, sim, kernel, run",
				     w);
		else
			*stages |= 1u << i;
	}
	if (!rc && !*stages)
		rc = err_set(EINVAL, "no stage is named");
	free(copy);
	return rc;
}

static bool any_alive(const struct verifier *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (candidate_alive(&v->all[i]))
			return true;
	return false;
}

static void skip_stage(struct candidate *c, enum stage_id id)
{
	c->stages[id].status = STATUS_SKIPPED;
	stage_find(&c->stages[id], "not-asked-for", "not asked for");
}

static void climb_one(struct verifier *v, struct candidate *c, enum stage_id id)
{
	static void (*const climbs[])(struct verifier * v,
				      struct candidate * c) = {
		[STAGE_BUILD] = build_stage,
		[STAGE_PROVE] = prove_stage,
		[STAGE_SIM] = sim_stage,
	};

	if (!stage_wanted(v, id))
		skip_stage(c, id);
	else if (candidate_alive(c) && !form_settles(c, id))
		climbs[id](v, c);
}

/* No core is waited for that nothing would run on. */
static bool simulates(const struct verifier *v)
{
	return stage_wanted(v, STAGE_SIM) && any_alive(v);
}

static void skip_unwanted(struct verifier *v)
{
	for (size_t i = 0; i < v->count; i++)
		for (enum stage_id id = 0; id < STAGE_COUNT; id++)
			if (!stage_wanted(v, id) &&
			    v->all[i].stages[id].status == STATUS_UNKNOWN)
				skip_stage(&v->all[i], id);
}

static bool needs_target(const struct verifier *v)
{
	return any_alive(v) &&
	       (stage_wanted(v, STAGE_KERNEL) || stage_wanted(v, STAGE_RUN));
}

static void climb_without_target(struct verifier *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct candidate *c = &v->all[i];

		run_progress(v, "reading and building policy %zu/%zu: '%s'",
			     i + 1, v->count, verifier_title(c));
		/* No program is started with flags that nobody looked at. */
		if (stage_wanted(v, STAGE_LINT) ||
		    policy_form(c->policy->body) == FORM_EXTERNAL)
			lint_stage(v, c);
		else
			skip_stage(c, STAGE_LINT);
		climb_one(v, c, STAGE_BUILD);
	}
	known_find(v);
	if (needs_target(v))
		run_target_ahead(v);
	if (simulates(v) && !lease_take(v, STAGE_SIM)) {
		skip_unwanted(v);
		return;
	}
	if (stage_wanted(v, STAGE_PROVE) || stage_wanted(v, STAGE_SIM))
		apart_climb(v, climb_one);
	for (size_t i = 0; i < v->group_count && !v->cancelled; i++)
		sim_compare(v, &v->groups[i]);
	lease_give(v);
	v->cancelled |= v->o->cancel && *v->o->cancel;
	skip_unwanted(v);
}

/* What was measured is not what was observed. */
static void tell_model(const struct group *g, struct candidate *c)
{
	if (g->is_model && c->tally.runs)
		stage_find(&c->stages[STAGE_RUN], "model",
			   "the profile has no command: rt-app played a model "
			   "of what was observed");
}

/* What else ran here shows up as noise. */
static void tell_load(const struct verifier *v, struct candidate *c)
{
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);

	if (c->tally.runs && v->load > cpus / 2)
		stage_find(&c->stages[STAGE_RUN], "busy-host",
			   "this machine was busy before the first run (load "
			   "%.1f): expect noise",
			   v->load);
}

static void tell_cut(struct candidate *c)
{
	if (c->cut_runs)
		stage_find(&c->stages[STAGE_RUN], "cut-off",
			   "%zu of %zu runs were ended when they had lost "
			   "already, the last after %.3g s; they count as "
			   "that long",
			   c->cut_runs, c->tally.runs, c->cut_s);
}

/* What was not reached because an earlier stage failed. */
static void skip_the_rest(struct candidate *c)
{
	bool failed = false;

	for (size_t i = 0; i < STAGE_COUNT; i++) {
		struct stage *s = &c->stages[i];

		if (failed && s->status == STATUS_UNKNOWN) {
			s->status = STATUS_SKIPPED;
			stage_find(s, "not-reached", "%s",
				   c->unbuilt ? "nothing was built"
					      : "an earlier stage failed");
		}
		failed |= s->status == STATUS_FAILED ||
			  (c->unbuilt && i == STAGE_BUILD);
	}
}

static bool group_alive(const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (candidate_alive(g->c[i]))
			return true;
	return false;
}

static void run_groups(struct verifier *v)
{
	for (size_t i = 0; i < v->group_count && !v->cancelled; i++) {
		struct group *g = &v->groups[i];

		if (!group_alive(g))
			continue;
		if (g->has_workload) {
			rounds_group(v, g);
			continue;
		}
		for (size_t k = 0; k < g->n; k++) {
			struct stage *s = &g->c[k]->stages[STAGE_RUN];

			if (!candidate_alive(g->c[k]))
				continue;
			s->status = STATUS_SKIPPED;
			stage_find(s, "no-command", "%s%s%s",
				   g->profile ? "the profile has no command"
					      : "no profile in the stream",
				   g->no_workload ? ", and " : "",
				   g->no_workload ? g->no_workload : "");
		}
	}
}

/* The rungs that need a kernel. */
static void climb_target(struct verifier *v)
{
	bool kernel = stage_wanted(v, STAGE_KERNEL);
	bool runs = stage_wanted(v, STAGE_RUN);

	if (!needs_target(v) || !lease_take(v, STAGE_RUN))
		return;
	if (kernel)
		kernel_stage(v);
	if (runs && any_alive(v) && !v->cancelled && !v->failed)
		run_groups(v);
	lease_give(v);
}

static bool is_accepted(const struct doc *verdict)
{
	return !strcmp(json_text_at(verdict->body, "decision"), "accepted");
}

/* A verdict that cannot be signed is as true as before. */
static void sign(struct verifier *v, const struct candidate *c,
		 struct json *body, struct verifier_result *out)
{
	if (!v->o->signer || strcmp(c->decision, "accepted") ||
	    !signer_sign(v->o->signer, body, c->policy))
		return;
	if (!out->unsigned_++)
		snprintf(out->why, sizeof(out->why), "%s", err_text());
}

/* Decided elsewhere, or here. */
static struct json *body_of(struct verifier *v, const struct group *g,
			    struct candidate *c)
{
	if (c->answer) {
		c->decision = json_text_at(c->answer, "decision");
		return json_copy(c->answer);
	}
	skip_the_rest(c);
	tell_cut(c);
	verdict_decide(v, g, c);
	if (c->from) {
		stage_take_findings(&c->stages[STAGE_RUN], c->from->notes);
	} else {
		tell_load(v, c);
		tell_model(g, c);
	}
	return verdict_body(v, g, c);
}

static int emit(struct verifier *v, const struct group *g, struct candidate *c,
		struct verifier_result *out)
{
	const char *parents[] = {c->policy->id,
				 g->profile ? g->profile->id : NULL};
	struct json *body;
	struct doc *d;

	if (c->known) {
		out->accepted += is_accepted(c->known);
		return 0;
	}
	body = body_of(v, g, c);
	sign(v, c, body, out);
	d = doc_new("verdict", "sched-verify", body, parents,
		    g->profile ? 2 : 1);
	if (!d)
		return -EINVAL;
	out->verdicts++;
	out->accepted += is_accepted(d);
	return stream_emit(v->stream, d);
}

/* The verdicts come in the order of the policies. */
static int emit_all(struct verifier *v, struct verifier_result *out)
{
	int rc = 0;

	for (size_t i = 0; i < v->group_count; i++)
		front_mark(v, &v->groups[i]);

	for (size_t i = 0; i < v->count && !rc; i++)
		for (size_t k = 0; k < v->group_count && !rc; k++)
			for (size_t m = 0; m < v->groups[k].n && !rc; m++)
				if (v->groups[k].c[m] == &v->all[i])
					rc = emit(v, &v->groups[k], &v->all[i],
						  out);
	return rc;
}

static int outcome(const struct verifier *v)
{
	if (v->cancelled)
		return err_set(EINTR, "interrupted; what is known so far is "
				      "in the verdicts");
	if (v->failed)
		return err_set(-v->failed, "%s", v->failure);
	for (size_t i = 0; v->lost && i < v->count; i++)
		if (v->all[i].lost)
			return err_set(-v->lost_rc,
				       "%zu of %zu policies have no answer, "
				       "one of them: %s",
				       v->lost, v->count, v->all[i].lost);
	for (size_t i = 0; v->unable && i < v->group_count; i++)
		if (v->groups[i].trouble)
			err_set(-v->unable, "%s", v->groups[i].trouble);
	return v->unable;
}

int verifier_verify(struct stream *s, const struct verifier_opts *o,
		    struct verifier_result *out)
{
	struct verifier v = {.stream = s, .o = o};
	int rc;

	*out = (struct verifier_result){0};
	getloadavg(&v.load, 1);
	rc = plan_read(&v);
	if (rc)
		goto out;
	if (o->executor) {
		scatter_climb(&v);
		skip_unwanted(&v);
	} else {
		climb_without_target(&v);
		climb_target(&v);
	}
	rc = emit_all(&v, out);
	if (!rc)
		rc = outcome(&v);
out:
	plan_release(&v);
	return rc;
}
