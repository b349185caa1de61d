/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server, its peers and their streams. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/server_state.h"

static const char *const names[REVISIONS] = {
	"",	      "2024-11-05", "2025-03-26",
	"2025-06-18", "2025-11-25", "2026-07-28",
};

const char *revision_name(enum revision r)
{
	return names[r];
}

enum revision revision_of(const char *name)
{
	for (int r = REVISION_2024_11_05; r < REVISIONS; r++)
		if (!strcmp(names[r], name))
			return (enum revision)r;
	return REVISION_NONE;
}

/* ---- what the offer has ------------------------------------------------- */

struct json *server_list(const struct mcp_server *s, enum mcp_list what,
			 const struct mcp_who *who)
{
	if (!s->offer->list)
		return NULL;
	return s->offer->list(s->offer->arg, what, who);
}

void server_keep(const struct mcp_server *s, const char *uri,
		 struct json *result)
{
	const char *scope = "private";
	long ttl_ms = 0;

	if (s->offer->keep)
		s->offer->keep(s->offer->arg, uri, &ttl_ms, &scope);
	json_set_number(result, "ttlMs", (double)(ttl_ms > 0 ? ttl_ms : 0));
	json_set_string(result, "cacheScope", scope);
}

void server_defect(const struct mcp_server *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!s->offer->defect)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->offer->defect(s->offer->arg, text);
}

struct json *server_info(const struct mcp_server *s, enum revision r)
{
	struct json *v = json_object();

	json_set_string(v, "name", s->offer->name);
	json_set_string(v, "version", s->offer->version);
	if (s->offer->title && r >= REVISION_2025_06_18)
		json_set_string(v, "title", s->offer->title);
	return v;
}

/* An empty object, or one that says that changes are told of. */
static struct json *declare(struct json *caps, const char *key, bool told)
{
	struct json *v = json_object();

	if (told)
		json_set_bool(v, "listChanged", true);
	return json_set(caps, key, v);
}

static bool offers(const struct mcp_server *s, enum mcp_list what,
		   const struct mcp_who *who)
{
	struct json *list = server_list(s, what, who);

	json_free(list);
	return list != NULL;
}

static void declare_tasks(const struct mcp_server *s, struct json *caps,
			  enum revision r)
{
	struct json *v = json_object(), *sub;

	if (r == REVISION_2026_07_28) {
		declare(v, EXTENSION_TASKS, false);
		json_set(caps, "extensions", v);
		return;
	}
	if (s->offer->tasks)
		declare(v, "list", false);
	if (s->offer->task_cancel)
		declare(v, "cancel", false);
	sub = json_set(v, "requests", json_object());
	declare(json_set(sub, "tools", json_object()), "call", false);
	json_set(caps, "tasks", v);
}

struct json *server_capabilities(const struct mcp_server *s,
				 const struct mcp_who *who, enum revision r)
{
	struct json *caps = json_object(), *v;

	if (offers(s, MCP_TOOLS, who))
		declare(caps, "tools", true);
	if (offers(s, MCP_PROMPTS, who))
		declare(caps, "prompts", true);
	if (offers(s, MCP_RESOURCES, who)) {
		v = declare(caps, "resources", true);
		if (s->offer->watch)
			json_set_bool(v, "subscribe", true);
	}
	declare(caps, "logging", false);
	if (s->offer->completes && r >= REVISION_2025_03_26)
		declare(caps, "completions", false);
	if (s->offer->task && r >= REVISION_2025_11_25)
		declare_tasks(s, caps, r);
	return caps;
}

/* ---- the server --------------------------------------------------------- */

struct mcp_server *mcp_server_new(const struct mcp_server_opts *o)
{
	struct mcp_server *s = mem_zalloc(1, sizeof(*s));

	s->o = *o;
	s->offer = o->offer;
	return s;
}

void mcp_server_free(struct mcp_server *s)
{
	if (!s)
		return;
	free(s->used);
	free(s);
}

static void forget_used(struct mcp_server *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->used_count; i++)
		if (s->used[i].expires > s->now)
			s->used[kept++] = s->used[i];
	s->used_count = kept;
}

void mcp_tick(struct mcp_server *s, double now)
{
	s->now = now;
	forget_used(s);
	for (struct mcp_peer *p = s->peers; p; p = p->next) {
		ask_expire(p, now);
		tasks_poll(p);
	}
}

/* ---- peers -------------------------------------------------------------- */

struct mcp_peer *mcp_peer_new(struct mcp_server *s, const char *principal)
{
	struct mcp_peer *p = mem_zalloc(1, sizeof(*p));

	p->server = s;
	p->principal = mem_strdup(principal);
	p->who = (struct mcp_who){.principal = p->principal,
				  .name = "",
				  .version = "",
				  .revision = ""};
	p->next = s->peers;
	s->peers = p;
	return p;
}

static void free_calls(struct mcp_peer *p)
{
	while (p->calls) {
		struct mcp_call *c = p->calls;

		if (c->use == CALL_LISTEN && c->o.stream) {
			watch_close(c);
			continue;
		}
		/* Nothing is said of the others. */
		if (c->o.batch)
			c->o.batch->stream = NULL;
		c->o.stream = NULL;
		call_cancel(c);
	}
}

void mcp_peer_free(struct mcp_peer *p)
{
	struct mcp_peer **at;

	if (!p)
		return;
	free_calls(p);
	for (size_t i = 0; i < p->watches.len; i++)
		watch_end(p, &p->who, p->watches.v[i]);
	strs_release(&p->watches);
	while (p->streams)
		mcp_stream_free(p->streams);
	for (at = &p->server->peers; *at != p;)
		at = &(*at)->next;
	*at = p->next;
	tasks_release(p);
	json_free(p->hello);
	free(p->principal);
	free(p);
}

bool mcp_peer_is_session(const struct mcp_peer *p)
{
	return p->revision != REVISION_NONE;
}

const char *mcp_peer_revision(const struct mcp_peer *p)
{
	return revision_name(p->revision);
}

size_t mcp_peer_pending(const struct mcp_peer *p)
{
	size_t n = 0;

	for (const struct mcp_call *c = p->calls; c; c = c->next)
		n += c->use != CALL_LISTEN && !c->unanswered;
	return n;
}

/* ---- streams ------------------------------------------------------------ */

struct mcp_stream *mcp_stream_open(struct mcp_peer *p, enum mcp_stream_use use,
				   const struct mcp_stream_ops *ops, void *arg)
{
	struct mcp_stream *s = mem_zalloc(1, sizeof(*s));

	*s = (struct mcp_stream){.peer = p,
				 .use = use,
				 .ops = *ops,
				 .arg = arg,
				 .next = p->streams};
	p->streams = s;
	return s;
}

void mcp_stream_free(struct mcp_stream *s)
{
	struct mcp_stream **at = &s->peer->streams;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free(s);
}

/* One call that belongs to the stream, which it has lost. */
static void lose_stream(struct mcp_call *c)
{
	if (c->o.batch)
		c->o.batch->stream = NULL;
	c->o.stream = NULL;
	/* Who waits for a task may come again. */
	if (c->o.revision == REVISION_2026_07_28 || c->use == CALL_TASK_RESULT)
		call_cancel(c);
}

void mcp_stream_gone(struct mcp_stream *s)
{
	struct mcp_call *next;

	if (!s)
		return;
	for (struct mcp_call *c = s->peer->calls; c; c = next) {
		next = c->next;
		if (c->o.stream == s)
			lose_stream(c);
	}
	mcp_stream_free(s);
}
