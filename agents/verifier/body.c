/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/observer/features.h"
#include "agents/verifier/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "stats/bootstrap.h"
#include "stats/sample.h"

static struct json *stages_body(const struct candidate *c)
{
	struct json *all = json_array();

	for (size_t i = 0; i < STAGE_COUNT; i++) {
		const struct stage *s = &c->stages[i];
		struct json *one = json_object();

		json_set_string(one, "name", verifier_stage_names[i]);
		json_set_string(one, "status",
				verifier_status_names[s->status]);
		json_set(one, "findings", json_copy(s->findings));
		json_set_number(one, "seconds", round(1e3 * s->seconds) / 1e3);
		json_add(all, one);
	}
	return all;
}

static void add_gap(const struct verifier *v, const struct group *g,
		    const struct candidate *c, struct json *out)
{
	double *base = pairs_column(&c->main, c->main.base, 0);
	double *cand = pairs_column(&c->main, c->main.cand, 0);
	struct json *ci = json_array();
	struct interval i;

	if (!gap_interval(base, cand, c->main.n, g->bound, g->bound_n,
			  g->w.metrics[0].higher_is_better, v->o->seed, &i)) {
		json_set_number(out, "gap_closed_pct", i.mid);
		json_add(ci, json_number(i.lo));
		json_add(ci, json_number(i.hi));
		json_set(out, "ci95", ci);
	} else {
		json_set_string(out, "note", err_text());
		json_free(ci);
	}
	free(base);
	free(cand);
}

static struct json *bound_body(const struct verifier *v, const struct group *g,
			       const struct candidate *c)
{
	struct json *out = json_object(), *samples = json_array();

	json_set_string(out, "name", g->w.metrics[0].name);
	json_set_number(out, "value", sample_median(g->bound, g->bound_n));
	for (size_t i = 0; i < g->bound_n; i++)
		json_add(samples, json_number(g->bound[i]));
	json_set(out, "samples", samples);
	if (c->main.n > 1)
		add_gap(v, g, c, out);
	return out;
}

static struct json *evidence_body(const struct verifier *v,
				  const struct group *g,
				  const struct candidate *c)
{
	struct json *out = json_object();

	json_set_string(out, "order", "ABBA");
	json_set_number(out, "warmup", 1);
	json_set_number(out, "seed", (double)v->o->seed);
	json_set_bool(out, "confirmed", c->confirmed);
	json_set_number(out, "min_effect_pct", v->o->min_effect_pct);
	json_set_number(out, "screening_pairs", (double)c->screen.n);
	json_set_number(out, "confirmation_pairs", (double)c->fresh);
	json_set_number(out, "host_load", c->from ? c->from->load : v->load);
	json_set_number(out, "host_wait_pct", verdict_wait_pct(g, c));
	json_set_number(out, "runs", (double)(c->tally.runs + g->tally.runs));
	json_set_number(out, "target_runs", (double)g->target_runs);
	if (c->ended != LOOK_ON)
		json_set_string(out, "stopped", look_name(c->ended));
	if (c->ranked)
		json_set_bool(out, "pareto", c->pareto);
	if (c->from && c->from->node)
		json_set_string(out, "node", c->from->node);
	return out;
}

/* The gain of the metric `name` in percent; false: it is not in the list. */
static bool gain_of(const struct json *list, const char *name, double *pct)
{
	json_each (m, list) {
		double ratio = json_as_number(json_get(m, "ratio"), 0);

		if (strcmp(json_as_string(json_get(m, "name"), ""), name))
			continue;
		*pct = round(1e4 * (ratio - 1)) / 1e2;
		return true;
	}
	return false;
}

/* Of the simulator, which counts a workload's goal under a name of its own. */
static bool simulated_gain(const struct group *g, const struct candidate *c,
			   const char *name, double *pct)
{
	const struct json *list = json_get(c->simulation, "metrics");
	struct features f;
	const char *goal;

	if (gain_of(list, name, pct))
		return true;
	if (!g->profile || !g->has_workload ||
	    strcmp(name, g->w.metrics[0].name))
		return false;
	features_read(g->profile->body, &f);
	goal = bound_metrics[f.bound];
	features_release(&f);
	return gain_of(list, goal, pct);
}

