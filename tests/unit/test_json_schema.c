/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "doc/json_schema.h"

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s: %s", text, err_text());
	return v;
}

static int check(const char *schema, const char *value)
{
	struct json *s = parse(schema), *v = parse(value);
	int rc = json_schema_load(s);

	if (rc)
		fail_msg("%s: %s", schema, err_text());
	rc = json_schema_check(s, v);
	json_free(s);
	json_free(v);
	return rc;
}

static void takes(const char *schema, const char *value)
{
	if (check(schema, value))
		fail_msg("%s against %s: %s", value, schema, err_text());
}

/* The message begins with the place and holds the words. */
static void refuses(const char *schema, const char *value, const char *message)
{
	assert_int_equal(check(schema, value), -EINVAL);
	assert_string_equal(err_text(), message);
}

static void test_types(void **state)
{
	(void)state;
	takes("{\"type\":\"integer\"}", "3");
	takes("{\"type\":\"integer\"}", "3.0");
	takes("{\"type\":\"number\"}", "3.5");
	takes("{\"type\":[\"string\",\"null\"]}", "null");
	takes("true", "3");
	takes("{}", "[1,{}]");
	refuses("{\"type\":\"integer\"}", "3.5",
		"$: is a number, not \"integer\"");
	refuses("{\"type\":[\"string\",\"null\"]}", "false",
		"$: is true or false, not [\"string\",\"null\"]");
	refuses("false", "1", "$: is not allowed");
}

static void test_objects(void **state)
{
	const char *s = "{\"type\":\"object\",\"required\":[\"a\"],"
			"\"properties\":{\"a\":{\"type\":\"array\",\"items\":"
			"{\"type\":\"object\",\"properties\":{\"b\":"
			"{\"minimum\":1}}}}},\"additionalProperties\":false}";

	(void)state;
	takes(s, "{\"a\":[{\"b\":1,\"c\":2}]}");
	refuses(s, "{}", "$: lacks 'a'");
	refuses(s, "{\"a\":[],\"x\":1}", "$.x: is not a key of the schema");
	refuses(s, "{\"a\":[{},{\"b\":0}]}", "$.a.1.b: 0 is less than 1");
	takes("{\"additionalProperties\":{\"type\":\"string\"}}",
	      "{\"x\":\"y\"}");
	refuses("{\"additionalProperties\":{\"type\":\"string\"}}", "{\"x\":1}",
		"$.x: is a number, not \"string\"");
}

static void test_values(void **state)
{
	(void)state;
	takes("{\"enum\":[1,\"a\",{\"x\":[1],\"y\":2}]}",
	      "{\"y\":2,\"x\":[1]}");
	refuses("{\"enum\":[1,\"a\"]}", "\"1\"", "$: is not one of [1,\"a\"]");
	takes("{\"const\":null}", "null");
	refuses("{\"const\":\"a\"}", "\"b\"", "$: has to be \"a\"");
	takes("{\"maximum\":2}", "2");
	refuses("{\"maximum\":2}", "2.5", "$: 2.5 is more than 2");
	/* of other types, limits say nothing */
	takes("{\"maximum\":2,\"minLength\":9}", "[]");
}

static void test_lengths(void **state)
{
	(void)state;
	/* characters, not bytes */
	takes("{\"maxLength\":2}", "\"\xc3\xa4\xf0\x9f\x98\x80\"");
	refuses("{\"maxLength\":1}", "\"\xc3\xa4o\"",
		"$: its length, 2 is more than 1");
	refuses("{\"minLength\":1}", "\"\"", "$: its length, 0 is less than 1");
	takes("{\"minItems\":1,\"maxItems\":2}", "[1,2]");
	refuses("{\"maxItems\":1}", "[1,2]",
		"$: its number of elements, 2 is more than 1");
}

static void test_alternatives(void **state)
{
	const char *s = "{\"oneOf\":[{\"properties\":{\"form\":{\"const\":\"a\""
			"},\"x\":{\"type\":\"integer\"}},\"required\":[\"form\""
			"]},{\"properties\":{\"form\":{\"const\":\"b\"}},"
			"\"required\":[\"form\"]}]}";

	(void)state;
	takes(s, "{\"form\":\"b\",\"x\":\"text\"}");
	refuses(s, "{\"form\":\"a\",\"x\":\"text\"}",
		"$.x: is a string, not \"integer\"");
	refuses(s, "{\"form\":\"c\"}", "$: is none of the alternatives");
	takes("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", "4");
	refuses("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", "2",
		"$: is none of the alternatives");
	refuses("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "3",
		"$: is more than one of the alternatives");
}

static void test_references(void **state)
{
	const char *tree = "{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{"
			   "\"type\":\"object\",\"properties\":{\"next\":{"
			   "\"$ref\":\"#/$defs/node\"}},"
			   "\"additionalProperties\":false}}}";

	(void)state;
	takes(tree, "{\"next\":{\"next\":{}}}");
	refuses(tree, "{\"next\":{\"next\":{\"x\":1}}}",
		"$.next.next.x: is not a key of the schema");
	/* one that says nothing but itself */
	assert_int_equal(check("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{"
			       "\"$ref\":\"#/$defs/a\"}}}",
			       "1"),
			 -E2BIG);
	assert_non_null(strstr(err_text(), "takes too long"));
}

static void load_fails(const char *schema, int rc, const char *message)
{
	struct json *s = parse(schema);

	assert_int_equal(json_schema_load(s), rc);
	assert_string_equal(err_text(), message);
	json_free(s);
}

static void test_loading(void **state)
{
	(void)state;
	load_fails("{\"properties\":{\"a\":{\"pattern\":\"x\"}}}", -ENOTSUP,
		   "$.properties.a: the schema's keyword 'pattern' is not "
		   "supported");
	load_fails("{\"$ref\":\"http://x/y\"}", -EINVAL,
		   "$.$ref: 'http://x/y' is not among this schema's $defs");
	load_fails("{\"type\":\"text\"}", -EINVAL, "$.type: no such type");
	load_fails("{\"items\":[1]}", -EINVAL,
		   "$.items: a schema has to be an object");
	load_fails("{\"minimum\":\"1\"}", -EINVAL,
		   "$.minimum: has to be a number");
	load_fails("{\"anyOf\":[]}", -EINVAL,
		   "$.anyOf: has to be an array of schemas");
}

/* An answer full of alternatives takes a bounded time. */
static void test_bounds(void **state)
{
	const char *s = "{\"$defs\":{\"n\":{\"anyOf\":[{\"type\":\"array\","
			"\"items\":{\"$ref\":\"#/$defs/n\"},\"minItems\":9},{"
			"\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/n\"},"
			"\"minItems\":8}]}},\"$ref\":\"#/$defs/n\"}";
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (int i = 0; i < 30; i++)
		buf_puts(&b, "[");
	buf_puts(&b, "1");
	for (int i = 0; i < 30; i++)
		buf_puts(&b, "]");
	assert_true(check(s, b.data) < 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_loading),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
