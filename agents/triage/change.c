/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which change brought it: the policy against the nearest of those it came
 * from, or that were in place before it, that did not end the same way.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/triage/parts.h"
#include "base/mem.h"
#include "history/diff.h"
#include "scx/dump.h"

#define MAX_STEPS   32	 /* generations back */
#define MAX_DIFFERS 24	 /* values that are told */
#define MAX_CODE    4096 /* bytes of a difference between texts */

struct search {
	struct history *h;
	const struct catalog *c;
};

static struct doc *read_item(const struct search *s, size_t i)
{
	const struct catalog_item *item = catalog_at(s->c, i);
	struct doc *d;

	return history_read(s->h, item->kind, item->id, &d) == 0 ? d : NULL;
}

static bool is(const struct catalog_item *i, const char *kind)
{
	return !strcmp(i->kind, kind);
}

/* ---- how policies ended ------------------------------------------------ */

static bool ended_badly(const struct json *deployment)
{
	return !strcmp(json_text_at(deployment, "state"), "ejected") ||
	       json_as_number(json_get(deployment, "exit_kind"), 0) >=
		       DUMP_ERROR;
}

/* The verdict says that a kernel dropped it. */
static bool was_dropped(const struct json *verdict)
{
	json_each (s, json_get(verdict, "stages"))
		json_each (f, json_get(s, "findings"))
			if (!strcmp(json_text_at(f, "rule"), "ejected"))
				return true;
	return false;
}

/* Any word of the history that it ended so. */
static bool is_bad(const struct search *s, const char *policy)
{
	bool bad = false;

	for (size_t i = catalog_count(s->c); i-- > 0 && !bad;) {
		const struct catalog_item *item = catalog_at(s->c, i);
		struct doc *d;

		if ((!is(item, "deployment") && !is(item, "verdict")) ||
		    !json_get(item->links, policy))
			continue;
		d = read_item(s, i);
		bad = d && !strcmp(json_text_at(d->body, "policy"), policy) &&
		      (is(item, "deployment") ? ended_badly(d->body)
					      : was_dropped(d->body));
		doc_free(d);
	}
	return bad;
}

int triage_recall(struct history *h, const struct catalog *c, const char *id,
		  struct json **body)
{
	struct search s = {h, c};

	for (size_t i = catalog_count(c); i-- > 0;) {
		const struct catalog_item *item = catalog_at(c, i);
		struct doc *d;

		if (!is(item, "deployment") || !json_get(item->links, id))
			continue;
		d = read_item(&s, i);
		if (d && *json_text_at(d->body, "exit_dump") &&
		    ended_badly(d->body)) {
			*body = json_copy(d->body);
			doc_free(d);
			return 1;
		}
		doc_free(d);
	}
	return 0;
}

/* ---- what was before --------------------------------------------------- */

/* The policy that a document is, or is about; false: none. */
static bool policy_of(const struct search *s, const char *id,
		      char out[static DOC_ID_LEN])
{
	size_t i = catalog_find(s->c, id);
	struct doc *d;
	bool found;

	if (i == CATALOG_NONE)
		return false;
	if (is(catalog_at(s->c, i), "policy")) {
		snprintf(out, DOC_ID_LEN, "%s", id);
		return true;
	}
	d = read_item(s, i);
	found = d && strlen(json_text_at(d->body, "policy")) == DOC_ID_LEN - 1;
	if (found)
		snprintf(out, DOC_ID_LEN, "%s",
			 json_text_at(d->body, "policy"));
	doc_free(d);
	return found;
}

/* What a document says that the policy was made from; "": nothing. */
static const char *origin_in(const struct json *body, const char *policy)
{
	json_each (o, json_get(body, "origins"))
		if (!strcmp(json_text_at(o, "policy"), policy))
			return json_text_at(o, "from");
	if (!strcmp(json_text_at(body, "policy"), policy))
		return json_text_at(body, "tried.from");
	/* A promotion: what it took the place of. */
	if (!strcmp(json_text_at(body, "about"), policy))
		return json_text_at(body, "state.previous");
	return "";
}

/* By what plans, lessons and notes say of it. */
static bool find_origin(const struct search *s, const char *policy,
			char out[static DOC_ID_LEN])
{
	static const char *const kinds[] = {"plan", "lesson", "note"};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = catalog_count(s->c); i-- > 0;) {
			const struct catalog_item *item = catalog_at(s->c, i);
			struct doc *d;
			bool found;

			/* A plan comes before its policies: it has no link. */
			if (!is(item, kinds[k]) ||
			    (k > 0 && !json_get(item->links, policy)))
				continue;
			d = read_item(s, i);
			found = d &&
				policy_of(s, origin_in(d->body, policy), out) &&
				strcmp(out, policy);
			doc_free(d);
			if (found)
				return true;
		}
	return false;
}

static bool find_parent(const struct search *s, const struct doc *policy,
			char out[static DOC_ID_LEN])
{
	for (size_t i = 0; i < doc_parent_count(policy); i++) {
		size_t at = catalog_find(s->c, doc_parent(policy, i));

		if (at == CATALOG_NONE || !is(catalog_at(s->c, at), "policy"))
			continue;
		snprintf(out, DOC_ID_LEN, "%s", doc_parent(policy, i));
		return true;
	}
	return find_origin(s, policy->id, out);
}