/*
 * What the policy was to gain, beside what it did.  A kernel's figure decides
 * where there is one.
 */
static struct json *hypothesis_body(const struct group *g,
				    const struct candidate *c,
				    const struct json *metrics)
{
	const struct json *h = json_get(c->policy->body, "hypothesis");
	const char *name = json_as_string(json_get(h, "metric"), "");
	double expected = json_as_number(json_get(h, "effect_pct"), 0);
	double simulated, measured;
	struct json *out;

	if (!h)
		return NULL;
	out = json_object();
	json_set_string(out, "metric", name);
	json_set_number(out, "expected_pct", expected);
	if (simulated_gain(g, c, name, &simulated)) {
		json_set_number(out, "simulated_pct", simulated);
		json_set_bool(out, "holds", simulated >= expected);
	}
	if (gain_of(metrics, name, &measured)) {
		json_set_number(out, "measured_pct", measured);
		json_set_bool(out, "holds", measured >= expected);
	}
	return out;
}

/* Nothing was opened: what was asked for, as far as it is known. */
static const char *target_asked(const struct verifier *v)
{
	return strcmp(v->o->target, "auto") ? v->o->target : "vm";
}

struct json *verdict_body(const struct verifier *v, const struct group *g,
			  const struct candidate *c)
{
	struct json *b = json_object();
	const struct json *f = c->from ? c->from->facts : v->facts;

	json_set_string(b, "policy", c->policy->id);
	if (g->has_workload)
		json_set_string(b, "workload", g->w.name);
	json_set_string(b, "decision", c->decision);
	json_set_string(b, "why", c->why);
	json_set_string(b, "target",
			json_as_string(json_get(f, "target"), target_asked(v)));
	json_set_string(b, "kernel",
			json_as_string(json_get(f, "kernel"), "none"));
	if (json_get(f, "configuration"))
		json_set_string(b, "configuration",
				json_text_at(f, "configuration"));
	json_set_string(b, "accelerator",
			json_as_string(json_get(f, "accelerator"), "none"));
	if (*c->object)
		json_set_string(b, "object_sha256", c->object);
	json_set(b, "stages", stages_body(c));
	json_set(b, "metrics", verdict_metrics(v, g, c));
	if (c->simulation)
		json_set(b, "simulation", json_copy(c->simulation));
	json_set(b, "hypothesis",
		 hypothesis_body(g, c, json_get(b, "metrics")));
	if (g->bound_n)
		json_set(b, "bound", bound_body(v, g, c));
	json_set_number(b, "invalid_runs",
			(double)(c->tally.invalid + g->tally.invalid));
	json_set(b, "evidence", evidence_body(v, g, c));
	return b;
}

/* ---- the control of learned identity ---- */

struct expectation {
	const char *hash;
	double us;
};

static int by_time(const void *a, const void *b)
{
	const struct expectation *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

/*
 * Turned by half the ranks: what was thought longest is thought middling, and
 * no rank stays.  A lone identity has no other's place to take: it is left
 * out, as if it had never been seen.
 */
struct json *body_shuffled(const struct json *body)
{
	const struct json *list = json_get(body, "identities");
	size_t n = json_len(list), i = 0;
	struct json *out, *turned = json_array();
	struct expectation *e;

	e = mem_zalloc(n + 1, sizeof(*e));
	json_each (id, list)
		e[i++] = (struct expectation){
			json_as_string(json_get(id, "hash"), ""),
			json_as_number(json_get(id, "expect_us"), 0)};
	qsort(e, n, sizeof(*e), by_time);
	for (i = 0; n > 1 && i < n; i++) {
		struct json *id = json_object();

		json_set_string(id, "hash", e[i].hash);
		json_set_number(id, "expect_us", e[(i + n / 2) % n].us);
		json_add(turned, id);
	}
	free(e);
	out = json_copy(body);
	json_set(out, "identities", turned);
	return out;
}
