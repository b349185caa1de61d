/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CallToolResult, for who answers. */
#include <stdlib.h>

#include "mcp/offer.h"

static struct json *with_text(const char *text)
{
	struct json *v = json_object(), *content = json_array();
	struct json *block = json_object();

	json_set_string(block, "type", "text");
	json_set_string(block, "text", text);
	json_add(content, block);
	json_set(v, "content", content);
	return v;
}

struct json *mcp_result_error(const char *text)
{
	struct json *v = with_text(text);

	json_set_bool(v, "isError", true);
	return v;
}

struct json *mcp_result(struct json *structured, const char *text)
{
	char *own = text || !structured ? NULL : json_canonical(structured);
	struct json *v = with_text(text ? text : own ? own : "");

	free(own);
	json_set(v, "structuredContent", structured);
	return v;
}
