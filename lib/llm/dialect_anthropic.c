/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anthropic's messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/dialect.h"

/* This dialect has to be given one. */
#define DEFAULT_MAX_TOKENS 4096

/* ---- the request ------------------------------------------------------ */

static struct json *add_block(struct json *to, const char *type)
{
	struct json *b = json_add(to, json_object());

	json_set_string(b, "type", type);
	return b;
}

/* An empty block of text is refused. */
static struct json *add_text(struct json *to, const char *text)
{
	struct json *b;

	if (!text || !*text)
		return NULL;
	b = add_block(to, "text");
	json_set_string(b, "text", text);
	return b;
}

static void add_calls(struct json *to, const struct json *calls)
{
	json_each (c, calls) {
		struct json *b = add_block(to, "tool_use");
		const struct json *a = json_get(c, "arguments");

		json_set_string(b, "id", json_as_string(json_get(c, "id"), ""));
		json_set_string(b, "name",
				json_as_string(json_get(c, "name"), ""));
		json_set(b, "input", a ? json_copy(a) : json_object());
	}
}

static void add_results(struct json *to, const struct json *results)
{
	json_each (r, results) {
		struct json *b = add_block(to, "tool_result");

		json_set_string(b, "tool_use_id",
				json_as_string(json_get(r, "id"), ""));
		json_set_string(b, "content",
				json_as_string(json_get(r, "text"), ""));
		if (json_as_bool(json_get(r, "error"), false))
			json_set_bool(b, "is_error", true);
	}
}

static struct json *messages(const struct llm_request *r)
{
	struct json *to = json_array();

	json_each (m, r->messages) {
		const char *role = json_as_string(json_get(m, "role"), "user");
		bool assistant = !strcmp(role, "assistant");
		struct json *out = json_object(), *content;

		json_set_string(out, "role", assistant ? role : "user");
		content = json_set(out, "content", json_array());
		add_text(content, json_as_string(json_get(m, "text"), NULL));
		add_calls(content, json_get(m, "calls"));
		add_results(content, json_get(m, "results"));
		/* A turn in which nothing was said. */
		if (json_len(content))
			json_add(to, out);
		else
			json_free(out);
	}
	return to;
}

static void add_tool(struct json *to, const char *name, const char *description,
		     const struct json *parameters)
{
	struct json *t = json_add(to, json_object()), *schema;

	json_set_string(t, "name", name);
	json_set_string(t, "description", description);
	schema = json_set(t, "input_schema",
			  parameters ? json_copy(parameters) : json_object());
	if (!json_get(schema, "type"))
		json_set_string(schema, "type", "object");
}

static void add_tools(struct json *body, const struct llm_request *r,
		      bool answer)
{
	struct json *to, *choice;

	if (!json_len(r->tools) && !answer)
		return;
	to = json_set(body, "tools", json_array());
	json_each (t, r->tools)
		add_tool(to, json_as_string(json_get(t, "name"), ""),
			 json_as_string(json_get(t, "description"), ""),
			 json_get(t, "parameters"));
	if (!answer)
		return;
	add_tool(to, ANSWER_TOOL, "Gives the answer; call it once.", r->schema);
	choice = json_set(body, "tool_choice", json_object());
	json_set_string(choice, "type", json_len(r->tools) ? "any" : "tool");
	if (!json_len(r->tools))
		json_set_string(choice, "name", ANSWER_TOOL);
}

/* Tools and system are a prefix that is asked to be cached. */
static void add_system(struct json *body, const struct llm_request *r,
		       enum llm_shape shape)
{
	char *system = shape_system(r, shape);
	struct json *block;

	if (system && *system) {
		block = add_text(json_set(body, "system", json_array()),
				 system);
		json_set_string(json_set(block, "cache_control", json_object()),
				"type", "ephemeral");
	}
	free(system);
}

static struct json *request(const struct llm_request *r, enum llm_shape shape,
			    const struct dialect_opts *o)
{
	struct json *body, *format;

	if (!r->schema)
		shape = SHAPE_PLAIN;
	/* There is no JSON mode. */
	if (shape == SHAPE_JSON)
		return NULL;
	body = json_object();
	json_set_string(body, "model", o->model);
	json_set_number(body, "max_tokens",
			r->max_tokens > 0 ? (double)r->max_tokens
					  : DEFAULT_MAX_TOKENS);
	if (o->stream)
		json_set_bool(body, "stream", true);
	add_tools(body, r, shape == SHAPE_CALL);
	/* What it goes on with has no schema of its own. */
	if (shape == SHAPE_STRICT && !o->slice) {
		format =
			json_set(json_set(body, "output_config", json_object()),
				 "format", json_object());
		json_set_string(format, "type", "json_schema");
		json_set(format, "schema", json_copy(r->schema));
	}
	add_system(body, r, shape);
	json_set(body, "messages", messages(r));
	return body;
}

