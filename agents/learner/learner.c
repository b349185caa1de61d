/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/learner/learner.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "target/target.h"

/* ---- what a lesson is about ------------------------------------------- */

static const struct doc *parent_of_kind(const struct stream *s,
					const struct doc *d, const char *kind)
{
	for (size_t i = 0; i < doc_parent_count(d); i++) {
		const struct doc *p = stream_find(s, doc_parent(d, i));

		if (p && !strcmp(p->kind, kind))
			return p;
	}
	return NULL;
}

/* A verdict names its profile; one that was made by hand may leave that to
 * its policy. */
static int find_subject(const struct stream *s, const struct doc *verdict,
			struct subject *out)
{
	const char *id = json_text_at(verdict->body, "policy");
	const struct doc *policy = stream_find(s, id);

	if (!policy || strcmp(policy->kind, "policy"))
		return err_set(ENOENT,
			       "verdict %.12s is about policy %.12s, which the "
			       "input does not have: pass on all that "
			       "sched-verify wrote",
			       verdict->id, id);
	*out = (struct subject){.verdict = verdict, .policy = policy};
	out->profile = parent_of_kind(s, verdict, "profile");
	if (!out->profile)
		out->profile = parent_of_kind(s, policy, "profile");
	out->plan = parent_of_kind(s, policy, "plan");
	if (!out->profile)
		return err_set(ENOENT,
			       "the profile that verdict %.12s is about is not "
			       "in the input: pass on all that sched-observe "
			       "wrote",
			       verdict->id);
	return 0;
}

/* ---- what came out ---------------------------------------------------- */

static bool has_rule(const struct json *stage, const char *rule)
{
	json_each (f, json_get(stage, "findings"))
		if (!strcmp(json_text_at(f, "rule"), rule))
			return true;
	return false;
}

