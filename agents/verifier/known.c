/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies that the stream has a verdict for already: whoever passes the whole
 * story on wants only the new ones measured.
 */
#include <string.h>

#include "agents/verifier/state.h"

/* Where the verdicts of this call would come from. */
struct place {
	const char *target, *kernel;
};

/* A stage before the kernel has failed: that is so on every target. */
static bool failed_anywhere(const struct json *body)
{
	json_each (s, json_get(body, "stages")) {
		const char *name = json_text_at(s, "name");

		if (!strcmp(json_text_at(s, "status"), "failed"))
			return strcmp(name, "kernel") && strcmp(name, "run");
	}
	return false;
}

/* It was measured to its end, and by the same bounds. */
static bool same_question(const struct verifier *v, const struct group *g,
			  const struct json *body)
{
	const struct json *e = json_get(body, "evidence");
	double effect = json_as_number(json_get(e, "min_effect_pct"), -1);
	size_t m = 0;

	if (strcmp(json_text_at(body, "decision"), "rejected") &&
	    !json_get(e, "stopped"))
		return false;
	if (effect != v->o->min_effect_pct)
		return false;
	json_each (row, json_get(body, "metrics")) {
		double pct = json_as_number(json_get(row, "guard_pct"), 0);

		if (m >= g->w.metric_count ||
		    strcmp(json_text_at(row, "name"), g->w.metrics[m].name) ||
		    (m && pct != verdict_rule(v, g, m).guard_pct))
			return false;
		m++;
	}
	return true;
}

static bool answers(const struct verifier *v, const struct group *g,
		    const struct candidate *c, const struct doc *d,
		    const struct place *at)
{
	const struct json *b = d->body;

	if (strcmp(d->kind, "verdict") ||
	    strcmp(json_text_at(b, "policy"), c->policy->id) ||
	    (g->profile && !doc_has_parent(d, g->profile->id)) ||
	    strcmp(json_text_at(b, "object_sha256"), c->object))
		return false;
	if (failed_anywhere(b))
		return true;
	return !strcmp(json_text_at(b, "target"), at->target) &&
	       !strcmp(json_text_at(b, "kernel"), at->kernel) &&
	       same_question(v, g, b);
}

static void look_up(struct verifier *v, const struct group *g,
		    struct candidate *c, const struct place *at)
{
	for (size_t i = 0; i < stream_count(v->stream); i++) {
		const struct doc *d = stream_at(v->stream, i);

		if (answers(v, g, c, d, at))
			c->known = d;
	}
}

static bool has_verdicts(const struct verifier *v)
{
	return stream_last(v->stream, "verdict");
}

/* Only a kernel without a name has to be booted to learn which one it is. */
static struct json *place_facts(struct verifier *v)
{
	struct target_opts to = run_target_opts(v, 0);
	struct json *facts;
	int rc = target_foretell(&to, &facts);

	if (rc) {
		target_fail(v, rc);
		return NULL;
	}
	if (json_get(facts, "kernel"))
		return facts;
	json_free(facts);
	return run_target(v) ? json_copy(v->facts) : NULL;
}

void known_find(struct verifier *v)
{
	struct json *facts;
	struct place at;
	size_t n = 0;

	if (!v->o->only_new || !has_verdicts(v))
		return;
	facts = place_facts(v);
	at = (struct place){json_text_at(facts, "target"),
			    json_text_at(facts, "kernel")};
	for (size_t i = 0; facts && i < v->group_count; i++)
		for (size_t k = 0; k < v->groups[i].n; k++)
			look_up(v, &v->groups[i], v->groups[i].c[k], &at);
	for (size_t i = 0; i < v->count; i++)
		n += v->all[i].known != NULL;
	if (n)
		run_progress(v,
			     "%zu of %zu policies have their verdict "
			     "already",
			     n, v->count);
	json_free(facts);
}
