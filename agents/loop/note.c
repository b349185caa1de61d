/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The note in which a run of the loop tells what it did. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/learner.h"
#include "agents/loop/parts.h"
#include "base/mem.h"

static void set_number(struct json *v, const char *key, double x)
{
	if (isfinite(x))
		json_set_number(v, key, x);
}

/* For limits: 0 is none. */
static void set_limit(struct json *v, const char *key, double x)
{
	if (x > 0)
		json_set_number(v, key, x);
}

static struct json *candidate(const struct loop *l, const struct loop_try *t)
{
	static const char *const words[] = {"", "accepted", "rejected",
					    "inconclusive"};
	const struct doc *p = stream_find(l->s, t->policy);
	struct json *v = json_object(), *ci;

	json_set_string(v, "policy", t->policy);
	if (p)
		json_set_string(v, "title", json_text_at(p->body, "title"));
	json_set_string(v, "source", loop_source_names[t->source]);
	set_number(v, "predicted", t->predicted);
	set_number(v, "measured", t->measured);
	if (!isnan(t->measured)) {
		ci = json_set(v, "ci95", json_array());
		json_add(ci, json_number(t->lo));
		json_add(ci, json_number(t->hi));
		json_set_number(v, "pairs", (double)t->pairs);
	}
	if (t->judgement)
		json_set_string(v, "decision", words[t->judgement]);
	if (t->pareto)
		json_set_bool(v, "pareto", true);
	return v;
}

static struct json *round_json(const struct loop *l, size_t i)
{
	const struct loop_round *r = &l->rounds[i];
	const struct loop_try *best = loop_best(l->rounds, i + 1);
	struct json *v = json_object(),
		    *list = json_set(v, "candidates", json_array());

	json_set_number(v, "round", (double)i + 1);
	json_set_number(v, "seconds", r->seconds);
	json_set_number(v, "guest_runs", (double)r->guest_runs);
	set_limit(v, "sim_runs", (double)r->sim_runs);
	set_number(v, "expected_gain_pct", r->expected_gain_pct);
	for (size_t k = 0; k < r->n; k++)
		json_add(list, candidate(l, &r->tries[k]));
	if (best) {
		json_set_string(v, "best", best->policy);
		json_set_number(v, "best_ratio", best->measured);
	}
	return v;
}

static void add_regret(const struct loop *l, const struct loop_try *best,
		       struct json *loop)
{
	size_t n = stream_count(l->s);
	const struct doc **docs = mem_zalloc(n + 1, sizeof(struct doc *));
	const struct doc *profile = loop_profile(l);
	struct regret r;
	struct json *v;

	for (size_t i = 0; i < n; i++)
		docs[i] = stream_at(l->s, i);
	if (profile &&
	    !learner_regret(docs, n, profile->id, best->policy, &r)) {
		v = json_set(loop, "regret", json_object());
		json_set_number(v, "best_known_ratio", r.best_ratio);
		json_set_string(v, "best_known", r.best);
		json_set_number(v, "regret_pct", r.pct);
	}
	free(docs);
}

static void add_spent(const struct loop *l, struct json *loop)
{
	const struct loop_spent *s = &l->spent;
	const struct loop_budget *b = &l->o->budget;
	struct json *v = json_set(loop, "spent", json_object());

	json_set_number(v, "seconds", s->seconds);
	json_set_number(v, "usd", s->usd);
	json_set_number(v, "tokens", s->tokens);
	json_set_number(v, "guest_runs", (double)s->guest_runs);
	if (s->sim_runs)
		json_set_number(v, "sim_runs", (double)s->sim_runs);
	v = json_set(loop, "budget", json_object());
	set_limit(v, "seconds", b->seconds);
	set_limit(v, "usd", b->usd);
	set_limit(v, "tokens", b->tokens);
	set_limit(v, "rounds", (double)b->rounds);
}

static char *sentence(const struct loop *l, const struct loop_try *best)
{
	const struct doc *p = best ? stream_find(l->s, best->policy) : NULL;

	if (!best)
		return mem_printf("nothing better than the kernel's own "
				  "scheduler was found in %zu round%s: %s",
				  l->n, l->n == 1 ? "" : "s", l->why);
	return mem_printf("'%s' is %.2f times as good as the kernel's own "
			  "scheduler (95 %% interval %.2f to %.2f), found in "
			  "%zu round%s: %s",
			  p ? json_text_at(p->body, "title") : "?",
			  best->measured, best->lo, best->hi, l->n,
			  l->n == 1 ? "" : "s", l->why);
}

struct doc *loop_note(const struct loop *l, const char *status)
{
	const struct loop_try *best = loop_best(l->rounds, l->n);
	const struct doc *profile = loop_profile(l);
	struct json *body = json_object(), *tags, *loop, *rounds;
	const char *parents[2];
	char *text = sentence(l, best);
	size_t n = 0;

	json_set_string(body, "text", text);
	tags = json_set(body, "tags", json_array());
	json_add(tags, json_string("loop"));
	loop = json_set(body, "loop", json_object());
	json_set_string(loop, "run", json_text_at(l->state.body, "run"));
	if (profile)
		json_set_string(loop, "workload",
				json_text_at(profile->body, "workload.name"));
	json_set_string(loop, "status", status);
	json_set_string(loop, "stopped", l->why);
	rounds = json_set(loop, "rounds", json_array());
	for (size_t i = 0; i < l->n; i++)
		json_add(rounds, round_json(l, i));
	if (best) {
		json_set_string(body, "about", best->policy);
		json_set_string(loop, "best", best->policy);
		json_set_string(loop, "verdict", best->verdict);
		json_set_number(loop, "best_ratio", best->measured);
		add_regret(l, best, loop);
		parents[n++] = best->policy;
	}
	add_spent(l, loop);
	if (profile)
		parents[n++] = profile->id;
	free(text);
	return doc_new("note", LOOP_BY, body, parents, n);
}
