/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists, page by page. */
#include <stdlib.h>
#include <string.h>

#include "mcp/server_state.h"

#define PAGE 100

static const char *const keys[] = {
	[MCP_TOOLS] = "tools",
	[MCP_RESOURCES] = "resources",
	[MCP_TEMPLATES] = "resourceTemplates",
	[MCP_PROMPTS] = "prompts",
};

/* Where the page begins; false with an error sent.  Any string is a cursor, and
 * the empty one is where all begins. */
static bool begins(struct request *r, const char *key, size_t *at)
{
	const struct json *cursor = json_get(r->params, "cursor");
	struct json *v = NULL;
	const char *text;

	*at = 0;
	if (!cursor)
		return true;
	text = json_as_string(cursor, NULL);
	if (text && !*text)
		return true;
	if (text)
		v = seal_open(r->o.peer->server, key, text);
	if (!v) {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "params.cursor is none of this server's");
		return false;
	}
	*at = (size_t)json_as_number(json_get(v, "at"), 0);
	json_free(v);
	return true;
}

static void add_cursor(const struct request *r, const char *key, size_t at,
		       struct json *result)
{
	struct json *v = json_object();
	char *text;

	json_set_number(v, "at", (double)at);
	text = seal_make(r->o.peer->server, key, v);
	json_set_string(result, "nextCursor", text);
	free(text);
}

void lists_take(struct request *r, enum mcp_list what)
{
	const struct mcp_server *s = r->o.peer->server;
	struct json *list, *page, *result;
	size_t at, i = 0;

	if (!begins(r, keys[what], &at))
		return;
	list = server_list(s, what, &r->who);
	if (!list) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this server has no %s", keys[what]);
		return;
	}
	page = json_array();
	json_each (it, list) {
		if (i >= at && i < at + PAGE)
			json_add(page, shape_item(json_copy(it), what,
						  r->o.revision));
		i++;
	}
	json_free(list);
	result = json_object();
	json_set(result, keys[what], page);
	if (i > at + PAGE)
		add_cursor(r, keys[what], at + PAGE, result);
	if (r->o.revision == REVISION_2026_07_28)
		server_keep(s, NULL, result);
	origin_result(&r->o, result);
}
