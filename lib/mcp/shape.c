/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an older revision does not know is left out, or said with what it does
 * know.  Strict clients refuse the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/server_state.h"

static void leave_out(struct json *v, const char *const *names)
{
	for (; *names; names++)
		json_remove(v, *names);
}

/* ---- lists -------------------------------------------------------------- */

static void shape_arguments(struct json *prompt, enum revision r)
{
	const struct json *old = json_get(prompt, "arguments");
	struct json *args;

	if (r >= REVISION_2025_06_18 || json_type(old) != JSON_ARRAY)
		return;
	args = json_array();
	json_each (it, old) {
		struct json *a = json_add(args, json_copy(it));

		json_remove(a, "title");
	}
	json_set(prompt, "arguments", args);
}

struct json *shape_item(struct json *v, enum mcp_list what, enum revision r)
{
	static const char *const since_2025_06[] = {"title", "outputSchema",
						    "_meta", NULL};
	static const char *const since_2025_11[] = {"icons", "execution", NULL};

	if (r < REVISION_2025_06_18)
		leave_out(v, since_2025_06);
	if (r < REVISION_2025_11_25)
		leave_out(v, since_2025_11);
	if (r == REVISION_2026_07_28)
		json_remove(v, "execution");
	/* Where a result of any type was not thought of yet. */
	else if (strcmp(json_text_at(v, "outputSchema.type"), "object"))
		json_remove(v, "outputSchema");
	/* Resources have had annotations from the beginning. */
	if (what == MCP_TOOLS && r < REVISION_2025_03_26)
		json_remove(v, "annotations");
	if (what == MCP_PROMPTS)
		shape_arguments(v, r);
	return v;
}

/* ---- content ------------------------------------------------------------ */

static struct json *text_block(char *text)
{
	struct json *v = json_object();

	json_set_string(v, "type", "text");
	json_set_string(v, "text", text);
	free(text);
	return v;
}

static struct json *shape_block(const struct json *block, enum revision r)
{
	const char *type = json_text_at(block, "type");
	struct json *v;

	if (!strcmp(type, "audio") && r < REVISION_2025_03_26)
		return text_block(mem_printf("[audio: %s]",
					     json_text_at(block, "mimeType")));
	if (!strcmp(type, "resource_link") && r < REVISION_2025_06_18)
		return text_block(mem_printf("%s: %s",
					     json_text_at(block, "name"),
					     json_text_at(block, "uri")));
	v = json_copy(block);
	if (r < REVISION_2025_06_18)
		json_remove(v, "_meta");
	if (r < REVISION_2025_11_25)
		json_remove(v, "icons");
	return v;
}

static void shape_content(struct json *result, enum revision r)
{
	const struct json *old = json_get(result, "content");
	struct json *content;

	if (json_type(old) != JSON_ARRAY)
		return;
	content = json_array();
	json_each (it, old)
		json_add(content, shape_block(it, r));
	json_set(result, "content", content);
}

static void shape_messages(struct json *result, enum revision r)
{
	struct json *messages = json_array();

	json_each (it, json_get(result, "messages")) {
		struct json *m = json_add(messages, json_copy(it));

		json_set(m, "content", shape_block(json_get(it, "content"), r));
	}
	json_set(result, "messages", messages);
}

static void shape_contents(struct json *result, enum revision r)
{
	struct json *contents = json_array();

	json_each (it, json_get(result, "contents")) {
		struct json *c = json_add(contents, json_copy(it));

		if (r < REVISION_2025_06_18)
			json_remove(c, "_meta");
	}
	json_set(result, "contents", contents);
}

struct json *shape_result(struct json *v, enum mcp_kind kind, enum revision r)
{
	static const char *const since_2026[] = {"resultType", "ttlMs",
						 "cacheScope", NULL};

	if (r == REVISION_2026_07_28)
		return v;
	leave_out(v, since_2026);
	if (kind == MCP_TOOL) {
		if (r < REVISION_2025_06_18 ||
		    json_type(json_get(v, "structuredContent")) != JSON_OBJECT)
			json_remove(v, "structuredContent");
		shape_content(v, r);
	} else if (kind == MCP_PROMPT) {
		shape_messages(v, r);
	} else if (kind == MCP_RESOURCE) {
		shape_contents(v, r);
	}
	return v;
}
