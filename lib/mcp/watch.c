/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is told of what changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/server_state.h"

/* ---- URIs --------------------------------------------------------------- */

static struct watched **find(struct mcp_server *s, const char *principal,
			     const char *uri)
{
	struct watched **at = &s->watched;

	while (*at &&
	       (strcmp((*at)->uri, uri) || strcmp((*at)->principal, principal)))
		at = &(*at)->next;
	return at;
}

int watch_begin(struct mcp_peer *p, const struct mcp_who *who, const char *uri)
{
	struct mcp_server *s = p->server;
	struct watched **at = find(s, who->principal, uri);
	int rc;

	if (!s->offer->watch)
		return -ENOTSUP;
	if (p->watching >= s->o.max_watches)
		return -ENOBUFS;
	if (!*at) {
		rc = s->offer->watch(s->offer->arg, who, uri, true);
		if (rc)
			return rc;
		*at = mem_zalloc(1, sizeof(**at));
		(*at)->principal = mem_strdup(who->principal);
		(*at)->uri = mem_strdup(uri);
	}
	(*at)->count++;
	p->watching++;
	return 0;
}

void watch_end(struct mcp_peer *p, const struct mcp_who *who, const char *uri)
{
	struct mcp_server *s = p->server;
	struct watched **at = find(s, who->principal, uri), *w = *at;

	p->watching--;
	if (--w->count)
		return;
	*at = w->next;
	s->offer->watch(s->offer->arg, who, uri, false);
	free(w->principal);
	free(w->uri);
	free(w);
}

/* ---- sessions ----------------------------------------------------------- */

static void cannot_watch(struct request *r, int rc, const char *uri)
{
	if (rc == -ENOTSUP)
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "resources cannot be watched here");
	else if (rc == -ENOBUFS)
		origin_refuse(&r->o, 429, RPC_INTERNAL_ERROR,
			      "too many resources are watched: unsubscribe "
			      "from some");
	else
		origin_error(&r->o,
			     r->o.revision == REVISION_2026_07_28
				     ? RPC_INVALID_PARAMS
				     : RPC_RESOURCE_NOT_FOUND,
			     NULL, "there is no such resource: %.300s", uri);
}

void watch_take_subscribe(struct request *r)
{
	struct mcp_peer *p = r->o.peer;
	const char *uri = request_string(r, "uri");
	int rc = 0;

	if (!uri)
		return;
	if (!strs_has(&p->watches, uri)) {
		rc = watch_begin(p, &p->who, uri);
		if (!rc)
			strs_add(&p->watches, uri);
	}
	if (rc)
		cannot_watch(r, rc, uri);
	else
		origin_result(&r->o, json_object());
}

void watch_take_unsubscribe(struct request *r)
{
	struct mcp_peer *p = r->o.peer;
	const char *uri = request_string(r, "uri");
	struct strs kept = {0};

	if (!uri)
		return;
	if (strs_has(&p->watches, uri)) {
		for (size_t i = 0; i < p->watches.len; i++)
			if (strcmp(p->watches.v[i], uri))
				strs_add(&kept, p->watches.v[i]);
		strs_release(&p->watches);
		p->watches = kept;
		watch_end(p, &p->who, uri);
	}
	origin_result(&r->o, json_object());
}

/* ---- subscriptions/listen ----------------------------------------------- */

static bool is_strings(const struct json *v)
{
	if (v && json_type(v) != JSON_ARRAY)
		return false;
	json_each (it, v)
		if (json_type(it) != JSON_STRING)
			return false;
	return true;
}

static bool is_flag(const struct json *v)
{
	return !v || json_type(v) == JSON_BOOL;
}

static const struct json *read_filter(struct request *r)
{
	const struct json *f = json_get(r->params, "notifications");

	if (json_type(f) == JSON_OBJECT &&
	    is_flag(json_get(f, "toolsListChanged")) &&
	    is_flag(json_get(f, "promptsListChanged")) &&
	    is_flag(json_get(f, "resourcesListChanged")) &&
	    is_strings(json_get(f, "resourceSubscriptions")) &&
	    is_strings(json_get(f, "taskIds")))
		return f;
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
		     "params.notifications has to be an object of what to tell "
		     "of");
	return NULL;
}

static bool wants_list(const struct mcp_call *c, const struct json *f,
		       const char *key, enum mcp_list what)
{
	struct json *list;

	if (!json_as_bool(json_get(f, key), false))
		return false;
	list = server_list(c->o.peer->server, what, &c->who);
	json_free(list);
	return list != NULL;
}

/* What of f is kept is added to `kept`, too. */
static void keep_list(struct mcp_call *c, const struct json *f, const char *key,
		      enum mcp_list what, bool *flag, struct json *kept)
{
	*flag = wants_list(c, f, key, what);
	if (*flag)
		json_set_bool(kept, key, true);
}

static int keep_uris(struct mcp_call *c, const struct json *f,
		     struct json *kept)
{
	const struct json *uris = json_get(f, "resourceSubscriptions");
	struct json *list = json_array();
	int rc = 0;