static void headers(const char *key, struct strs *out)
{
	strs_add(out, "anthropic-version: 2023-06-01");
	if (key && *key)
		strs_printf(out, "x-api-key: %s", key);
}

/* ---- the answer ------------------------------------------------------- */

/* Three counts of what went in, none part of another; of what came out, so
 * far.  A later event has the newer figures. */
static void read_usage(struct gather *g, const struct json *u)
{
	long fresh = token_count(json_get(u, "input_tokens"), -1);
	const struct json *cached = json_get(u, "cache_read_input_tokens");
	const struct json *made = json_get(u, "cache_creation_input_tokens");

	if (fresh >= 0) {
		g->usage.cached = token_count(cached, g->usage.cached);
		g->cache_made = token_count(made, g->cache_made);
		g->usage.in = fresh + g->usage.cached + g->cache_made;
	}
	g->usage.out = token_count(json_get(u, "output_tokens"), g->usage.out);
}

static void read_finish(struct gather *g, const char *why)
{
	if (!why)
		return;
	if (!strcmp(why, "max_tokens") ||
	    !strcmp(why, "model_context_window_exceeded"))
		g->finish = LLM_LENGTH;
	else if (!strcmp(why, "tool_use"))
		g->finish = LLM_CALLS;
	else if (!strcmp(why, "refusal"))
		g->finish = LLM_REFUSED;
	else
		g->finish = LLM_STOP;
}

/* A block, or the start of one; thinking is left aside. */
static int read_block(struct gather *g, const struct json *b, long index,
		      bool whole)
{
	const char *type = json_as_string(json_get(b, "type"), "");
	struct fragment *f;

	if (!strcmp(type, "text"))
		gather_text(g, json_as_string(json_get(b, "text"), NULL));
	if (strcmp(type, "tool_use"))
		return 0;
	f = gather_call(g, index, json_as_string(json_get(b, "id"), NULL),
			json_as_string(json_get(b, "name"), NULL));
	if (!f)
		return -EBADMSG;
	/* At the start of a block it is {} and the deltas have it. */
	if (whole || json_len(json_get(b, "input")))
		gather_arguments(g, f, json_get(b, "input"));
	return 0;
}

static int answer(struct gather *g, const struct json *body)
{
	const struct json *content = json_get(body, "content");
	long index = 0;

	read_usage(g, json_get(body, "usage"));
	if (json_type(content) != JSON_ARRAY)
		return err_set(EBADMSG, "the answer has no content");
	gather_model(g, json_as_string(json_get(body, "model"), NULL));
	read_finish(g, json_as_string(json_get(body, "stop_reason"), NULL));
	json_each (b, content) {
		int rc = read_block(g, b, index++, true);

		if (rc)
			return rc;
	}
	g->complete = true;
	return 0;
}

static int read_delta(struct gather *g, const struct json *data)
{
	const struct json *d = json_get(data, "delta");
	const char *type = json_as_string(json_get(d, "type"), "");
	struct fragment *f;

	if (!strcmp(type, "text_delta"))
		gather_text(g, json_as_string(json_get(d, "text"), NULL));
	if (strcmp(type, "input_json_delta"))
		return 0;
	f = gather_call(g, token_count(json_get(data, "index"), 0), NULL, NULL);
	if (!f)
		return -EBADMSG;
	gather_arguments(g, f, json_get(d, "partial_json"));
	return 0;
}

static int event(struct gather *g, const struct json *data)
{
	const char *type = json_as_string(json_get(data, "type"), "");
	const struct json *m = json_get(data, "message");

	if (!strcmp(type, "message_start")) {
		gather_model(g, json_as_string(json_get(m, "model"), NULL));
		read_usage(g, json_get(m, "usage"));
	} else if (!strcmp(type, "content_block_start")) {
		return read_block(g, json_get(data, "content_block"),
				  token_count(json_get(data, "index"), 0),
				  false);
	} else if (!strcmp(type, "content_block_delta")) {
		return read_delta(g, data);
	} else if (!strcmp(type, "message_delta")) {
		read_usage(g, json_get(data, "usage"));
		read_finish(g,
			    json_as_string(json_path(data, "delta.stop_reason"),
					   NULL));
	} else if (!strcmp(type, "message_stop")) {
		g->complete = true;
	}
	return 0;
}

const struct dialect dialect_anthropic = {
	.name = "anthropic",
	.path = "/v1/messages",
	.models = "/v1/models",
	.version_in_path = true,
	.trim = true,
	.request = request,
	.headers = headers,
	.answer = answer,
	.event = event,
};
