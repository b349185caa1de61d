/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sim stage: the very object that would be loaded, run on a model of the
 * machine, on what was observed and on loads made to be hard on it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/simulator/hostile.h"
#include "agents/simulator/simulate.h"
#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "policy/form.h"
#include "policy/knobs.h"
#include "policy/object.h"

#define HOSTILE_SEEDS  2
#define WORKLOAD_SEEDS 3

#define LIMIT_NS   60000000000ull
#define MAX_EVENTS 20000000ull

/* The state of one candidate's stage. */
struct climb {
	struct verifier *v;
	struct candidate *c;
	struct sim_policy *policy; /* NULL: the kernel's own scheduler … */
	struct knobs knobs;	   /* … with these set */
	bool has_knobs;
	struct hostile hostile;
	unsigned excused;   /* rules that it breaks without them, too */
	struct stage noted; /* findings that do not fail it */
	bool undecided;	    /* something could not be run */
};

static bool stopped(const struct climb *k)
{
	return k->v->o->cancel && *k->v->o->cancel;
}

/* One finding per rule and line over all loads: the first load names it. */
static bool is_known(const struct json *findings, const struct sim_finding *f)
{
	json_each (g, findings)
		if (!strcmp(json_as_string(json_get(g, "rule"), ""),
			    sim_rule_names[f->rule]) &&
		    !strcmp(json_as_string(json_get(g, "file"), ""),
			    f->file ? f->file : "") &&
		    json_as_number(json_get(g, "line"), 0) == f->line)
			return true;
	return false;
}

static void take_findings(struct climb *k, const char *load, bool hostile,
			  const struct sim_result *r)
{
	struct stage *s = &k->c->stages[STAGE_SIM];

	for (size_t i = 0; i < r->finding_count; i++) {
		const struct sim_finding *f = &r->findings[i];
		struct stage *to = &k->noted;

		if (f->rule == SIM_UNSUPPORTED)
			k->undecided = true;
		else if (k->excused & 1u << f->rule)
			to = &k->noted;
		else if (hostile ? hostile_fails(&k->hostile, f)
				 : simulate_is_defect(f))
			to = s;
		if (to == s)
			s->status = STATUS_FAILED;
		if (!is_known(to->findings, f))
			stage_find_at(to, sim_rule_names[f->rule], f->file,
				      f->line, "%s, after %.3f s of '%s'",
				      f->text, (double)f->at_ns / 1e9, load);
	}
	if (hostile_wants_restart(r)) {
		stage_find(&k->noted, "restart",
			   "%s, in '%s': to be loaded again", r->exit_text,
			   load);
	} else if (r->outcome == SIM_EJECTED && s->status != STATUS_FAILED) {
		s->status = STATUS_FAILED;
		stage_find(s, sim_rule_names[SIM_ERROR], "%s, in '%s'",
			   r->exit_text ? r->exit_text : "it was dropped",
			   load);
	} else if (r->outcome == SIM_LIMIT || r->outcome == SIM_STUCK) {
		k->undecided = true;
		if (!r->finding_count)
			stage_find(&k->noted, "unfinished",
				   "'%s' did not come to its end (%s)", load,
				   sim_outcome_name(r->outcome));
	}
}

static void cannot(struct climb *k, const char *load)
{
	k->undecided = true;
	stage_find(&k->noted, "not-run", "'%s' could not be run: %s", load,
		   err_text());
}

/* Knobs cannot be blamed for what the kernel's own scheduler does anyway. */
static void excuse(struct climb *k, const char *name)
{
	struct hostile plain = k->hostile;
	struct simulated s;

	plain.knobs = NULL;
	if (hostile_run(&plain, name, HOSTILE_SEEDS, &s) < 0)
		return;
	for (size_t i = 0; i < s.result.finding_count; i++)
		k->excused |= 1u << s.result.findings[i].rule;
	simulated_release(&s);
}

static void run_hostile(struct climb *k, const char *name)
{
	struct simulated s;

	k->excused = 0;
	if (k->has_knobs)
		excuse(k, name);
	if (hostile_run(&k->hostile, name, HOSTILE_SEEDS, &s) < 0) {
		cannot(k, name);
	} else {
		take_findings(k, name, true, &s.result);
		simulated_release(&s);
	}
}

/* What was observed waits as long as it likes: only the watchdog counts. */
static struct sim_opts workload_options(const struct verifier *v,
					const struct json *profile)
{
	struct sim_opts o = {
		.seed = v->o->seed,
		.limit_ns = LIMIT_NS,
		.max_events = MAX_EVENTS,
		.cancel = v->o->cancel,
	};

	simulate_machine(profile, &o.machine);
	return o;
}

static struct json *callbacks_json(const struct sim_result *r)
{
	struct json *list = json_array();

	for (size_t i = 0; i < r->callback_count; i++) {
		const struct sim_callback_result *cb = &r->callbacks[i];
		struct json *row;

		if (!cb->calls)
			continue;
		row = json_add(list, json_object());
		json_set_string(row, "name", cb->name);
		json_set_number(row, "calls", (double)cb->calls);
		json_set_number(row, "insns_mean",
				(double)(cb->insns / cb->calls));
		json_set_number(row, "insns_max", (double)cb->insns_max);
	}
	return list;
}

