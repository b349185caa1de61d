/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the documents of a run to the figures that decisions rest on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/learner.h"
#include "agents/loop/parts.h"
#include "base/mem.h"

const struct doc *loop_profile(const struct loop *l)
{
	return stream_find(l->s, json_text_at(l->state.body, "profile"));
}

static double number_at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), NAN);
}

static enum loop_source source_of(const char *word)
{
	for (size_t i = 0; i < LOOP_SOURCES; i++)
		if (!strcmp(word, loop_source_names[i]))
			return (enum loop_source)i;
	return LOOP_RULE;
}

/* ---- a policy --------------------------------------------------------- */

static void read_plan(const struct json *plan, struct loop_try *t)
{
	json_each (p, json_get(plan, "predictions"))
		if (!strcmp(json_text_at(p, "policy"), t->policy))
			t->predicted = number_at(p, "ratio");
	json_each (o, json_get(plan, "origins"))
		if (!strcmp(json_text_at(o, "policy"), t->policy))
			t->source = source_of(json_text_at(o, "source"));
}

static void read_verdict(const struct doc *d, struct loop_try *t)
{
	const char *decision = json_text_at(d->body, "decision");

	strcpy(t->verdict, d->id);
	t->judgement = !strcmp(decision, "accepted")   ? LOOP_ACCEPTED
		       : !strcmp(decision, "rejected") ? LOOP_REJECTED
						       : LOOP_INCONCLUSIVE;
	json_each (m, json_get(d->body, "metrics")) {
		if (json_as_bool(json_get(m, "guard"), false))
			continue;
		t->measured = number_at(m, "ratio");
		t->lo = number_at(m, "ci95.0");
		t->hi = number_at(m, "ci95.1");
		t->pairs = (long)json_as_number(json_get(m, "pairs"), 0);
		break;
	}
	t->gap_closed_pct = number_at(d->body, "bound.gap_closed_pct");
	t->pareto = json_as_bool(json_path(d->body, "evidence.pareto"), false);
}

static void read_try(const struct loop *l, const struct json *row,
		     const char *policy, struct loop_try *t)
{
	*t = (struct loop_try){.predicted = NAN,
			       .measured = NAN,
			       .lo = NAN,
			       .hi = NAN,
			       .gap_closed_pct = NAN};
	snprintf(t->policy, sizeof(t->policy), "%s", policy);
	json_each (p, json_get(row, "plans")) {
		const struct doc *d = stream_find(l->s, json_as_string(p, ""));

		if (d)
			read_plan(d->body, t);
	}
	json_each (v, json_get(row, "verdicts")) {
		const struct doc *d = stream_find(l->s, json_as_string(v, ""));

		if (d && !strcmp(json_text_at(d->body, "policy"), policy))
			read_verdict(d, t);
	}
}

/* ---- rounds ----------------------------------------------------------- */

void loop_free_rounds(struct loop *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->rounds[i].tries);
	free(l->rounds);
	l->rounds = NULL;
	l->n = 0;
}

static void read_round(const struct loop *l, const struct json *row,
		       struct loop_round *r)
{
	const struct json *policies = json_get(row, "policies");

	*r = (struct loop_round){
		.planned = json_get(row, "policies") != NULL,
		.judged = json_as_bool(json_get(row, "judged"), false),
		.seconds = json_as_number(json_get(row, "seconds"), 0),
		.guest_runs =
			(long)json_as_number(json_get(row, "guest_runs"), 0),
		.sim_runs = (long)json_as_number(json_get(row, "sim_runs"), 0),
		.expected_gain_pct = number_at(row, "expected_gain_pct"),
		.tries = mem_zalloc(json_len(policies) + 1, sizeof(*r->tries)),
	};
	json_each (p, policies)
		read_try(l, row, json_as_string(p, ""), &r->tries[r->n++]);
}

void loop_read_rounds(struct loop *l)
{
	const struct json *rows = json_get(l->state.body, "rounds");

	loop_free_rounds(l);
	l->rounds = mem_zalloc(json_len(rows) + 1, sizeof(*l->rounds));
	json_each (row, rows)
		read_round(l, row, &l->rounds[l->n++]);
}

/* ---- the view --------------------------------------------------------- */

/* Lessons: who succeeded, and what did so on a workload as good as this one. */
static void read_lessons(const struct loop *l, const struct doc *profile,
			 struct loop_view *v)
{
	struct json *features = learner_features(profile->body);

	for (size_t i = 0; i < stream_count(l->s); i++) {
		const struct doc *d = stream_at(l->s, i);
		enum loop_source who;
		bool better;

		if (strcmp(d->kind, "lesson"))
			continue;
		who = source_of(json_text_at(d->body, "tried.source"));
		better = !strcmp(json_text_at(d->body, "outcome"), "better");
		v->tried[who]++;
		v->won[who] += better;
		if (better &&
		    strcmp(json_text_at(d->body, "profile"), profile->id) &&
		    learner_lesson_distance(d->body, profile->body, features) <
			    LEARNER_NEAR)
			v->near_ratio =
				fmax(v->near_ratio,
				     number_at(d->body, "measured.ratio"));
	}
	json_free(features);
}

/* One run of the workload, in seconds; 0: unknown. */
static double run_s_of(const struct json *profile)
{
	double us = number_at(profile, "wall_us");

	return us > 0 ? us / 1e6 : 0;
}

void loop_read_view(struct loop *l, struct loop_view *v)
{
	const struct loop_opts *o = l->o;
	const struct doc *profile = loop_profile(l);

	loop_read_rounds(l);
	*v = (struct loop_view){
		.observed = profile != NULL,
		.rounds = l->rounds,
		.n = l->n,
		.budget = o->budget,
		.spent = l->spent,
		.goal_ratio = o->goal_ratio,
		.min_effect_pct = o->min_effect_pct,
		.candidates = o->candidates,
		.model = o->asks_model,
		.interrupted = o->cancel && *o->cancel,
		.wants_deploy = o->deploy,
		.deployed = l->deployed,
	};
	/* One round is what cron gets, and what was begun is part of it. */
	if (o->once)
		v->budget.rounds = l->n ? (long)l->n : 1;
	if (!profile)
		return;
	v->run_s = run_s_of(profile->body);
	read_lessons(l, profile, v);
}

/* ---- what it cost ----------------------------------------------------- */

void loop_read_cost(const struct stream *s, size_t from, double *usd,
		    double *tokens)
{
	*usd = *tokens = 0;
	for (size_t i = from; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);

		if (strcmp(d->kind, "note"))
			continue;
		json_each (row, json_get(d->body, "accounts")) {
			*usd += json_as_number(json_get(row, "cost_usd"), 0);
			*tokens +=
				json_as_number(json_get(row, "tokens_in"), 0) +
				json_as_number(json_get(row, "tokens_out"), 0);
		}
	}
}

void loop_read_runs(const struct stream *s, size_t from, long *target,
		    long *simulated)
{
	*target = *simulated = 0;
	for (size_t i = from; i < stream_count(s); i++) {
		const struct json *body = stream_at(s, i)->body;
		const struct json *on_target =
			json_path(body, "evidence.target_runs");
		const struct json *seeds = json_path(body, "simulation.seeds");
		long runs = (long)json_as_number(on_target, 0);

		/* Each verdict of one call has the figure of all of it. */
		if (runs > *target)
			*target = runs;
		*simulated += (long)json_as_number(seeds, 0);
	}
}
