/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chat completions, as OpenAI, vLLM, llama.cpp, Ollama and others speak it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/dialect.h"

/* ---- the request ------------------------------------------------------ */

static struct json *add_message(struct json *to, const char *role)
{
	struct json *m = json_add(to, json_object());

	json_set_string(m, "role", role);
	return m;
}

static void add_calls(struct json *message, const struct json *calls)
{
	struct json *list;

	if (!json_len(calls))
		return;
	list = json_set(message, "tool_calls", json_array());
	json_each (c, calls) {
		struct json *call = json_add(list, json_object()), *f;
		const struct json *a = json_get(c, "arguments");
		char *text = a ? json_canonical(a) : mem_strdup("{}");

		json_set_string(call, "id",
				json_as_string(json_get(c, "id"), ""));
		json_set_string(call, "type", "function");
		f = json_set(call, "function", json_object());
		json_set_string(f, "name",
				json_as_string(json_get(c, "name"), ""));
		json_set_string(f, "arguments", text);
		free(text);
	}
}

static void add_results(struct json *to, const struct json *results)
{
	json_each (r, results) {
		struct json *m = add_message(to, "tool");
		const char *text = json_as_string(json_get(r, "text"), "");
		/* This dialect has no other place for it. */
		bool error = json_as_bool(json_get(r, "error"), false);
		char *said = mem_printf("%s%s", error ? "error: " : "", text);

		json_set_string(m, "tool_call_id",
				json_as_string(json_get(r, "id"), ""));
		json_set_string(m, "content", said);
		free(said);
	}
}

static struct json *messages(const struct llm_request *r, enum llm_shape shape)
{
	char *system = shape_system(r, shape);
	struct json *to = json_array();

	if (system)
		json_set_string(add_message(to, "system"), "content", system);
	free(system);
	json_each (m, r->messages) {
		const char *role = json_as_string(json_get(m, "role"), "user");
		struct json *out;

		if (!strcmp(role, "tool")) {
			add_results(to, json_get(m, "results"));
			continue;
		}
		out = add_message(to, role);
		json_set_string(out, "content",
				json_as_string(json_get(m, "text"), ""));
		add_calls(out, json_get(m, "calls"));
	}
	return to;
}

static void add_tool(struct json *to, const char *name, const char *description,
		     const struct json *parameters)
{
	struct json *t = json_add(to, json_object()), *f;

	json_set_string(t, "type", "function");
	f = json_set(t, "function", json_object());
	json_set_string(f, "name", name);
	json_set_string(f, "description", description);
	json_set(f, "parameters",
		 parameters ? json_copy(parameters) : json_object());
}

static void add_tools(struct json *body, const struct llm_request *r,
		      bool answer)
{
	struct json *to;

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
	/* Not by its name: llama.cpp takes that for "auto". */
	json_set_string(body, "tool_choice", "required");
}

static void add_format(struct json *body, const struct llm_request *r,
		       enum llm_shape shape)
{
	struct json *format, *schema;

	if (shape != SHAPE_STRICT && shape != SHAPE_JSON)
		return;
	format = json_set(body, "response_format", json_object());
	if (shape == SHAPE_JSON) {
		json_set_string(format, "type", "json_object");
		return;
	}
	json_set_string(format, "type", "json_schema");
	schema = json_set(format, "json_schema", json_object());
	json_set_string(schema, "name", ANSWER_TOOL);
	json_set_bool(schema, "strict", true);
	json_set(schema, "schema", json_copy(r->schema));
}

static struct json *request(const struct llm_request *r, enum llm_shape shape,
			    const struct dialect_opts *o)
{
	struct json *body = json_object();

	if (!r->schema)
		shape = SHAPE_PLAIN;
	json_set_string(body, "model", o->model);
	if (r->max_tokens > 0)
		json_set_number(body,
				o->completion_tokens ? "max_completion_tokens"
						     : "max_tokens",
				(double)r->max_tokens);
	if (o->stream) {
		json_set_bool(body, "stream", true);
		if (!o->no_stream_options)
			json_set_bool(
				json_set(body, "stream_options", json_object()),
				"include_usage", true);
	}
	add_tools(body, r, shape == SHAPE_CALL);
	if (!o->slice)
		add_format(body, r, shape);
	/* vLLM's words for it, which llama.cpp knows as well. */
	if (o->resume) {
		json_set_bool(body, "add_generation_prompt", false);
		json_set_bool(body, "continue_final_message", true);
	}
	if (o->slot) {
		json_set_number(body, "id_slot", (double)(o->slot - 1));
		json_set_bool(body, "cache_prompt", true);
	}
	json_set(body, "messages", messages(r, shape));
	return body;
}

