/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that the offer answers: what has to be right before it hears of
 * them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"
#include "mcp/server_state.h"

/* Hands the call over, with what was answered before. */
static void start(struct mcp_call *c, const struct json *params)
{
	if (!ask_resume(c, params))
		call_run(c);
}

static void tell_refused(const struct request *r, enum mcp_kind kind,
			 const char *name)
{
	const struct mcp_offer *offer = r->o.peer->server->offer;

	if (offer->refused)
		offer->refused(offer->arg, &r->who, kind, name);
}

/* An item of a list of the offer's, to be freed; NULL with an error sent. */
static struct json *find_item(struct request *r, enum mcp_list what,
			      const char *thing, const char *name)
{
	struct json *list = server_list(r->o.peer->server, what, &r->who);
	struct json *found = NULL;

	if (!list) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this server has no %ss", thing);
		return NULL;
	}
	json_each (it, list)
		if (!found && !strcmp(json_text_at(it, "name"), name))
			found = json_copy(it);
	json_free(list);
	if (found)
		return found;
	tell_refused(r, what == MCP_TOOLS ? MCP_TOOL : MCP_PROMPT, name);
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL, "unknown %s: %.200s",
		     thing, name);
	return NULL;
}

/* params.arguments, if it is an object or was not sent. */
static bool arguments_fit(struct request *r)
{
	const struct json *args = json_get(r->params, "arguments");

	if (!args || json_type(args) == JSON_OBJECT)
		return true;
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
		     "params.arguments has to be an object");
	return false;
}

static void lend_arguments(struct mcp_call *c, const struct json *params)
{
	c->arguments = json_get(params, "arguments");
	if (!c->arguments)
		c->arguments = c->made = json_object();
}

/* ---- tools -------------------------------------------------------------- */

/* The schema without what only says where a header comes from. */
static struct json *plain_schema(const struct json *schema)
{
	struct json *v;

	if (json_type(schema) == JSON_ARRAY) {
		v = json_array();
		json_each (it, schema)
			json_add(v, plain_schema(it));
		return v;
	}
	if (json_type(schema) != JSON_OBJECT)
		return json_copy(schema);
	v = json_object();
	json_each (it, schema)
		if (strcmp(json_key(it), "x-mcp-header"))
			json_set(v, json_key(it), plain_schema(it));
	return v;
}

/* 0; -EINVAL: they do not; else the schema is no good.  The message says it. */
static int check_arguments(const struct json *tool, const struct json *args)
{
	struct json *schema = plain_schema(json_get(tool, "inputSchema"));
	struct json *none = args ? NULL : json_object();
	int rc = json_schema_load(schema);

	if (rc)
		rc = -ENOTSUP;
	else
		rc = json_schema_check(schema, args ? args : none);
	json_free(schema);
	json_free(none);
	return rc == -E2BIG ? -EINVAL : rc;
}

/* What 2025-11-25 has a client say; since then the server decides. */
static bool wants_task(const struct request *r)
{
	return r->o.revision == REVISION_2025_11_25 &&
	       r->o.peer->server->offer->task && json_get(r->params, "task");
}

static void say_arguments(struct request *r, const char *name)
{
	char *text = mem_printf("The arguments of %.100s are not what its "
				"inputSchema says: %s.  Mend them and call "
				"again.",
				name, err_text());

	if (wants_task(r))
		tasks_ended(&r->o, mcp_result_error(text));
	else
		origin_result(&r->o, mcp_result_error(text));
	free(text);
}

/* Whether the tool goes with how it was called: as a task or not. */
static bool task_fits(struct request *r, const struct json *tool)
{
	const char *support = json_text_at(tool, "execution.taskSupport");
	bool modern = r->o.revision == REVISION_2026_07_28;
	bool sent = wants_task(r);

	if (!r->o.peer->server->offer->task)
		return true;
	if (!strcmp(support, "required") && modern && !r->who.tasks) {
		origin_error(&r->o, RPC_MISSING_CAPABILITY, tasks_required(),
			     "this tool runs as a task alone: declare the "
			     "extension " EXTENSION_TASKS);
		return false;
	}
	if (!strcmp(support, "required") && !modern && !sent) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this tool runs as a task alone: send params.task "
			     "(revision 2025-11-25)");
		return false;
	}
	if (sent && strcmp(support, "required") &&
	    strcmp(support, "optional")) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this tool never runs as a task: leave out "
			     "params.task");
		return false;
	}
	return true;
}

