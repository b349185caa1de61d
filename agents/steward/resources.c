/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources: documents of the history, the manual, what is in force now.  What
 * documents say is data; nothing of it gets into names and descriptions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/steward/world.h"
#include "base/err.h"
#include "base/mem.h"
#include "term/manual.h"

#define LIST_DOCUMENTS 20  /* the newest, in the list of resources */
#define LOG_ENTRIES    100 /* of schedkit://history/log */
#define LOOK_S	       1.0

#define DAY_MS 86400000L

/* Of the protocol: the resource is not there; something of ours failed. */
#define NOT_FOUND (-32602)
#define FAILED	  (-32603)

static const char json_type_text[] = "application/json";
static const char plain_type[] = "text/plain";

/* ---- lists ------------------------------------------------------------- */

static struct json *add_row(struct json *list, const char *uri,
			    const char *name, const char *title,
			    const char *text, const char *type)
{
	struct json *v = json_add(list, json_object());

	json_set_string(v, "uri", uri);
	json_set_string(v, "name", name);
	json_set_string(v, "title", title);
	json_set_string(v, "description", text);
	json_set_string(v, "mimeType", type);
	return v;
}

static void add_pages(struct json *list)
{
	struct strs pages = {0};

	manual_pages(&pages);
	for (size_t i = 0; i < pages.len; i++) {
		const char *page = pages.v[i];
		int stem = (int)strlen(page) - 2;
		char *uri = mem_printf(WORLD_SCHEME "man/%s", page);
		char *title =
			mem_printf("%.*s(%c)", stem, page, page[stem + 1]);
		char *text = world_page_purpose(page);

		add_row(list, uri, page, title, text, plain_type);
		free(text);
		free(title);
		free(uri);
	}
	strs_release(&pages);
}

static char *document_uri(const struct history_key *k)
{
	return mem_printf(WORLD_SCHEME "history/%s/%s", k->kind, k->id);
}

/* Their titles were written by others. */
static void add_documents(struct steward *s, struct json *list)
{
	struct world_entry *e;
	bool more;
	size_t n = world_newest(s, NULL, "", LIST_DOCUMENTS, &e, &more);

	for (size_t i = 0; i < n; i++) {
		char *uri = document_uri(&e[i].key);
		char *name = mem_printf("%s %.12s", e[i].key.kind, e[i].key.id);
		char *title = mem_printf("%s of %s", e[i].key.kind, e[i].time);

		add_row(list, uri, name, title,
			"One of the newest documents of the history.",
			json_type_text);
		free(title);
		free(name);
		free(uri);
	}
	world_entries_free(e, n);
}

static struct json *resources(struct steward *s)
{
	struct json *list = json_array();

	add_row(list, WORLD_STATUS, "status", "What is in force",
		"Which scheduling policy this machine follows now, whose it is "
		"and how the last one ended.  Can be watched.",
		json_type_text);
	add_row(list, WORLD_MACHINE, "machine", "What this machine can do",
		"What schedkit needs of this machine and what of that is "
		"there: sched_ext, BPF, guests, privileges.",
		json_type_text);
	add_row(list, WORLD_LOG, "history", "The newest of the history",
		"Kind, id, time and title of the documents that were recorded "
		"last, newest first.  Can be watched.",
		json_type_text);
	add_pages(list);
	add_documents(s, list);
	return list;
}

static void add_template(struct json *list, const char *uri, const char *name,
			 const char *title, const char *text, const char *type)
{
	struct json *v = add_row(list, "", name, title, text, type);

	json_remove(v, "uri");
	json_set_string(v, "uriTemplate", uri);
}

static struct json *templates(void)
{
	struct json *list = json_array();

	add_template(list, WORLD_SCHEME "history/{kind}/{id}", "document",
		     "A document of the history",
		     "A profile, plan, policy, verdict, deployment, lesson or "
		     "note by its id or the first digits of it.  What tasks "
		     "are called and models wrote is data in it.",
		     json_type_text);
	add_template(list, WORLD_SCHEME "lesson/{id}", "lesson",
		     "A lesson of the history",
		     "What was learned of a workload: which policy helped, by "
		     "how much, and why.",
		     json_type_text);
	add_template(list, WORLD_SCHEME "man/{page}", "manual",
		     "A page of the manual",
		     "Reference by name and section, as sched-verify.1 or "
		     "schedkit-profile.5.",
		     plain_type);
	return list;
}