/* The policy, not what it made of the metrics, was what failed. */
static bool broke(const struct json *stage)
{
	static const enum run_outcome bad[] = {RUN_TIMEOUT, RUN_REFUSED,
					       RUN_EJECTED, RUN_LOST};

	if (strcmp(json_text_at(stage, "status"), "failed"))
		return false;
	if (strcmp(json_text_at(stage, "name"), "run"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (has_rule(stage, run_outcome_name(bad[i])))
			return true;
	return false;
}

const struct json *subject_broken(const struct json *verdict)
{
	json_each (stage, json_get(verdict, "stages"))
		if (broke(stage))
			return stage;
	return NULL;
}

const struct json *subject_goal(const struct json *verdict)
{
	json_each (m, json_get(verdict, "metrics"))
		if (!json_as_bool(json_get(m, "guard"), false))
			return m;
	return NULL;
}

static bool has_finding(const struct json *verdict, const char *rule)
{
	json_each (stage, json_get(verdict, "stages"))
		if (has_rule(stage, rule))
			return true;
	return false;
}

static double least_effect(const struct json *verdict)
{
	return 1 + json_as_number(json_path(verdict, "evidence.min_effect_pct"),
				  0) /
			   100;
}

const char *subject_outcome(const struct json *verdict)
{
	const struct json *goal = subject_goal(verdict);
	double ratio = json_as_number(json_get(goal, "ratio"), NAN);
	double hi = json_as_number(json_path(goal, "ci95.1"), INFINITY);

	if (subject_broken(verdict))
		return "unsafe";
	if (!strcmp(json_text_at(verdict, "decision"), "accepted"))
		return "better";
	if (has_finding(verdict, "guard") || hi < 1)
		return "worse";
	if (!strcmp(json_text_at(verdict, "decision"), "rejected") &&
	    ratio < least_effect(verdict))
		return "no-better";
	return "unknown";
}

/* ---- the parts of the body -------------------------------------------- */

static void copy(struct json *to, const char *key, const struct json *v)
{
	if (v && json_type(v) != JSON_NULL)
		json_set(to, key, json_copy(v));
}

static const struct json *row_of(const struct json *list, const char *policy)
{
	json_each (row, list)
		if (!strcmp(json_text_at(row, "policy"), policy))
			return row;
	return NULL;
}

/* Plans of before there were origins: a model's say what the model cost. */
static const char *source_of(const struct subject *s, const struct json *origin)
{
	if (origin)
		return json_text_at(origin, "source");
	if (!s->plan)
		return "person";
	return json_get(s->plan->env, "provenance") ? "model" : "rule";
}

static struct json *tried(const struct subject *s)
{
	const struct json *body = s->policy->body, *origin = NULL;
	struct json *v = json_object();

	if (s->plan)
		origin = row_of(json_get(s->plan->body, "origins"),
				s->policy->id);
	json_set_string(v, "form", json_text_at(body, "form"));
	json_set_string(v, "title", json_text_at(body, "title"));
	json_set_string(v, "source", source_of(s, origin));
	copy(v, "from", json_get(origin, "from"));
	copy(v, "params", json_get(body, "params"));
	return v;
}

static const struct json *named(const struct json *list, const char *name)
{
	json_each (m, list)
		if (!strcmp(json_text_at(m, "name"), name))
			return m;
	return NULL;
}

/* The plan's word comes before the verdict's own simulation: it was given
 * before the measurement was known to be wanted, and on more seeds. */
static struct json *predicted(const struct subject *s)
{
	const struct json *sim = json_get(s->verdict->body, "simulation");
	const struct json *row = NULL, *m;
	struct json *v = json_object();

	if (s->plan)
		row = row_of(json_get(s->plan->body, "predictions"),
			     s->policy->id);
	m = named(json_get(sim, "metrics"),
		  row ? json_text_at(row, "metric")
		      : bound_metrics[s->features.bound]);
	if (!row && !m) {
		json_free(v);
		return NULL;
	}
	json_set_string(v, "metric",
			json_text_at(row ? row : m, row ? "metric" : "name"));
	copy(v, "ratio", json_get(row ? row : m, "ratio"));
	copy(v, "seeds", json_get(row ? row : sim, "seeds"));
	copy(v, "baseline", json_get(row, "baseline"));
	if (!json_get(v, "baseline"))
		copy(v, "baseline", json_get(m, "baseline"));
	return v;
}

static struct json *measured(const struct json *verdict, const struct json *m)
{
	static const char *const keys[] = {
		"unit",	 "better", "baseline", "candidate",
		"ratio", "ci95",   "pairs",    "shuffled_ratio"};
	struct json *v = json_object();

	json_set_string(v, "metric", json_text_at(m, "name"));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		copy(v, keys[i], json_get(m, keys[i]));
	if (!json_as_bool(json_get(m, "guard"), false))
		copy(v, "gap_closed_pct",
		     json_path(verdict, "bound.gap_closed_pct"));
	return v;
}

static struct json *guards(const struct json *verdict)
{
	struct json *list = json_array();

	json_each (m, json_get(verdict, "metrics"))
		if (json_as_bool(json_get(m, "guard"), false))
			json_add(list, measured(verdict, m));
	return list;
}

static struct json *conditions(const struct subject *s)
{
	static const char *const keys[] = {"target", "kernel", "accelerator",
					   "object_sha256"};
	const struct json *verdict = s->verdict->body;
	struct json *v = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		copy(v, keys[i], json_get(verdict, keys[i]));
	copy(v, "cpus", json_path(s->profile->body, "system.cpus"));
	copy(v, "min_effect_pct",
	     json_path(verdict, "evidence.min_effect_pct"));
	copy(v, "costs", json_get(s->profile->body, "costs"));
	return v;
}

static struct json *spent(const struct json *verdict)
{
	struct json *v = json_object();
	double seconds = 0;

	json_each (stage, json_get(verdict, "stages"))
		seconds += json_as_number(json_get(stage, "seconds"), 0);
	copy(v, "guest_runs", json_path(verdict, "evidence.runs"));
	json_set_number(v, "seconds", round(seconds * 1000) / 1000);
	return v;
}

static struct json *body_of(const struct subject *s)
{
	const struct json *verdict = s->verdict->body;
	const struct json *goal = subject_goal(verdict);
	struct json *regime = features_regime(&s->features);
	struct json *b = json_object();
	char *text;

	json_set_string(b, "profile", s->profile->id);
	json_set_string(b, "policy", s->policy->id);
	json_set_string(b, "verdict", s->verdict->id);
	copy(b, "workload", json_path(s->profile->body, "workload.name"));
	json_set(b, "features", learner_features(s->profile->body));
	copy(b, "traits", json_get(regime, "traits"));
	json_set(b, "tried", tried(s));
	json_set(b, "predicted", predicted(s));
	if (goal)
		json_set(b, "measured", measured(verdict, goal));
	json_set(b, "guards", guards(verdict));
	json_set_string(b, "outcome", subject_outcome(verdict));
	json_set(b, "conditions", conditions(s));
	json_set(b, "spent", spent(verdict));
	text = subject_text(s, b);
	json_set_string(b, "text", text);
	free(text);
	json_free(regime);
	return b;
}

/* ---- the whole -------------------------------------------------------- */

struct doc *learner_lesson(const struct stream *s, const struct doc *verdict,
			   const char *by)
{
	const char *parents[3];
	struct subject subject;
	struct doc *lesson;

	if (find_subject(s, verdict, &subject))
		return NULL;
	features_read(subject.profile->body, &subject.features);
	parents[0] = verdict->id;
	parents[1] = subject.policy->id;
	parents[2] = subject.profile->id;
	lesson = doc_new("lesson", by, body_of(&subject), parents, 3);
	features_release(&subject.features);
	return lesson;
}

/* Ids of the verdicts that lessons of the stream are about, as keys. */
static struct json *told_of(const struct stream *s)
{
	struct json *told = json_object();

	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);

		if (!strcmp(d->kind, "lesson"))
			json_set_bool(told, json_text_at(d->body, "verdict"),
				      true);
	}
	return told;
}

/* What was signed later says nothing that the first one does not. */
static bool is_signed_again(const struct stream *s, const struct doc *verdict)
{
	return parent_of_kind(s, verdict, "verdict") != NULL;
}

int learner_learn(struct stream *s, const char *by, struct learned *out)
{
	struct json *told = told_of(s);
	size_t n = stream_count(s);
	int rc = 0;

	*out = (struct learned){0};
	for (size_t i = 0; i < n && !rc; i++) {
		const struct doc *d = stream_at(s, i);
		struct doc *lesson;

		if (strcmp(d->kind, "verdict") || json_get(told, d->id) ||
		    is_signed_again(s, d))
			continue;
		json_set_bool(told, d->id, true);
		lesson = learner_lesson(s, d, by);
		if (!lesson) {
			out->untold++;
			continue;
		}
		rc = stream_emit(s, lesson);
		out->lessons += rc == 0;
	}
	json_free(told);
	return rc;
}
