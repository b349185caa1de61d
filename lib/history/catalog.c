/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/ids.h"
#include "history/commit.h"
#include "history/copy.h"
#include "history/entry.h"
#include "search/words.h"

#define TEXT_MAX (16u << 10) /* of a document, that is found by its words */
#define WHAT_MAX 160

/* The copy is not written for fewer documents: to read so many costs little. */
#define WORTH 64

static const struct copy copy = {"documents.index", 1};

struct catalog {
	struct history *h;
	git_oid head; /* all up to there was taken in */
	struct catalog_item *items;
	struct json **kept; /* what each lends from */
	size_t count, cap;
	size_t unsaved;
	struct ids ids;
	struct word_index *index;
};

struct catalog *catalog_new(struct history *h)
{
	struct catalog *c = mem_zalloc(1, sizeof(*c));

	c->h = h;
	c->index = word_index_new();
	ids_init(&c->ids);
	return c;
}

void catalog_free(struct catalog *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		json_free(c->kept[i]);
	free(c->kept);
	free(c->items);
	ids_release(&c->ids);
	word_index_free(c->index);
	free(c);
}

/* ---- in short ---------------------------------------------------------- */

/* The words of a value: texts, and the names of what has none. */
static void put_words(struct buf *out, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_STRING:
		buf_puts(out, json_as_string(v, ""));
		buf_puts(out, " ");
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_each (m, v) {
			if (json_key(m) && json_type(m) != JSON_STRING)
				buf_printf(out, "%s ", json_key(m));
			put_words(out, m);
		}
		break;
	default:
		break;
	}
}

/* What people look for.  Samples, code, transcripts and figures are not. */
static char *text_of(const struct doc *d)
{
	static const char *const paths[] = {
		"title",	 "text",	 "why",
		"form",		 "uses",	 "params",
		"workload",	 "goal",	 "scope",
		"regime.traits", "regime.bound", "evidence",
		"decision",	 "state",	 "target",
		"kernel",	 "tags",	 "agent",
		"antipattern",	 "outcome",	 "traits",
		"tried.title",	 "tried.form",	 "tried.params",
		"conditions",	 "external",	 "knobs",
		"task",		 "hypothesis",	 "exit_reason",
		"exit_message",	 "ops",		 "loop.workload",
		"system.kernel", "notes"};
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		put_words(&b, json_path(d->body, paths[i]));
	json_each (s, json_get(d->body, "stages"))
		json_each (f, json_get(s, "findings"))
			put_words(&b, json_get(f, "text"));
	return buf_take(&b);
}

static void link_to(struct json *links, const char *id, const char *as)
{
	if (strlen(id) == DOC_ID_LEN - 1 && !json_get(links, id))
		json_set_string(links, id, as);
}

/* By name first: what is only a parent has no better one. */
static struct json *links_of(const struct doc *d)
{
	static const char *const keys[] = {"policy", "profile", "verdict",
					   "about", "after"};
	struct json *links = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		link_to(links, json_text_at(d->body, keys[i]), keys[i]);
	link_to(links, json_text_at(d->body, "tried.from"), "from");
	json_each (o, json_get(d->body, "origins"))
		link_to(links, json_text_at(o, "from"), "from");
	json_each (p, json_get(d->body, "proposals"))
		link_to(links, json_as_string(p, ""), "proposal");
	for (size_t i = 0; i < doc_parent_count(d); i++)
		link_to(links, doc_parent(d, i), "parent");
	return links;
}

static struct json *keep(const struct doc *d, const char *what)
{
	struct json *v = json_object();
	char *text = text_of(d);

	json_set_string(v, "id", d->id);
	json_set_string(v, "kind", d->kind);
	json_set_number(v, "time", (double)commit_time(d));
	json_set_string(v, "text", text);
	json_set_string(v, "what", what);
	json_set(v, "links", links_of(d));
	free(text);
	return v;
}

/* ---- taking in --------------------------------------------------------- */