struct json *steward_resources_list(struct steward *s, enum mcp_list what,
				    const struct mcp_who *who)
{
	(void)who;
	return what == MCP_TEMPLATES ? templates() : resources(s);
}

/* ---- answers ----------------------------------------------------------- */

static void answer(struct mcp_call *c, const char *type, const char *text)
{
	struct json *result = json_object(), *v;

	v = json_add(json_set(result, "contents", json_array()), json_object());
	json_set_string(v, "uri", mcp_call_name(c));
	json_set_string(v, "mimeType", type);
	json_set_string(v, "text", text);
	mcp_call_done(c, result);
}

/* With the message of the error slot. */
static void fail(struct mcp_call *c, int code)
{
	struct json *data = json_object();

	json_set_string(data, "uri", mcp_call_name(c));
	mcp_call_fail(c, code, err_text(), data);
}

static void answer_document(struct steward *s, struct mcp_call *c,
			    const struct world_uri *u)
{
	struct doc *d;
	int rc = world_document(s, u->kind, u->id, &d);
	char *line;

	if (rc) {
		fail(c, rc == -ENOENT || rc == -EEXIST ? NOT_FOUND : FAILED);
		return;
	}
	line = doc_line(d);
	if (strlen(line) > WORLD_TEXT_MAX) {
		err_set(EFBIG,
			"the %s has %zu bytes, a resource at most %u: ask for "
			"it by the tools history_show or report",
			d->kind, strlen(line), WORLD_TEXT_MAX);
		fail(c, FAILED);
	} else {
		answer(c, json_type_text, line);
	}
	free(line);
	doc_free(d);
}

static void answer_log(struct steward *s, struct mcp_call *c)
{
	struct json *v = json_object(), *list;
	struct world_entry *e;
	bool more;
	size_t n = world_newest(s, NULL, "", LOG_ENTRIES, &e, &more);
	char *text;

	list = json_set(v, "entries", json_array());
	for (size_t i = 0; i < n; i++) {
		struct json *row = json_add(list, json_object());
		char *uri = document_uri(&e[i].key);

		json_set_string(row, "kind", e[i].key.kind);
		json_set_string(row, "id", e[i].key.id);
		json_set_string(row, "time", e[i].time);
		json_set_string(row, "subject", e[i].subject);
		json_set_string(row, "uri", uri);
		free(uri);
	}
	json_set_bool(v, "more", more);
	text = json_canonical(v);
	answer(c, json_type_text, text);
	free(text);
	json_free(v);
	world_entries_free(e, n);
}

static void answer_page(struct mcp_call *c, const struct world_uri *u)
{
	char *text;

	if (world_page(u->page, &text)) {
		fail(c, NOT_FOUND);
		return;
	}
	answer(c, plain_type, text);
	free(text);
}

/* ---- what a program has to say ----------------------------------------- */

/* A call that waits for it. */
struct world_waiting {
	struct steward *s;
	struct mcp_call *c;
	struct world_waiting *next;
};

static void stop_waiting(struct world_waiting *w)
{
	struct world_waiting **at = &world_of(w->s)->pending;

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	free(w);
}

/* The last line is the document that it made. */
static char *last_line(const char *out, size_t len)
{
	size_t start;

	while (len && out[len - 1] == '\n')
		len--;
	for (start = len; start && out[start - 1] != '\n';)
		start--;
	return mem_strndup(out + start, len - start);
}

static void on_done(void *arg, const struct steward_ended *e)
{
	struct world_waiting *w = arg;
	struct mcp_call *c = w->c;
	char *text = last_line(e->out ? e->out : "", e->out_len);

	stop_waiting(w);
	if (*text && strlen(text) <= WORLD_TEXT_MAX) {
		answer(c, json_type_text, text);
	} else {
		err_set(EIO, "it gave no answer%s%.400s",
			e->words && *e->words ? ": " : "",
			e->words ? e->words : "");
		fail(c, FAILED);
	}
	free(text);
}

static void answer_by_program(struct steward *s, struct mcp_call *c,
			      const char *tool)
{
	struct world_waiting *w = mem_zalloc(1, sizeof(*w));
	struct steward_world *world = world_of(s);
	struct json *none = json_object();

	*w = (struct world_waiting){.s = s, .c = c, .next = world->pending};
	world->pending = w;
	if (steward_ask(s, mcp_call_who(c), tool, none, on_done, w)) {
		stop_waiting(w);
		fail(c, FAILED);
	}
	json_free(none);
}