static void call_tool(struct request *r, const char *name,
		      const struct json *tool)
{
	const struct json *params = r->params;
	/* If who asks is to be told of one. */
	bool as_task = wants_task(r) ||
		       (r->who.tasks && r->o.peer->server->offer->task);
	struct mcp_call *c;
	int rc;

	rc = check_arguments(tool, json_get(params, "arguments"));
	if (rc == -EINVAL) {
		tell_refused(r, MCP_TOOL, name);
		say_arguments(r, name);
		return;
	}
	if (rc) {
		server_defect(r->o.peer->server, "inputSchema of %s: %s", name,
			      err_text());
		origin_error(&r->o, RPC_INTERNAL_ERROR, NULL,
			     "this tool's own inputSchema is no good");
		return;
	}
	c = call_new(r, CALL_OFFER);
	if (!c)
		return;
	c->kind = MCP_TOOL;
	c->name = name;
	c->output_schema = json_copy(json_get(tool, "outputSchema"));
	c->as_task = as_task;
	c->who.tasks = c->as_task;
	lend_arguments(c, params);
	start(c, params);
}

void call_take_tool(struct request *r)
{
	const char *name = request_string(r, "name");
	struct json *tool;

	if (!name || !arguments_fit(r))
		return;
	tool = find_item(r, MCP_TOOLS, "tool", name);
	if (!tool)
		return;
	if (task_fits(r, tool) && !headers_check_params(r, tool))
		call_tool(r, name, tool);
	json_free(tool);
}

/* ---- prompts, resources ------------------------------------------------- */

static bool prompt_fits(struct request *r, const struct json *prompt)
{
	const struct json *args = json_get(r->params, "arguments");

	json_each (it, args)
		if (json_type(it) != JSON_STRING) {
			origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
				     "the prompt's argument %.100s has to be a "
				     "string",
				     json_key(it));
			return false;
		}
	json_each (it, json_get(prompt, "arguments")) {
		const char *name = json_text_at(it, "name");

		if (!json_as_bool(json_get(it, "required"), false) ||
		    json_get(args, name))
			continue;
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "the prompt needs the argument %.100s", name);
		return false;
	}
	return true;
}

void call_take_prompt(struct request *r)
{
	const struct json *params = r->params;
	const char *name = request_string(r, "name");
	struct json *prompt;
	struct mcp_call *c;
	bool fits;

	if (!name || !arguments_fit(r))
		return;
	prompt = find_item(r, MCP_PROMPTS, "prompt", name);
	if (!prompt)
		return;
	fits = prompt_fits(r, prompt);
	json_free(prompt);
	c = fits ? call_new(r, CALL_OFFER) : NULL;
	if (!c)
		return;
	c->kind = MCP_PROMPT;
	c->name = name;
	lend_arguments(c, params);
	start(c, params);
}

void call_take_resource(struct request *r)
{
	const struct json *params = r->params;
	const char *uri = request_string(r, "uri");
	struct mcp_call *c;

	c = uri ? call_new(r, CALL_OFFER) : NULL;
	if (!c)
		return;
	c->kind = MCP_RESOURCE;
	c->name = uri;
	c->arguments = c->made = json_object();
	start(c, params);
}

/* ---- completion --------------------------------------------------------- */

/* The name of what is completed for; NULL: params is not whole. */
static const char *completed_for(const struct json *params)
{
	const struct json *ref = json_get(params, "ref");
	const char *type = json_text_at(ref, "type");

	if (!strcmp(type, "ref/prompt"))
		return json_as_string(json_get(ref, "name"), NULL);
	if (!strcmp(type, "ref/resource"))
		return json_as_string(json_get(ref, "uri"), NULL);
	return NULL;
}

void call_take_completion(struct request *r)
{
	const struct json *params = r->params;
	const char *name = completed_for(params);
	const struct json *arg = json_get(params, "argument");
	const struct json *context = json_path(params, "context.arguments");
	struct mcp_call *c;

	if (!r->o.peer->server->offer->completes) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this server completes nothing");
		return;
	}
	if (!name || json_type(json_get(arg, "name")) != JSON_STRING ||
	    json_type(json_get(arg, "value")) != JSON_STRING ||
	    (context && json_type(context) != JSON_OBJECT)) {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "params needs ref, of a prompt or a resource, and "
			     "argument with a name and a value");
		return;
	}
	c = call_new(r, CALL_OFFER);
	if (!c)
		return;
	c->kind = MCP_COMPLETION;
	c->name = name;
	c->argument = json_text_at(arg, "name");
	c->arguments = c->made = json_object();
	json_set(c->made, "value", json_copy(json_get(arg, "value")));
	json_set(c->made, "context",
		 context ? json_copy(context) : json_object());
	call_run(c);
}
