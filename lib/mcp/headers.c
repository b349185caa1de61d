/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What HTTP's headers say again of a request: whoever routes by them has to see
 * what we see.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "mcp/server_state.h"

static int mismatch(struct request *r, const char *header, const char *what)
{
	origin_error(&r->o, RPC_HEADER_MISMATCH, NULL, "header %s %s", header,
		     what);
	return -EBADMSG;
}

static int same(struct request *r, const char *header, const char *said,
		const char *body)
{
	if (!said)
		return mismatch(r, header, "was not sent");
	if (strcmp(said, body))
		return mismatch(r, header, "is not what the body says");
	return 0;
}

/* The member of params that Mcp-Name says again; NULL: of no such method. */
static const char *named_by(const char *method)
{
	static const char *const by[][2] = {
		{"tools/call", "name"},	    {"prompts/get", "name"},
		{"resources/read", "uri"},  {"tasks/get", "taskId"},
		{"tasks/update", "taskId"}, {"tasks/cancel", "taskId"},
	};

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
		if (!strcmp(by[i][0], method))
			return by[i][1];
	return NULL;
}

int headers_check(struct request *r)
{
	const char *key = named_by(r->method);
	const struct json *name = key ? json_get(r->params, key) : NULL;
	const struct json *revision = json_get(r->meta, META_REVISION);
	int rc;

	if (!r->h)
		return 0;
	rc = same(r, "MCP-Protocol-Version", r->h->revision,
		  json_as_string(revision, ""));
	if (!rc)
		rc = same(r, "Mcp-Method", r->h->method, r->method);
	/* One that is no string is refused for that. */
	if (!rc && json_type(name) == JSON_STRING)
		rc = same(r, "Mcp-Name", r->h->name, json_as_string(name, ""));
	return rc;
}

/* ---- a tool's parameters ------------------------------------------------ */

/* As JSON has it, so that 42.0 is 42 in every locale. */
static bool is_number(const char *text, double x)
{
	struct json *v = json_parse(text, strlen(text));
	bool same_number =
		json_type(v) == JSON_NUMBER && json_as_number(v, 0) == x;

	json_free(v);
	return same_number;
}

static bool says(const struct json *v, const char *text)
{
	switch (json_type(v)) {
	case JSON_STRING:
		return !strcmp(json_as_string(v, ""), text);
	case JSON_BOOL:
		return !strcmp(json_as_bool(v, false) ? "true" : "false", text);
	case JSON_NUMBER:
		return is_number(text, json_as_number(v, 0));
	default:
		return false;
	}
}

/* json_get() with the key in lower case. */
static const char *param(const struct mcp_headers *h, const char *name)
{
	char key[256];
	size_t n = strlen(name);

	if (n >= sizeof(key))
		return NULL;
	for (size_t i = 0; i <= n; i++)
		key[i] = (char)tolower((unsigned char)name[i]);
	return json_as_string(json_get(h->params, key), NULL);
}

static int check_param(struct request *r, const char *name,
		       const struct json *v)
{
	const char *said;

	if (!v || json_type(v) == JSON_NULL)
		return 0;
	said = param(r->h, name);
	if (said && says(v, said))
		return 0;
	origin_error(&r->o, RPC_HEADER_MISMATCH, NULL,
		     said ? "header Mcp-Param-%.100s is not what the body says"
			  : "header Mcp-Param-%.100s was not sent",
		     name);
	return -EBADMSG;
}

static int check_params(struct request *r, const struct json *schema,
			const struct json *args)
{
	json_each (it, json_get(schema, "properties")) {
		const char *name =
			json_as_string(json_get(it, "x-mcp-header"), NULL);
		const struct json *v = json_get(args, json_key(it));
		int rc = name ? check_param(r, name, v) : 0;

		if (!rc)
			rc = check_params(r, it, v);
		if (rc)
			return rc;
	}
	return 0;
}

int headers_check_params(struct request *r, const struct json *tool)
{
	if (!r->h || r->o.revision != REVISION_2026_07_28)
		return 0;
	return check_params(r, json_get(tool, "inputSchema"),
			    json_get(r->params, "arguments"));
}
