/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/rtapp.h"
#include "agents/verifier/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/object.h"

/* Who has more forefathers than these to look at has lost the nearest one. */
#define FOREFATHERS_MAX 1024

static bool is_in(const struct doc *const *list, size_t n, const struct doc *d)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == d)
			return true;
	return false;
}

/* The nearest profile up the parents, one generation after the other. */
static const struct doc *profile_above(const struct verifier *v,
				       const struct doc *policy)
{
	const struct doc *seen[FOREFATHERS_MAX] = {policy};
	size_t n = 1;

	for (size_t at = 0; at < n; at++)
		json_each (id, json_get(seen[at]->env, "parent")) {
			const struct doc *p =
				stream_find(v->stream, json_as_string(id, ""));

			if (p && !strcmp(p->kind, "profile"))
				return p;
			if (p && n < FOREFATHERS_MAX && !is_in(seen, n, p))
				seen[n++] = p;
		}
	return NULL;
}

static const struct doc *profile_of(const struct verifier *v,
				    const struct doc *policy)
{
	const struct doc *p = profile_above(v, policy);

	return p ? p : stream_last(v->stream, "profile");
}

/* The command that was observed, else a model of what was. */
static int find_workload(const struct verifier *v, struct group *g)
{
	const struct json *w = json_get(g->profile->body, "workload");
	int rc;

	if (w && json_len(json_get(w, "command"))) {
		rc = workload_read(w, &g->w);
		if (rc)
			return err_prefix(-EBADMSG, "profile %.12s",
					  g->profile->id);
		if (v->o->bare)
			strs_release(&g->w.bound);
		g->has_workload = true;
	} else if (stage_wanted(v, STAGE_RUN)) {
		rc = rtapp_workload(g->profile->body, &g->w);
		g->has_workload = g->is_model = rc == 0;
		if (rc)
			g->no_workload = mem_strdup(err_text());
	}
	return 0;
}

static int group_of(struct verifier *v, const struct doc *profile,
		    struct group **out)
{
	struct group *g = v->groups;

	for (; g < v->groups + v->group_count; g++) {
		if (g->profile == profile) {
			*out = g;
			return 0;
		}
	}
	v->groups = mem_realloc(v->groups, v->group_count + 1, sizeof(*g));
	g = *out = &v->groups[v->group_count];
	*g = (struct group){.profile = profile};
	v->group_count++;
	return profile ? find_workload(v, g) : 0;
}

static bool seen_before(const struct verifier *v, size_t i)
{
	const struct doc *d = stream_at(v->stream, i);

	for (size_t k = 0; k < i; k++) {
		const struct doc *e = stream_at(v->stream, k);

		if (!strcmp(e->kind, "policy") && !strcmp(e->id, d->id))
			return true;
	}
	return false;
}

static void take_policies(struct verifier *v)
{
	for (size_t i = 0; i < stream_count(v->stream); i++) {
		const struct doc *d = stream_at(v->stream, i);

		if (strcmp(d->kind, "policy") || seen_before(v, i))
			continue;
		v->all = mem_realloc(v->all, v->count + 1, sizeof(*v->all));
		v->all[v->count] = (struct candidate){.policy = d};
		for (size_t k = 0; k < STAGE_COUNT; k++)
			v->all[v->count].stages[k].findings = json_array();
		if (!v->o->bare && json_len(json_get(d->body, "identities")))
			v->all[v->count].shuffled = body_shuffled(d->body);
		v->count++;
	}
}

static bool metric_known(const struct verifier *v, const char *name)
{
	bool any = false;

	for (size_t i = 0; i < v->group_count; i++) {
		any |= v->groups[i].has_workload;
		for (size_t k = 0; k < v->groups[i].w.metric_count; k++)
			if (!strcmp(v->groups[i].w.metrics[k].name, name))
				return true;
	}
	return !any;
}

static int check_guards(const struct verifier *v)
{
	for (size_t i = 0; i < v->o->guard_count; i++) {
		const char *name = v->o->guards[i].metric;

		if (!metric_known(v, name))
			return err_set(EBADMSG,
				       "no workload of the input has a metric "
				       "'%s' to guard",
				       name);
	}
	return 0;
}

/* The tool before us in the pipe may have said why. */
static int no_policy(const struct verifier *v)
{
	const struct doc *e = stream_last(v->stream, "error");

	if (!e)
		return err_set(ENODATA, "no policy in the input");
	return err_set(ENODATA, "no policy in the input, but an error: %s",
		       json_as_string(json_get(e->body, "text"), "unknown"));
}

/* The policies come after what was read, as if a tool before us had made
 * them. */
static int emit_objects(struct verifier *v)
{
	for (size_t i = 0; i < v->o->object_count; i++) {
		struct json *body;
		int rc = policy_source_body(v->o->objects[i], &body);

		if (!rc)
			rc = stream_emit(v->stream,
					 doc_new("policy", "sched-verify", body,
						 NULL, 0));
		if (rc)
			return rc;
	}
	return 0;
}

int plan_read(struct verifier *v)
{
	int rc = stream_take_all(v->stream, "nothing was measured");

	if (!rc)
		rc = emit_objects(v);
	if (rc)
		return rc;
	take_policies(v);
	if (!v->count)
		return no_policy(v);
	for (size_t i = 0; i < v->count; i++) {
		struct group *g;

		rc = group_of(v, profile_of(v, v->all[i].policy), &g);
		if (rc)
			return rc;
		g->c = mem_realloc(g->c, g->n + 1, sizeof(struct candidate *));
		g->c[g->n++] = &v->all[i];
	}
	return check_guards(v);
}

static void candidate_release(struct candidate *c)
{
	for (size_t i = 0; i < STAGE_COUNT; i++)
		json_free(c->stages[i].findings);
	json_free(c->shuffled);
	free(c->path);
	json_free(c->simulation);
	free(c->tally.trouble);
	free(c->control_tally.trouble);
	pairs_release(&c->screen);
	pairs_release(&c->main);
	pairs_release(&c->control);
	free(c->why);
	json_free(c->answer);
	free(c->lost);
	if (c->from) {
		json_free(c->from->facts);
		json_free(c->from->notes);
		free(c->from->node);
	}
	free(c->from);
}

void plan_release(struct verifier *v)
{
	target_close(v->target);
	json_free(v->facts);
	for (size_t i = 0; i < v->count; i++)
		candidate_release(&v->all[i]);
	free(v->all);
	for (size_t i = 0; i < v->group_count; i++) {
		struct group *g = &v->groups[i];

		workload_release(&g->w);
		free(g->c);
		free(g->tally.trouble);
		free(g->bound_tally.trouble);
		free(g->bound);
		free(g->usual);
		free(g->trouble);
		free(g->no_workload);
	}
	free(v->groups);
	free(v->failure);
}
