/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/tools.h"

#include <stdlib.h>
#include <string.h>

#include "agents/steward/order.h"
#include "base/mem.h"

const struct steward_tool *steward_tool_find(const char *name)
{
	for (const struct steward_tool *t = steward_tools; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

/* ---- inputSchema -------------------------------------------------------- */

static struct json *of_type(const char *type)
{
	struct json *v = json_object();

	json_set_string(v, "type", type);
	return v;
}

static struct json *text_of(double min, double max)
{
	struct json *v = of_type("string");

	json_set_number(v, "minLength", min);
	json_set_number(v, "maxLength", max);
	return v;
}

static struct json *list_of(struct json *item, double min, double max)
{
	struct json *v = of_type("array");

	json_set(v, "items", item);
	json_set_number(v, "minItems", min);
	json_set_number(v, "maxItems", max);
	return v;
}

static struct json *one_of_words(const char *words)
{
	struct json *v = of_type("string"), *list;
	char *copy = mem_strdup(words), *save = NULL;

	list = json_set(v, "enum", json_array());
	for (char *w = strtok_r(copy, "|", &save); w;
	     w = strtok_r(NULL, "|", &save))
		json_add(list, json_string(w));
	free(copy);
	return v;
}

static struct json *number_of(const struct steward_arg *a, const char *type)
{
	struct json *v = of_type(type);

	json_set_number(v, "minimum", a->min);
	json_set_number(v, "maximum", a->max);
	return v;
}

static struct json *params(void)
{
	struct json *v = of_type("object"), *value, *any;

	value = json_set(v, "additionalProperties", json_object());
	any = json_set(value, "type", json_array());
	json_add(any, json_string("number"));
	json_add(any, json_string("string"));
	json_add(any, json_string("boolean"));
	return v;
}

static struct json *schema_of(const struct steward_arg *a)
{
	switch (a->kind) {
	case STEWARD_ARG_ID:
		return text_of(4, 64);
	case STEWARD_ARG_FULL_ID:
		return text_of(64, 64);
	case STEWARD_ARG_IDS:
		return list_of(text_of(4, 64), a->min, a->max);
	case STEWARD_ARG_LONG:
		return number_of(a, "integer");
	case STEWARD_ARG_NUMBER:
		return number_of(a, "number");
	case STEWARD_ARG_BOOL:
		return of_type("boolean");
	case STEWARD_ARG_WORD:
		return one_of_words(a->words);
	case STEWARD_ARG_WORDS:
		return list_of(one_of_words(a->words), 1, 16);
	case STEWARD_ARG_NAME:
	case STEWARD_ARG_STRICT:
	case STEWARD_ARG_QUERY:
		return text_of(1, 200);
	case STEWARD_ARG_METRICS:
		return list_of(text_of(1, 200), 1, 8);
	case STEWARD_ARG_PARAMS:
		return params();
	case STEWARD_ARG_FILE:
		return text_of(2, 1024);
	case STEWARD_ARG_TEXT:
		return text_of(1, 2000);
	case STEWARD_ARG_COMMAND:
		return list_of(text_of(0, 2000), 1, STEWARD_MAX_WORDS);
	case STEWARD_ARG_END:
		break;
	}
	return NULL;
}

struct json *steward_tool_input(const struct steward_tool *t)
{
	struct json *v = of_type("object"), *all, *required = NULL;

	all = json_set(v, "properties", json_object());
	for (const struct steward_arg *a = t->args; a->kind; a++) {
		struct json *s = json_set(all, a->name, schema_of(a));

		json_set_string(s, "description", a->text);
		if (!a->required)
			continue;
		if (!required)
			required = json_set(v, "required", json_array());
		json_add(required, json_string(a->name));
	}
	json_set_bool(v, "additionalProperties", false);
	return v;
}

/* ---- outputSchema ------------------------------------------------------- */

static const char output[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"outcome\":{\"type\":\"string\",\"enum\":[\"done\",\"no\",\"running\","
	"\"failed\",\"later\",\"cancelled\",\"asks\"],\"description\":"
	"\"no: it worked, and the answer is no\"},"
	"\"job\":{\"type\":\"string\",\"description\":"
	"\"handle of the run, for the tool job\"},"
	"\"tool\":{\"type\":\"string\"},"
	"\"exit_status\":{\"type\":\"integer\"},"
	"\"seconds\":{\"type\":\"number\"},"
	"\"documents\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"properties\":{\"id\":{\"type\":\"string\"},"
	"\"kind\":{\"type\":\"string\"},\"time\":{\"type\":\"string\"},"
	"\"summary\":{\"type\":\"string\"},"
	"\"parent\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
	"\"body\":{\"type\":\"object\"},\"cut\":{\"type\":\"boolean\","
	"\"description\":\"the body is an extract; its resource has all\"}},"
	"\"required\":[\"id\",\"kind\",\"body\"]}},"
	"\"more\":{\"type\":\"integer\",\"description\":"
	"\"documents that are not listed here\"},"
	"\"values\":{\"type\":\"array\",\"items\":{}},"
	"\"output\":{\"type\":\"string\"},"
	"\"words\":{\"type\":\"string\",\"description\":"
	"\"what the program said about it\"},"
	"\"jobs\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
	"\"next\":{\"type\":\"string\"}},"
	"\"required\":[\"outcome\"]}";

struct json *steward_tool_output(void)
{
	return json_parse(output, sizeof(output) - 1);
}

/* ---- Tool --------------------------------------------------------------- */

static struct json *tool_json(const struct steward_tool *t)
{
	struct json *v = json_object(), *notes;
	bool writes = t->flags & STEWARD_DESTRUCTIVE;

	json_set_string(v, "name", t->name);
	json_set_string(v, "title", t->title);
	json_set_string(v, "description", t->text);
	json_set(v, "inputSchema", steward_tool_input(t));
	json_set(v, "outputSchema", steward_tool_output());
	notes = json_set(v, "annotations", json_object());
	json_set_string(notes, "title", t->title);
	json_set_bool(notes, "readOnlyHint",
		      !writes && !(t->flags & STEWARD_KEEP));
	json_set_bool(notes, "destructiveHint", writes);
	json_set_bool(notes, "idempotentHint", t->flags & STEWARD_IDEMPOTENT);
	json_set_bool(notes, "openWorldHint", t->flags & STEWARD_OPEN_WORLD);
	if (t->flags & STEWARD_LONG)
		json_set_string(json_set(v, "execution", json_object()),
				"taskSupport", "optional");
	return v;
}

struct json *steward_tool_list(enum steward_class highest)
{
	struct json *list = json_array();

	for (const struct steward_tool *t = steward_tools; t->name; t++)
		if (t->class <= highest)
			json_add(list, tool_json(t));
	return list;
}
