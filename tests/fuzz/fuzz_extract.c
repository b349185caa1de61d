/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON in what a model says, held against a schema.  Whatever is found is
 * found again in its own text, bare and between words, and the schema says of
 * it the same each time.
 *
 * The first line is the schema if it is one, else a schema with all keywords
 * is taken; the rest is the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/json_schema.h"
#include "fuzz.h"
#include "llm/extract.h"

static const char all[] =
	"{\"type\":\"object\",\"$defs\":{\"tree\":{\"anyOf\":[{\"type\":"
	"\"null\"},{\"type\":\"object\",\"properties\":{\"l\":{\"$ref\":"
	"\"#/$defs/tree\"},\"r\":{\"$ref\":\"#/$defs/tree\"}},"
	"\"additionalProperties\":{\"enum\":[1,\"a\",null,[],{}]}}]}},"
	"\"properties\":{\"t\":{\"$ref\":\"#/$defs/tree\"},\"n\":{\"type\":["
	"\"integer\",\"null\"],\"minimum\":-3,\"maximum\":1e9},\"s\":{\"type\":"
	"\"string\",\"minLength\":1,\"maxLength\":9},\"a\":{\"type\":\"array\","
	"\"items\":{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"boolean\"},"
	"{\"const\":\"c\"}]},\"minItems\":1,\"maxItems\":5}},"
	"\"required\":[\"n\"]}";

static struct json *load(const char *s, size_t n)
{
	struct json *v = json_parse(s, n);

	if (json_type(v) == JSON_OBJECT && !json_schema_load(v))
		return v;
	json_free(v);
	return NULL;
}

/* The same value is in this text; takes the text. */
static void again(const struct json *schema, const char *canonical, int rc,
		  char *text)
{
	struct json *v = extract_json(text);
	char *second;

	expect(v != NULL);
	second = json_canonical(v);
	expect(!strcmp(canonical, second));
	expect(json_schema_check(schema, v) == rc);
	free(second);
	json_free(v);
	free(text);
}

static void judge(const struct json *schema, const struct json *v)
{
	int rc = json_schema_check(schema, v);
	char *text = json_canonical(v);

	again(schema, text, rc, mem_strdup(text));
	/* Only an object is looked for among words. */
	if (json_type(v) == JSON_OBJECT && !strstr(text, "```") &&
	    !strstr(text, "</think>")) {
		again(schema, text, rc, mem_printf("Here: %s.", text));
		again(schema, text, rc,
		      mem_printf("{no}\n```json\n%s\n```\n", text));
		again(schema, text, rc,
		      mem_printf("{\"n\":0}</think>\n%s", text));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this size and the NUL at its end. */
	char *text = mem_strndup((const char *)data, size), *answer = text;
	char *eol = strchr(text, '\n');
	struct json *schema = eol ? load(text, (size_t)(eol - text)) : NULL;
	struct json *v;

	if (schema)
		answer = eol + 1;
	else
		schema = load(all, strlen(all));
	expect(schema != NULL);
	v = extract_json(answer);
	if (v)
		judge(schema, v);
	json_free(v);
	json_free(schema);
	free(text);
	return 0;
}