/* What was attached last before the policy was, and ended well. */
static bool find_before(const struct search *s, const char *policy,
			char out[static DOC_ID_LEN])
{
	time_t first = 0, best = 0;
	bool found = false;

	for (size_t i = 0; i < catalog_count(s->c); i++) {
		const struct catalog_item *item = catalog_at(s->c, i);

		if (is(item, "deployment") && json_get(item->links, policy) &&
		    (!first || item->time < first))
			first = item->time;
	}
	for (size_t i = 0; i < catalog_count(s->c); i++) {
		const struct catalog_item *item = catalog_at(s->c, i);
		struct doc *d;
		const char *id;

		if (!is(item, "deployment") || item->time < best ||
		    (first && item->time > first) ||
		    json_get(item->links, policy))
			continue;
		d = read_item(s, i);
		id = d ? json_text_at(d->body, "policy") : "";
		if (strlen(id) == DOC_ID_LEN - 1 && !ended_badly(d->body) &&
		    strcmp(json_text_at(d->body, "state"), "refused") &&
		    !is_bad(s, id)) {
			snprintf(out, DOC_ID_LEN, "%s", id);
			best = item->time;
			found = true;
		}
		doc_free(d);
	}
	return found;
}

/* ---- what became different --------------------------------------------- */

/* Parameters that bring such a thing about, a blank between them. */
static const char *const suspects[CAUSE_COUNT] = {
	[CAUSE_LONG_TURNS] = "slice slice_us slice_interactive_us "
			     "slice_batch_us slice_min_us starve_us timeout_ms",
	[CAUSE_PASSED_OVER] = "order ahead_us classify interactive_us batch_us "
			      "lag_us unknown_us starve_us timeout_ms",
	[CAUSE_PINNED] = "queue steal place direct starve_us timeout_ms",
	[CAUSE_KTHREAD] = "queue direct preempt starve_us timeout_ms",
	[CAUSE_UNDRAINED] = "queue steal order starve_us timeout_ms",
	[CAUSE_IDLE_CPU] = "place direct preempt handover_us steal",
	[CAUSE_RT_HOG] = "timeout_ms",
	[CAUSE_UNKNOWN] = "starve_us timeout_ms",
};

static bool is_suspect(enum triage_cause cause, const char *path)
{
	const char *list = cause < CAUSE_COUNT ? suspects[cause] : NULL;
	size_t n = strlen(path);

	if (!strncmp(path, "params.", 7)) {
		path += 7;
		n -= 7;
	}
	/* A name may be empty, which is everywhere, even at the end. */
	for (const char *s = n ? list : NULL; s && (s = strstr(s, path)); s++)
		if ((s == list || s[-1] == ' ') && (!s[n] || s[n] == ' '))
			return true;
	return false;
}

/* Words about a policy change nothing. */
static bool is_word(const char *path)
{
	static const char *const keys[] = {"title", "why", "uses", "notes"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t n = strlen(keys[i]);

		if (!strncmp(path, keys[i], n) && (!path[n] || path[n] == '.'))
			return true;
	}
	return false;
}

/* Suspects first. */
static struct json *differences(const struct doc *a, const struct doc *b,
				enum triage_cause cause)
{
	struct json *all = diff_values(a->body, b->body);
	struct json *list = json_array();

	for (int suspect = 1; suspect >= 0; suspect--)
		json_each (v, all) {
			const char *path = json_text_at(v, "path");
			struct json *row;

			if (is_word(path) ||
			    is_suspect(cause, path) != (bool)suspect ||
			    json_len(list) == MAX_DIFFERS)
				continue;
			row = json_add(list, json_copy(v));
			json_set_bool(row, "suspect", suspect);
		}
	json_free(all);
	return list;
}

static char *code_difference(const struct doc *a, const struct doc *b)
{
	struct buf out;

	buf_init(&out, MAX_CODE);
	diff_text(json_text_at(a->body, "code"), json_text_at(b->body, "code"),
		  &out);
	return buf_take(&out);
}

static struct json *tell(const struct doc *before, const struct doc *policy,
			 enum triage_cause cause, const char *why)
{
	struct json *v = json_object(), *list;
	char *code = code_difference(before, policy);

	json_set_string(v, "policy", policy->id);
	json_set_string(v, "title", json_text_at(policy->body, "title"));
	json_set_string(v, "against", before->id);
	json_set_string(v, "against_title",
			json_text_at(before->body, "title"));
	json_set_string(v, "why", why);
	list = json_set(v, "differs", differences(before, policy, cause));
	if (*code)
		json_set_string(v, "code", code);
	else if (!json_len(list))
		json_set_string(v, "why",
				"they differ in nothing but words: the "
				"workload or the machine changed");
	free(code);
	return v;
}

/*
 * Back through those it came from, as long as they ended so too: the change
 * lies between the first that did and the last that did not.
 */
struct json *triage_change(struct history *h, const struct catalog *c,
			   const struct doc *policy, enum triage_cause cause)
{
	struct search s = {h, c};
	struct doc *at = doc_copy(policy), *before = NULL;
	struct json *v = NULL;
	char id[DOC_ID_LEN];
	const char *why = "it was made from that one, which had no such exit";

	for (int i = 0; i < MAX_STEPS && find_parent(&s, at, id); i++) {
		if (history_read(h, "policy", id, &before))
			break;
		if (!is_bad(&s, id))
			break;
		doc_free(at);
		at = before;
		before = NULL;
	}
	if (!before && find_before(&s, at->id, id) &&
	    history_read(h, "policy", id, &before) == 0)
		why = "that one was attached before it and had no such exit";
	if (before)
		v = tell(before, at, cause, why);
	doc_free(before);
	doc_free(at);
	return v;
}