static void headers(const char *key, struct strs *out)
{
	if (key && *key)
		strs_printf(out, "Authorization: Bearer %s", key);
}

/* ---- the answer ------------------------------------------------------- */

static void read_usage(struct gather *g, const struct json *u)
{
	const struct json *cached =
		json_path(u, "prompt_tokens_details.cached_tokens");

	if (json_type(u) != JSON_OBJECT)
		return;
	/* DeepSeek's name for it. */
	if (!cached)
		cached = json_get(u, "prompt_cache_hit_tokens");
	g->usage.in = token_count(json_get(u, "prompt_tokens"), g->usage.in);
	g->usage.out =
		token_count(json_get(u, "completion_tokens"), g->usage.out);
	g->usage.cached = token_count(cached, g->usage.cached);
	if (g->usage.cached > g->usage.in)
		g->usage.cached = g->usage.in;
}

static void read_finish(struct gather *g, const char *why)
{
	if (!why)
		return;
	if (!strcmp(why, "length"))
		g->finish = LLM_LENGTH;
	else if (!strcmp(why, "tool_calls") || !strcmp(why, "function_call"))
		g->finish = LLM_CALLS;
	else if (!strcmp(why, "content_filter"))
		g->finish = LLM_REFUSED;
	else
		g->finish = LLM_STOP;
}

static void read_content(struct gather *g, const struct json *v)
{
	gather_text(g, json_as_string(v, NULL));
	if (json_type(v) == JSON_ARRAY)
		json_each (part, v)
			gather_text(g, json_as_string(json_get(part, "text"),
						      NULL));
}

/* whole: each element is a call of its own, whatever its index says. */
static int read_calls(struct gather *g, const struct json *calls, bool whole)
{
	long n = 0;

	json_each (c, calls) {
		const struct json *f = json_get(c, "function");
		long index = token_count(json_get(c, "index"), 0);
		struct fragment *at =
			gather_call(g, whole ? n++ : index,
				    json_as_string(json_get(c, "id"), NULL),
				    json_as_string(json_get(f, "name"), NULL));

		if (!at)
			return -EBADMSG;
		gather_arguments(g, at, json_get(f, "arguments"));
	}
	return 0;
}

/* m: a message, or the delta of one.  Reasoning is left aside. */
static int read_message(struct gather *g, const struct json *m, bool whole)
{
	const char *refusal = json_as_string(json_get(m, "refusal"), NULL);

	read_content(g, json_get(m, "content"));
	if (refusal)
		buf_puts(&g->refusal, refusal);
	return read_calls(g, json_get(m, "tool_calls"), whole);
}

/* Of several choices, the first; nobody asked for more. */
static int read_choice(struct gather *g, const struct json *v, const char *key)
{
	const struct json *choices = json_get(v, "choices");
	const struct json *c = NULL;

	gather_model(g, json_as_string(json_get(v, "model"), NULL));
	read_usage(g, json_get(v, "usage"));
	json_each (it, choices)
		if (!c && !token_count(json_get(it, "index"), 0))
			c = it;
	if (!c)
		return 0;
	read_finish(g, json_as_string(json_get(c, "finish_reason"), NULL));
	return read_message(g, json_get(c, key), key[0] == 'm');
}

static int answer(struct gather *g, const struct json *body)
{
	const struct json *first = json_path(body, "choices.0.message");

	g->complete = json_type(first) == JSON_OBJECT;
	if (!g->complete) {
		/* It may have been billed all the same. */
		read_usage(g, json_get(body, "usage"));
		return err_set(EBADMSG, "the answer has no choices");
	}
	return read_choice(g, body, "message");
}

static int event(struct gather *g, const struct json *data)
{
	return read_choice(g, data, "delta");
}

const struct dialect dialect_openai = {
	.name = "openai",
	.path = "/chat/completions",
	.models = "/models",
	.request = request,
	.headers = headers,
	.answer = answer,
	.event = event,
	.end = "[DONE]",
};
