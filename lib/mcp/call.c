/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that the offer answers, from its beginning to its end. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"
#include "mcp/server_state.h"

#define MAX_TRACE 512

/* ---- its life ----------------------------------------------------------- */

struct mcp_call *call_find(const struct mcp_peer *p, const struct json *id)
{
	for (struct mcp_call *c = p->calls; c; c = c->next)
		if (rpc_same_id(c->o.id, id))
			return c;
	return NULL;
}

static size_t count(const struct mcp_peer *p)
{
	size_t n = 0;

	for (const struct mcp_call *c = p->calls; c; c = c->next)
		n++;
	return n;
}

struct mcp_call *call_new(struct request *r, enum call_use use)
{
	struct mcp_peer *p = r->o.peer;
	struct mcp_call *c;

	if (count(p) >= p->server->o.max_calls) {
		origin_refuse(&r->o, 429, RPC_INTERNAL_ERROR,
			      "too many requests at once: wait until one of "
			      "yours has been answered");
		return NULL;
	}
	c = mem_zalloc(1, sizeof(*c));
	*c = (struct mcp_call){.next = p->calls,
			       .o = r->o,
			       .use = use,
			       .doc = r->doc,
			       .who = r->who,
			       .caps = r->caps,
			       .meta = r->meta,
			       .token = json_get(r->meta, "progressToken"),
			       .log_level = r->log_level};
	p->calls = c;
	r->doc = NULL;
	r->o.id = NULL;
	return c;
}

void mcp_call_free(struct mcp_call *c)
{
	struct mcp_call **at = &c->o.peer->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	ask_forget(c);
	watch_forget(c);
	json_free(c->o.id);
	json_free(c->doc);
	json_free(c->made);
	json_free(c->answers);
	json_free(c->asked);
	json_free(c->output_schema);
	free(c);
}

void call_cancel(struct mcp_call *c)
{
	const struct mcp_offer *offer = c->o.peer->server->offer;

	if (c->with_offer) {
		c->with_offer = false;
		if (offer->cancel)
			offer->cancel(offer->arg, c);
	}
	origin_drop(&c->o);
	mcp_call_free(c);
}

void call_run(struct mcp_call *c)
{
	const struct mcp_offer *offer = c->o.peer->server->offer;

	c->data = NULL;
	c->with_offer = true;
	offer->call(offer->arg, c);
}

/* ---- what is asked ------------------------------------------------------ */

enum mcp_kind mcp_call_kind(const struct mcp_call *c)
{
	return c->kind;
}

const struct mcp_who *mcp_call_who(const struct mcp_call *c)
{
	return &c->who;
}

const char *mcp_call_name(const struct mcp_call *c)
{
	return c->name;
}

const struct json *mcp_call_arguments(const struct mcp_call *c)
{
	return c->arguments;
}

const char *mcp_call_argument(const struct mcp_call *c)
{
	return c->argument;
}

bool mcp_call_as_task(const struct mcp_call *c)
{
	return c->as_task;
}

const struct json *mcp_call_answer(const struct mcp_call *c, const char *key)
{
	return json_get(c->answers, key);
}

const struct json *mcp_call_capabilities(const struct mcp_call *c)
{
	return c->caps;
}

const char *mcp_call_trace(const struct mcp_call *c, const char *key)
{
	static const char *const keys[] = {"traceparent", "tracestate",
					   "baggage"};
	const char *text = json_as_string(json_get(c->meta, key), NULL);
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		known |= !strcmp(keys[i], key);
	if (!known || !text || strlen(text) > MAX_TRACE)
		return NULL;
	for (const char *s = text; *s; s++)
		if (*s < ' ' || *s > '~')
			return NULL;
	return text;
}

void mcp_call_set_data(struct mcp_call *c, void *data)
{
	c->data = data;
}

void *mcp_call_data(const struct mcp_call *c)
{
	return c->data;
}

/* ---- what is said meanwhile --------------------------------------------- */

