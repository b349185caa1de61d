/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was said to a model and by it, and what that cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/mem.h"

void talk_release(struct talk *t)
{
	json_free(t->entries);
	json_free(t->accounts);
	free(t->model);
	*t = (struct talk){0};
}

/* ---- accounts --------------------------------------------------------- */

static void add_number(struct json *o, const char *key, double x)
{
	/* Sums of money are not exact: 1e-9 USD is near enough. */
	json_set_number(o, key,
			round(1e9 * (json_as_number(json_get(o, key), 0) + x)) /
				1e9);
}

/* A cost that is not known stays unknown in every sum it is part of. */
static void add_cost(struct json *o, const struct json *cost)
{
	if (json_type(json_get(o, "cost_usd")) == JSON_NULL)
		return;
	if (json_as_number(cost, -1) < 0)
		json_set(o, "cost_usd", json_null());
	else
		add_number(o, "cost_usd", json_as_number(cost, 0));
}

static void add_usage(struct json *o, double calls, const struct json *in,
		      const struct json *cached, const struct json *out,
		      const struct json *cost)
{
	add_number(o, "calls", calls);
	add_number(o, "tokens_in", json_as_number(in, 0));
	add_number(o, "tokens_cached", json_as_number(cached, 0));
	add_number(o, "tokens_out", json_as_number(out, 0));
	add_cost(o, cost);
}

void talk_account(struct talk *t, const char *role, const struct json *answer)
{
	const struct json *model = json_get(answer, "model");
	struct json *row;

	/* Nothing was sent: a limit of the ledger. */
	if (json_get(answer, "error") &&
	    json_as_number(json_get(answer, "attempts"), 0) < 1)
		return;
	if (!t->accounts)
		t->accounts = json_object();
	row = (struct json *)json_get(t->accounts, role);
	if (!row)
		row = json_set(t->accounts, role, json_object());
	add_usage(row, 1, json_path(answer, "usage.in"),
		  json_path(answer, "usage.cached"),
		  json_path(answer, "usage.out"), json_get(answer, "cost_usd"));
	if (json_as_string(model, NULL)) {
		free(t->model);
		t->model = mem_strdup(json_as_string(model, ""));
	}
}

struct json *talk_provenance(const struct talk *t, const char *backend)
{
	struct json *out = json_object();

	json_set_string(out, "backend", backend);
	if (t->model)
		json_set_string(out, "model", t->model);
	json_set_number(out, "calls", 0);
	json_set_number(out, "cost_usd", 0);
	json_each (row, t->accounts)
		add_usage(out, json_as_number(json_get(row, "calls"), 0),
			  json_get(row, "tokens_in"),
			  json_get(row, "tokens_cached"),
			  json_get(row, "tokens_out"),
			  json_get(row, "cost_usd"));
	return out;
}

/* ---- the transcript --------------------------------------------------- */

/* A copy whose long strings are cut. */
static struct json *cut(const struct json *v)
{
	const char *s = json_as_string(v, NULL);
	struct json *out, *one;

	if (s && strlen(s) > TALK_TEXT) {
		char *head = mem_strndup(s, TALK_TEXT);
		char *text = mem_printf("%s\n[%zu bytes left out]", head,
					strlen(s) - TALK_TEXT);

		out = json_string(text);
		free(head);
		free(text);
		return out;
	}
	if (json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT)
		return json_copy(v);
	out = json_type(v) == JSON_ARRAY ? json_array() : json_object();
	json_each (m, v) {
		one = cut(m);
		if (json_type(v) == JSON_ARRAY)
			json_add(out, one);
		else
			json_set(out, json_key(m), one);
	}
	return out;
}

void talk_record(struct talk *t, const char *role, const struct json *messages,
		 size_t first, const struct json *answer)
{
	struct json *e = json_object(), *said = json_array();

	for (size_t i = first; i < json_len(messages); i++)
		json_add(said, cut(json_at(messages, i)));
	json_set_string(e, "role", role);
	json_set(e, "messages", said);
	json_set(e, "answer", cut(answer));
	if (!t->entries)
		t->entries = json_array();
	json_add(t->entries, e);
}

static size_t bytes_of(const struct json *v)
{
	char *text = json_canonical(v);
	size_t n = strlen(text);

	free(text);
	return n;
}

/* Without the messages of the oldest, as far as is needed. */
static struct json *without_messages(const struct json *entries, size_t *all)
{
	struct json *out = json_array();

	json_each (e, entries) {
		struct json *one = json_add(out, json_copy(e));

		if (*all <= TALK_TRANSCRIPT)
			continue;
		json_remove(one, "messages");
		json_set_bool(one, "left_out", true);
		*all -= bytes_of(e) - bytes_of(one);
	}
	return out;
}

struct json *talk_transcript(const struct talk *t)
{
	size_t all = t->entries ? bytes_of(t->entries) : 0;
	struct json *slim = without_messages(t->entries, &all);
	struct json *out = json_array();

	json_each (e, slim) {
		if (all > TALK_TRANSCRIPT)
			all -= bytes_of(e);
		else
			json_add(out, json_copy(e));
	}
	json_free(slim);
	return out;
}
