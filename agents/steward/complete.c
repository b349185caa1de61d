/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an argument that is being typed may become. */
#include <stdlib.h>
#include <string.h>

#include "agents/steward/world.h"
#include "base/mem.h"
#include "term/manual.h"

#define VALUES_MAX 100 /* the protocol's */

struct values {
	struct json *list;
	bool more;
};

static void add(struct values *v, const char *value, const char *typed)
{
	if (strncmp(value, typed, strlen(typed)))
		return;
	if (json_len(v->list) < VALUES_MAX)
		json_add(v->list, json_string(value));
	else
		v->more = true;
}

/* The newest first: it is about what was made just before. */
static void add_ids(struct steward *s, struct values *v, const char *kind,
		    const char *typed)
{
	struct world_entry *e;
	size_t n = world_newest(s, kind, typed, VALUES_MAX, &e, &v->more);

	for (size_t i = 0; i < n; i++)
		add(v, e[i].key.id, typed);
	world_entries_free(e, n);
}

static void add_kinds(struct values *v, const char *typed)
{
	for (size_t i = 0; doc_kinds[i]; i++)
		if (history_keeps(doc_kinds[i]))
			add(v, doc_kinds[i], typed);
}

static void add_pages(struct values *v, const char *typed)
{
	struct strs pages = {0};

	manual_pages(&pages);
	for (size_t i = 0; i < pages.len; i++)
		add(v, pages.v[i], typed);
	strs_release(&pages);
}

static void add_words(struct values *v, const char *words, const char *typed)
{
	char *copy = mem_strdup(words), *save = NULL;

	for (char *w = strtok_r(copy, "|", &save); w;
	     w = strtok_r(NULL, "|", &save))
		add(v, w, typed);
	free(copy);
}

static void of_template(struct steward *s, struct values *v,
			const struct mcp_call *c, const char *typed)
{
	const char *what = mcp_call_argument(c);
	const char *kind = json_text_at(mcp_call_arguments(c), "context.kind");

	if (!strcmp(what, "kind"))
		add_kinds(v, typed);
	else if (!strcmp(what, "page"))
		add_pages(v, typed);
	else if (!strcmp(what, "id") && strstr(mcp_call_name(c), "/lesson/"))
		add_ids(s, v, "lesson", typed);
	else if (!strcmp(what, "id"))
		add_ids(s, v, *kind ? kind : NULL, typed);
}

static void of_prompt(struct steward *s, struct values *v,
		      const struct mcp_call *c, const char *typed)
{
	const struct world_arg *a =
		world_prompt_arg(mcp_call_name(c), mcp_call_argument(c));

	if (a && a->kind == WORLD_ARG_ID)
		add_ids(s, v, a->words, typed);
	else if (a && a->kind == WORLD_ARG_WORD)
		add_words(v, a->words, typed);
}

void steward_complete(struct steward *s, struct mcp_call *c)
{
	const char *typed = json_text_at(mcp_call_arguments(c), "value");
	struct values v = {.list = json_array()};
	struct json *result = json_object();

	if (strncmp(mcp_call_name(c), WORLD_SCHEME, strlen(WORLD_SCHEME)))
		of_prompt(s, &v, c, typed);
	else
		of_template(s, &v, c, typed);
	if (!v.more)
		json_set_number(result, "total", (double)json_len(v.list));
	json_set(result, "values", v.list);
	json_set_bool(result, "hasMore", v.more);
	mcp_call_done(c, result);
}