void mcp_call_progress(struct mcp_call *c, double done, double total,
		       const char *text)
{
	struct json *params;

	if (!c->token || !isfinite(done) ||
	    (c->progressed && done <= c->progress))
		return;
	c->progressed = true;
	c->progress = done;
	params = json_object();
	json_set(params, "progressToken", json_copy(c->token));
	json_set_number(params, "progress", done);
	if (total > 0 && isfinite(total))
		json_set_number(params, "total", total);
	if (text && c->o.revision >= REVISION_2025_03_26)
		json_set_string(params, "message", text);
	stream_notify(c->o.stream, "notifications/progress", params);
}

void mcp_call_log(struct mcp_call *c, const char *level, struct json *data)
{
	int n = log_level_of(level);
	struct json *params;

	if (c->log_level < 0 || n < c->log_level) {
		json_free(data);
		return;
	}
	params = json_object();
	json_set_string(params, "level", level);
	json_set_string(params, "logger", c->o.peer->server->offer->name);
	json_set(params, "data", data);
	stream_notify(c->o.stream, "notifications/message", params);
}

/* ---- its end ------------------------------------------------------------ */

static void end(struct mcp_call *c, struct json *result)
{
	c->with_offer = false;
	if (c->as_task && c->o.revision == REVISION_2025_11_25)
		tasks_ended(&c->o, result);
	else
		origin_result(&c->o, result);
	mcp_call_free(c);
}

/* Whether a tool keeps its word; the message says why not. */
static bool keeps_word(const struct mcp_call *c, const struct json *result)
{
	const struct json *v = json_get(result, "structuredContent");

	if (!c->output_schema ||
	    json_as_bool(json_get(result, "isError"), false))
		return true;
	if (!v) {
		err_set(EINVAL, "there is no structuredContent");
		return false;
	}
	return !json_schema_load(c->output_schema) &&
	       !json_schema_check(c->output_schema, v);
}

/* {"values":[...]} of at most 100. */
static struct json *completion(struct json *found)
{
	const struct json *all = json_get(found, "values");
	struct json *v = json_object(), *values;

	if (json_len(all) > 100) {
		values = json_array();
		for (const struct json *it = json_first(all);
		     it && json_len(values) < 100; it = json_next(it))
			json_add(values, json_copy(it));
		json_set(found, "values", values);
		json_set_bool(found, "hasMore", true);
	}
	json_set(v, "completion", found);
	return v;
}

void mcp_call_done(struct mcp_call *c, struct json *result)
{
	const struct mcp_server *s = c->o.peer->server;

	if (c->kind == MCP_TOOL && !keeps_word(c, result)) {
		server_defect(s, "result of %s: %s", c->name, err_text());
		json_free(result);
		mcp_call_fail(c, RPC_INTERNAL_ERROR,
			      "the tool's result is not what its outputSchema "
			      "says",
			      NULL);
		return;
	}
	if (c->kind == MCP_COMPLETION)
		result = completion(result);
	if (c->kind == MCP_RESOURCE && c->o.revision == REVISION_2026_07_28)
		server_keep(s, c->name, result);
	end(c, shape_result(result, c->kind, c->o.revision));
}

/* A resource that is not there has a code of its own in sessions alone. */
static int code_of(const struct mcp_call *c, int code)
{
	bool modern = c->o.revision == REVISION_2026_07_28;

	if (code == RPC_RESOURCE_NOT_FOUND && modern)
		return RPC_INVALID_PARAMS;
	if (code == RPC_INVALID_PARAMS && !modern && c->kind == MCP_RESOURCE)
		return RPC_RESOURCE_NOT_FOUND;
	return code;
}

void mcp_call_fail(struct mcp_call *c, int code, const char *text,
		   struct json *data)
{
	bool not_there =
		c->kind == MCP_RESOURCE &&
		(code == RPC_INVALID_PARAMS || code == RPC_RESOURCE_NOT_FOUND);

	if (not_there && !data) {
		data = json_object();
		json_set_string(data, "uri", c->name);
	}
	c->with_offer = false;
	origin_error(&c->o, code_of(c, code), data, "%s", text);
	mcp_call_free(c);
}

void mcp_call_task(struct mcp_call *c, const struct mcp_task *task)
{
	tasks_created(c, task);
}