static void run_workload(struct climb *k, const struct group *g)
{
	struct sim_opts o = workload_options(k->v, g->profile->body);
	struct simulated arm = {0};
	struct json *out;
	struct load *l;

	if (load_from_profile(g->profile->body, &l) < 0) {
		cannot(k, "the profile");
		return;
	}
	simulate_costs(l, &o.costs);
	k->excused = 0;
	if ((k->has_knobs &&
	     load_set_knobs(l, &k->knobs, o.machine.cpus) < 0) ||
	    simulate(&o, k->policy, l, WORKLOAD_SEEDS, &arm) < 0) {
		cannot(k, "the profile");
	} else {
		take_findings(k, "the profile", false, &arm.result);
		out = json_object();
		json_set_number(out, "cpus", o.machine.cpus);
		json_set_number(out, "seeds", (double)arm.runs);
		json_set(out, "metrics", json_copy(arm.metrics));
		json_set(out, "callbacks", callbacks_json(&arm.result));
		json_free(k->c->simulation);
		k->c->simulation = out;
	}
	simulated_release(&arm);
	load_free(l);
}

/* The profile's load under the kernel's own scheduler. */
static int simulate_baseline(struct verifier *v, const struct group *g,
			     struct simulated *base)
{
	struct sim_opts o = workload_options(v, g->profile->body);
	struct load *l;
	int rc = load_from_profile(g->profile->body, &l);

	if (rc)
		return rc;
	simulate_costs(l, &o.costs);
	rc = simulate(&o, NULL, l, WORKLOAD_SEEDS, base);
	load_free(l);
	return rc;
}

static void compare(struct candidate *c, const struct simulated *base)
{
	struct stage *s = &c->stages[STAGE_SIM];

	if (base->metrics) {
		json_set(c->simulation, "metrics",
			 simulate_compare(base->metrics,
					  json_get(c->simulation, "metrics")));
		return;
	}
	json_free(c->simulation);
	c->simulation = NULL;
	if (s->status == STATUS_PASSED)
		s->status = STATUS_UNKNOWN;
	stage_find(s, "not-run",
		   "the kernel's own scheduler could not be run: %s",
		   err_text());
}

void sim_compare(struct verifier *v, struct group *g)
{
	struct simulated base = {0};
	bool done = false;

	for (size_t i = 0; i < g->n; i++) {
		if (!g->c[i]->simulation)
			continue;
		if (!done) {
			run_progress(v,
				     "simulating the kernel's own scheduler");
			simulate_baseline(v, g, &base);
		}
		done = true;
		compare(g->c[i], &base);
	}
	simulated_release(&base);
}

static int open_policy(struct climb *k)
{
	const struct verifier_opts *o = k->v->o;
	const char *path = candidate_path(k->c);
	uint32_t kernel = 0;
	int rc;

	if (k->has_knobs) {
		rc = knobs_read(k->c->policy->body, &k->knobs);
		return rc ? rc : load_check_knobs(&k->knobs, SIM_MAX_CPUS);
	}
	/* A file instead of a series: the default will have to do. */
	if (o->kernel_count && sim_kernel_parse(o->kernels[0], &kernel) < 0)
		kernel = 0;
	rc = sim_policy_open(path, k->c->policy->body, kernel, &k->policy);
	return rc;
}

/* The verdict quotes the last finding: one that failed the stage. */
static void put_first(struct stage *s, struct json *noted)
{
	json_each (f, s->findings)
		json_add(noted, json_copy(f));
	json_free(s->findings);
	s->findings = noted;
}

void sim_stage(struct verifier *v, struct candidate *c)
{
	struct stage *s = &c->stages[STAGE_SIM];
	const struct group *g = candidate_group(v, c);
	struct climb k = {.v = v, .c = c, .noted = {.findings = json_array()}};
	double start = clock_monotonic();
	int rc;

	k.has_knobs = policy_form(c->policy->body) == FORM_KNOBS;
	rc = open_policy(&k);
	hostile_init(&k.hostile, k.policy, c->policy->body, v->o->seed,
		     v->o->cancel);
	k.hostile.knobs = k.has_knobs ? &k.knobs : NULL;
	if (rc == -ENOTSUP) {
		k.undecided = true;
		stage_find(&k.noted, sim_rule_names[SIM_UNSUPPORTED], "%s",
			   err_text());
	} else if (rc) {
		stage_fail(c, STAGE_SIM, "object", "%s", err_text());
	}
	for (size_t i = 0; !rc && load_hostile_names[i] && !stopped(&k); i++)
		run_hostile(&k, load_hostile_names[i]);
	if (!rc && g && g->profile && s->status != STATUS_FAILED &&
	    !stopped(&k))
		run_workload(&k, g);
	if (stopped(&k))
		v->cancelled = true;
	else if (s->status == STATUS_UNKNOWN && !k.undecided)
		s->status = STATUS_PASSED;
	sim_policy_free(k.policy);
	put_first(s, k.noted.findings);
	s->seconds = clock_monotonic() - start;
}