/* Takes kept, unless the document is there already. */
static void take(void *arg, struct json *kept)
{
	const char *id = json_text_at(kept, "id");
	struct catalog *c = arg;
	struct catalog_item *i;

	if (strlen(id) != DOC_ID_LEN - 1 || ids_find(&c->ids, id) != IDS_NONE) {
		json_free(kept);
		return;
	}
	ids_number(&c->ids, id);
	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 256;
		c->items = mem_realloc(c->items, c->cap, sizeof(*c->items));
		c->kept = mem_realloc(c->kept, c->cap, sizeof(struct json *));
	}
	c->kept[c->count] = kept;
	i = &c->items[c->count++];
	*i = (struct catalog_item){
		.time = (time_t)json_as_number(json_get(kept, "time"), 0),
		.what = json_text_at(kept, "what"),
		.links = json_get(kept, "links"),
	};
	memcpy(i->id, id, DOC_ID_LEN - 1);
	snprintf(i->kind, sizeof(i->kind), "%s", json_text_at(kept, "kind"));
	word_index_add(c->index, json_text_at(kept, "text"));
}

struct walk {
	struct catalog *c;
	struct history_key *keys; /* newest first */
	size_t n, cap;
};

static int collect(const struct entry *e, const git_commit *commit, void *arg)
{
	struct walk *w = arg;

	(void)commit;
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->keys = mem_realloc(w->keys, w->cap, sizeof(*w->keys));
	}
	memcpy(w->keys[w->n].kind, e->kind, HISTORY_KIND_LEN);
	memcpy(w->keys[w->n++].id, e->id, DOC_ID_LEN);
	return 0;
}

static int take_one(struct catalog *c, const struct history_key *k)
{
	struct buf what;
	struct doc *d;
	int rc;

	if (ids_find(&c->ids, k->id) != IDS_NONE)
		return 0;
	rc = history_read(c->h, k->kind, k->id, &d);
	if (rc)
		return rc == -ENOENT ? 0 : rc; /* removed by hand */
	buf_init(&what, 1u << 20);
	rc = history_subject(c->h, k->kind, k->id, &what);
	if (!rc || rc == -ENOENT) {
		size_t skip = strlen(k->kind) + 2; /* "policy: " */
		const char *s = what.len ? what.data : "";

		take(c, keep(d, strlen(s) > skip ? s + skip : ""));
		c->unsaved++;
		rc = 0;
	}
	buf_release(&what);
	doc_free(d);
	return rc;
}

int catalog_refresh(struct catalog *c)
{
	struct walk w = {.c = c};
	git_oid head;
	int rc = ref_read(c->h, HISTORY_BRANCH, &head);

	if (rc || git_oid_equal(&head, &c->head))
		return rc;
	if (git_oid_is_zero(&c->head))
		copy_load(c->h, &copy, &c->head, take, c);
	rc = entry_walk(c->h, &head, &c->head, collect, &w);
	rc = rc < 0 ? rc : 0;
	for (size_t i = w.n; !rc && i-- > 0;)
		rc = take_one(c, &w.keys[i]);
	free(w.keys);
	if (rc)
		return rc;
	git_oid_cpy(&c->head, &head);
	if (c->unsaved >= WORTH && c->unsaved >= c->count / 16 &&
	    copy_save(c->h, &copy, &c->head, c->kept, c->count))
		c->unsaved = 0;
	return 0;
}

/* ---- looking ----------------------------------------------------------- */

size_t catalog_count(const struct catalog *c)
{
	return c->count;
}

const struct catalog_item *catalog_at(const struct catalog *c, size_t i)
{
	return &c->items[i];
}

size_t catalog_find(const struct catalog *c, const char *id)
{
	uint32_t at =
		strlen(id) == DOC_ID_LEN - 1 ? ids_find(&c->ids, id) : IDS_NONE;

	return at == IDS_NONE ? CATALOG_NONE : at;
}

size_t catalog_search(const struct catalog *c, const char *words,
		      const char *kind, struct catalog_hit *out, size_t max)
{
	struct word_hit *hit = mem_zalloc(c->count + 1, sizeof(*hit));
	size_t found = word_index_search(c->index, words, hit, c->count);
	size_t n = 0;

	for (size_t i = 0; i < found && n < max; i++)
		if (!kind || !strcmp(c->items[hit[i].text].kind, kind))
			out[n++] =
				(struct catalog_hit){hit[i].text, hit[i].score};
	free(hit);
	return n;
}
