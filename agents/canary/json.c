/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A canary as deployments tell it: schedkit-deployment(5). */
#include <inttypes.h>
#include <stdio.h>

#include "agents/canary/state.h"

/* As many digits as a person reads. */
static double rounded(double x)
{
	char text[32];
	double y = x;

	snprintf(text, sizeof(text), "%.5g", x);
	sscanf(text, "%lf", &y);
	return y;
}

static struct json *metric_of(const struct canary_metric *m,
			      const struct evidence *e)
{
	struct json *v = json_object(), *ci;

	json_set_string(v, "metric", m->name);
	json_set_string(v, "unit", m->unit);
	json_set_string(v, "better", m->higher_is_better ? "higher" : "lower");
	json_set_number(v, "baseline", rounded(e->baseline));
	json_set_number(v, "candidate", rounded(e->candidate));
	json_set_number(v, "ratio", rounded(e->ratio));
	ci = json_set(v, "ci95", json_array());
	json_add(ci, json_number(rounded(e->lo)));
	json_add(ci, json_number(rounded(e->hi)));
	json_set_number(v, "pairs", (double)e->pairs);
	return v;
}

static struct json *step_of(const struct canary_step *s)
{
	struct json *v = json_object(), *list;
	char scope[CANARY_SCOPE_TEXT];
	struct canary_case k;

	canary_scope_text(s->scope, scope);
	canary_case_of(s, &k);
	json_set_string(v, "scope", scope);
	json_set_string(v, "mode", canary_is_full(s) ? "full" : "partial");
	json_set_string(v, "against",
			canary_has_control(s) ? "others" : "before");
	json_set_number(v, "pairs", (double)s->pairs);
	json_set_number(v, "tasks", (double)s->tasks);
	if (!canary_is_full(s))
		json_set_number(v, "others_pct", rounded(k.fair_pct));
	json_set_string(v, "decision", canary_answer_name(s->finding.answer));
	if (*s->finding.why)
		json_set_string(v, "why", s->finding.why);
	list = json_set(v, "metrics", json_array());
	for (size_t i = 0; i < s->count; i++)
		if (s->finding.evidence[i].pairs)
			json_add(list, metric_of(&s->series[i].metric,
						 &s->finding.evidence[i]));
	return v;
}

static void add_warning(struct json *v, const struct canary *c)
{
	char words[256];
	double most = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct canary_case k;

		canary_case_of(&c->steps[i], &k);
		if (k.partial && k.fair_pct > most)
			most = k.fair_pct;
	}
	if (most < CANARY_FAIR_PCT)
		return;
	snprintf(words, sizeof(words),
		 "in partial mode the kernel picks tasks of its default class "
		 "first, and others took up to %.0f %% of the CPUs: the canary "
		 "got what was left",
		 most);
	json_set_string(v, "warning", words);
}

struct json *canary_json(const struct canary *c)
{
	struct json *v = json_object(), *list;
	char text[CANARY_SCOPE_TEXT];

	canary_scope_text(&c->o.plan.step[0], text);
	json_set_string(v, "scope", text);
	if (c->o.plan.step[0].kind == CANARY_SHARE) {
		snprintf(text, sizeof(text), "%016" PRIx64, c->key);
		json_set_string(v, "key", text);
	}
	json_set_number(v, "window_us", (double)(long)(c->window_s * 1e6));
	json_set_string(v, "decision", canary_answer_name(c->answer));
	if (*c->why)
		json_set_string(v, "why", c->why);
	add_warning(v, c);
	list = json_set(v, "steps", json_array());
	for (size_t i = 0; i < c->count; i++)
		json_add(list, step_of(&c->steps[i]));
	return v;
}
