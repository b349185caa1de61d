/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a history belongs to a run, a policy or a workload. */
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/reporter.h"
#include "base/mem.h"
#include "doc/ids.h"

#define PREFIX_LEAST 4 /* digits of an id */

struct choice {
	const struct doc **docs;
	size_t n;
	struct ids ids;
	size_t *at; /* by number of ids: the document */
	bool *in;
};

static bool is(const struct doc *d, const char *kind)
{
	return !strcmp(d->kind, kind);
}

static bool chosen(const struct choice *c, const char *id)
{
	uint32_t k =
		strlen(id) == IDS_DIGITS ? ids_find(&c->ids, id) : IDS_NONE;

	return k != IDS_NONE && c->in[c->at[k]];
}

static void choose(struct choice *c, const char *id)
{
	uint32_t k =
		strlen(id) == IDS_DIGITS ? ids_find(&c->ids, id) : IDS_NONE;

	if (k != IDS_NONE)
		c->in[c->at[k]] = true;
}

static void seed_run(struct choice *c, size_t i, const char *run)
{
	const struct json *loop = json_get(c->docs[i]->body, "loop");

	if (!is(c->docs[i], "note") || strcmp(json_text_at(loop, "run"), run))
		return;
	c->in[i] = true;
	choose(c, json_text_at(loop, "best"));
	choose(c, json_text_at(loop, "verdict"));
	json_each (r, json_get(loop, "rounds"))
		json_each (v, json_get(r, "candidates"))
			choose(c, json_text_at(v, "policy"));
}

static bool named(const struct doc *d, const char *workload)
{
	return !strcmp(json_text_at(d->body, "workload"), workload) ||
	       !strcmp(json_text_at(d->body, "workload.name"), workload) ||
	       !strcmp(json_text_at(d->body, "loop.workload"), workload);
}

static void seed(struct choice *c, const struct reporter_pick *pick)
{
	size_t len = pick->policy ? strlen(pick->policy) : 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct doc *d = c->docs[i];

		if (pick->run)
			seed_run(c, i, pick->run);
		if (len >= PREFIX_LEAST && is(d, "policy") &&
		    !strncmp(d->id, pick->policy, len))
			c->in[i] = true;
		if (pick->workload && named(d, pick->workload))
			c->in[i] = true;
	}
}

/* What d descends from. */
static void ancestors(struct choice *c, const struct doc *d)
{
	static const char *const links[] = {"profile", "policy", "verdict"};

	for (size_t i = 0; i < doc_parent_count(d); i++)
		choose(c, doc_parent(d, i));
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		choose(c, json_text_at(d->body, links[i]));
}

/* A verdict on a chosen policy counts when its observation does too. */
static bool of_chosen(const struct choice *c, const struct doc *d)
{
	bool profile = false, known = false;

	if (is(d, "plan")) {
		json_each (v, json_get(d->body, "proposals"))
			if (chosen(c, json_as_string(v, "")))
				return true;
		return chosen(c, json_text_at(d->body, "profile"));
	}
	if (is(d, "note"))
		return chosen(c, json_text_at(d->body, "about"));
	if (is(d, "deployment"))
		return chosen(c, json_text_at(d->body, "policy"));
	if (is(d, "lesson"))
		return chosen(c, json_text_at(d->body, "verdict"));
	if (!is(d, "verdict") || !chosen(c, json_text_at(d->body, "policy")))
		return false;
	for (size_t i = 0; i < doc_parent_count(d); i++) {
		uint32_t k = ids_find(&c->ids, doc_parent(d, i));

		if (k == IDS_NONE || !is(c->docs[c->at[k]], "profile"))
			continue;
		known = true;
		profile |= c->in[c->at[k]];
	}
	return profile || !known;
}

static void spread(struct choice *c)
{
	/* In a history that is older first: children, then their parents. */
	for (size_t i = c->n; i-- > 0;)
		if (c->in[i])
			ancestors(c, c->docs[i]);
	for (size_t i = 0; i < c->n; i++)
		if (!c->in[i] && of_chosen(c, c->docs[i]))
			c->in[i] = true;
	for (size_t i = c->n; i-- > 0;)
		if (c->in[i])
			ancestors(c, c->docs[i]);
}

size_t reporter_choose(const struct doc **docs, size_t n,
		       const struct reporter_pick *pick)
{
	struct choice c = {.docs = docs, .n = n};
	size_t kept = 0;

	if (!pick->run && !pick->policy && !pick->workload)
		return n;
	ids_init(&c.ids);
	c.at = mem_zalloc(n + 1, sizeof(*c.at));
	c.in = mem_zalloc(n + 1, sizeof(*c.in));
	for (size_t i = 0; i < n; i++) {
		uint32_t before = c.ids.count, k;

		k = ids_number(&c.ids, docs[i]->id);
		if (c.ids.count > before)
			c.at[k] = i;
	}
	seed(&c, pick);
	spread(&c);
	for (size_t i = 0; i < n; i++) {
		const struct doc *d = docs[i];

		if (!c.in[i])
			continue;
		docs[i] = docs[kept];
		docs[kept++] = d;
	}
	ids_release(&c.ids);
	free(c.at);
	free(c.in);
	return kept;
}