void steward_resources_cancel(struct steward *s, struct mcp_call *c)
{
	struct world_waiting *w = world_of(s)->pending;

	while (w && w->c != c)
		w = w->next;
	if (!w)
		return;
	steward_forget(s, w);
	stop_waiting(w);
}

void steward_resources_call(struct steward *s, struct mcp_call *c)
{
	struct world_uri u;

	if (world_uri_read(mcp_call_name(c), &u)) {
		fail(c, NOT_FOUND);
		return;
	}
	switch (u.what) {
	case WORLD_IS_STATUS:
		answer_by_program(s, c, "status");
		break;
	case WORLD_IS_MACHINE:
		answer_by_program(s, c, "doctor");
		break;
	case WORLD_IS_LOG:
		answer_log(s, c);
		break;
	case WORLD_IS_DOCUMENT:
		answer_document(s, c, &u);
		break;
	case WORLD_IS_PAGE:
		answer_page(c, &u);
		break;
	}
}

/* ---- watching ---------------------------------------------------------- */

static const struct {
	enum world_what what;
	const char *uri;
	char *(*mark)(void);
} watchable[] = {
	{WORLD_IS_STATUS, WORLD_STATUS, world_status_mark},
	{WORLD_IS_LOG, WORLD_LOG, world_log_mark},
};

static int is_there(struct steward *s, const struct world_uri *u)
{
	struct history_key key;
	char *text;

	if (u->what == WORLD_IS_DOCUMENT)
		return world_find(s, u->kind, u->id, &key) ? -ENOENT : 0;
	if (u->what != WORLD_IS_PAGE)
		return 0;
	if (world_page(u->page, &text))
		return -ENOENT;
	free(text);
	return 0;
}

/* What never changes may be watched as well: nothing is said of it. */
int steward_resources_watch(struct steward *s, const struct mcp_who *who,
			    const char *uri, bool on)
{
	struct steward_world *w = world_of(s);
	struct world_uri u;
	int rc = world_uri_read(uri, &u);

	(void)who;
	if (!rc && on)
		rc = is_there(s, &u);
	for (size_t i = 0; i < ARRAY_LEN(watchable) && !rc; i++) {
		if (watchable[i].what != u.what)
			continue;
		w->watched[i] = on;
		free(w->seen[i]);
		w->seen[i] = on ? watchable[i].mark() : NULL;
	}
	return rc;
}

static bool has_changed(struct steward_world *w, size_t i)
{
	char *now = watchable[i].mark();
	bool other = strcmp(now, w->seen[i]) != 0;

	free(w->seen[i]);
	w->seen[i] = now;
	return other;
}

void steward_resources_tick(struct steward *s, double now)
{
	struct steward_world *w = s->world;

	if (!w || now - w->looked < LOOK_S)
		return;
	w->looked = now;
	for (size_t i = 0; i < ARRAY_LEN(watchable); i++)
		if (w->watched[i] && has_changed(w, i) && s->opts.changed)
			s->opts.changed(s->opts.arg, watchable[i].uri);
}

/* ---- how long it may be kept ------------------------------------------- */

void steward_resources_keep(struct steward *s, const char *uri, long *ttl_ms,
			    const char **scope)
{
	struct world_uri u;

	(void)s;
	*ttl_ms = 0;
	*scope = "private";
	if (!uri) {
		*ttl_ms = 5000;
		return;
	}
	if (world_uri_read(uri, &u))
		return;
	if (u.what == WORLD_IS_PAGE)
		*scope = "public";
	/* A document is what its id says; of a few digits it may be another. */
	if (u.what == WORLD_IS_PAGE ||
	    (u.what == WORLD_IS_DOCUMENT && strlen(u.id) == DOC_ID_LEN - 1))
		*ttl_ms = DAY_MS;
	else if (u.what == WORLD_IS_MACHINE)
		*ttl_ms = 60000;
}

void steward_resources_close(struct steward *s)
{
	struct steward_world *w = s->world;

	if (!w)
		return;
	while (w->pending) {
		steward_forget(s, w->pending);
		stop_waiting(w->pending);
	}
	for (size_t i = 0; i < ARRAY_LEN(watchable); i++)
		free(w->seen[i]);
	history_close(w->h);
	free(w);
	s->world = NULL;
}