	json_each (it, uris) {
		const char *uri = json_as_string(it, "");

		if (strs_has(&c->filter.uris, uri))
			continue;
		rc = watch_begin(c->o.peer, &c->who, uri);
		if (rc == -ENOBUFS)
			break;
		if (rc)
			continue;
		strs_add(&c->filter.uris, uri);
		json_add(list, json_string(uri));
	}
	if (json_len(list))
		json_set(kept, "resourceSubscriptions", list);
	else
		json_free(list);
	return rc == -ENOBUFS ? rc : 0;
}

static int keep_tasks(struct mcp_call *c, const struct json *f,
		      struct json *kept)
{
	const struct mcp_server *s = c->o.peer->server;
	struct json *list = json_array();
	struct mcp_task t;

	json_each (it, json_get(f, "taskIds")) {
		const char *id = json_as_string(it, "");

		if (!s->offer->task || strs_has(&c->filter.tasks, id))
			continue;
		if (c->filter.tasks.len >= s->o.max_watches) {
			json_free(list);
			return -ENOBUFS;
		}
		t = (struct mcp_task){0};
		if (s->offer->task(s->offer->arg, &c->who, id, &t))
			continue;
		task_release(&t);
		strs_add(&c->filter.tasks, id);
		json_add(list, json_string(id));
	}
	if (json_len(list))
		json_set(kept, "taskIds", list);
	else
		json_free(list);
	return 0;
}

static void tell(struct mcp_call *c, const char *method, struct json *params)
{
	meta_set(params, META_SUBSCRIPTION, json_copy(c->o.id));
	stream_notify(c->o.stream, method, params);
}

/* Ends it, as the protocol has it end from our side. */
void watch_close(struct mcp_call *c)
{
	struct json *v = json_object();

	meta_set(v, META_SUBSCRIPTION, json_copy(c->o.id));
	origin_result(&c->o, v);
	mcp_call_free(c);
}

static void listen_to(struct mcp_call *c, const struct json *f)
{
	struct json *kept = json_object(), *params;
	struct filter *l = &c->filter;
	int rc;

	keep_list(c, f, "toolsListChanged", MCP_TOOLS, &l->tools, kept);
	keep_list(c, f, "promptsListChanged", MCP_PROMPTS, &l->prompts, kept);
	keep_list(c, f, "resourcesListChanged", MCP_RESOURCES, &l->resources,
		  kept);
	rc = keep_uris(c, f, kept);
	if (!rc)
		rc = keep_tasks(c, f, kept);
	if (rc) {
		json_free(kept);
		origin_refuse(&c->o, 429, RPC_INTERNAL_ERROR,
			      "too much is watched: end another subscription");
		mcp_call_free(c);
		return;
	}
	rc = json_len(kept) ? 0 : -ENODATA;
	params = json_object();
	json_set(params, "notifications", kept);
	tell(c, "notifications/subscriptions/acknowledged", params);
	if (rc)
		watch_close(c);
}

void watch_take_listen(struct request *r)
{
	const struct json *f = read_filter(r);
	struct mcp_call *c;

	if (!f)
		return;
	if (json_get(f, "taskIds") && !r->who.tasks) {
		origin_error(
			&r->o, RPC_MISSING_CAPABILITY, tasks_required(),
			"to be told of tasks declare the extension " EXTENSION_TASKS);
		return;
	}
	c = call_new(r, CALL_LISTEN);
	if (c)
		listen_to(c, f);
}

void watch_forget(struct mcp_call *c)
{
	for (size_t i = 0; i < c->filter.uris.len; i++)
		watch_end(c->o.peer, &c->who, c->filter.uris.v[i]);
	strs_release(&c->filter.uris);
	strs_release(&c->filter.tasks);
}

/* ---- changes ------------------------------------------------------------ */

static struct json *with_uri(const char *uri)
{
	struct json *v = json_object();

	json_set_string(v, "uri", uri);
	return v;
}

void mcp_server_changed(struct mcp_server *s, const char *uri)
{
	static const char method[] = "notifications/resources/updated";

	for (struct mcp_peer *p = s->peers; p; p = p->next) {
		if (strs_has(&p->watches, uri))
			stream_notify(peer_stream(p), method, with_uri(uri));
		for (struct mcp_call *c = p->calls; c; c = c->next)
			if (strs_has(&c->filter.uris, uri))
				tell(c, method, with_uri(uri));
	}
}

static bool follows(const struct mcp_call *c, enum mcp_list what)
{
	switch (what) {
	case MCP_TOOLS:
		return c->filter.tools;
	case MCP_PROMPTS:
		return c->filter.prompts;
	default:
		return c->filter.resources;
	}
}

void mcp_server_list_changed(struct mcp_server *s, enum mcp_list what)
{
	static const char *const methods[] = {
		[MCP_TOOLS] = "notifications/tools/list_changed",
		[MCP_RESOURCES] = "notifications/resources/list_changed",
		[MCP_TEMPLATES] = "notifications/resources/list_changed",
		[MCP_PROMPTS] = "notifications/prompts/list_changed",
	};

	for (struct mcp_peer *p = s->peers; p; p = p->next) {
		if (p->ready)
			stream_notify(peer_stream(p), methods[what], NULL);
		for (struct mcp_call *c = p->calls; c; c = c->next)
			if (follows(c, what))
				tell(c, methods[what], json_object());
	}
}
