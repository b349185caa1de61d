/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in both dialects. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/reader.h"
#include "llm/transfer.h"

static struct json *parse(const char *text)
{
	struct json *v = text ? json_parse(text, strlen(text)) : NULL;

	if (text && !v)
		fail_msg("%s: %s", text, err_text());
	return v;
}

static const char talk[] =
	"[{\"role\":\"user\",\"text\":\"q\"},"
	"{\"role\":\"assistant\",\"text\":\"\",\"calls\":[{\"id\":\"c1\","
	"\"name\":\"look\",\"arguments\":{\"b\":1,\"a\":\"x\"}}]},"
	"{\"role\":\"tool\",\"results\":["
	"{\"id\":\"c1\",\"name\":\"look\",\"text\":\"r\",\"error\":false},"
	"{\"id\":\"c2\",\"name\":\"look\",\"text\":\"s\",\"error\":true}]}]";
static const char tool[] =
	"[{\"name\":\"look\",\"description\":\"d\",\"parameters\":"
	"{\"type\":\"object\"}}]";
/* Not in the order of the alphabet: the model writes in this one. */
static const char schema[] = "{\"type\":\"object\",\"properties\":{"
			     "\"why\":{\"type\":\"string\"},"
			     "\"code\":{\"type\":\"string\"}}}";

struct request {
	const struct dialect *d;
	enum llm_shape shape;
	const char *messages, *tools, *schema;
	long max_tokens;
	struct dialect_opts opts;
	const char *body;
};

static const struct request requests[] = {
	{&dialect_openai,
	 SHAPE_STRICT,
	 "[{\"role\":\"user\",\"text\":\"q\"}]",
	 NULL,
	 NULL,
	 0,
	 {.model = "m"},
	 "{\"model\":\"m\",\"messages\":["
	 "{\"role\":\"system\",\"content\":\"sys\"},"
	 "{\"role\":\"user\",\"content\":\"q\"}]}"},
	{&dialect_openai,
	 SHAPE_PLAIN,
	 talk,
	 tool,
	 NULL,
	 9,
	 {.model = "m", .stream = true},
	 "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,"
	 "\"stream_options\":{\"include_usage\":true},"
	 "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\","
	 "\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}],"
	 "\"messages\":[{\"role\":\"system\",\"content\":\"sys\"},"
	 "{\"role\":\"user\",\"content\":\"q\"},"
	 "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
	 "\"c1\",\"type\":\"function\",\"function\":{\"name\":\"look\","
	 "\"arguments\":\"{\\\"a\\\":\\\"x\\\",\\\"b\\\":1}\"}}]},"
	 "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r\"},"
	 "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":"
	 "\"error: s\"}]}"},
	{&dialect_openai,
	 SHAPE_STRICT,
	 "[]",
	 NULL,
	 schema,
	 9,
	 {.model = "m",
	  .stream = true,
	  .no_stream_options = true,
	  .completion_tokens = true},
	 "{\"model\":\"m\",\"max_completion_tokens\":9,\"stream\":true,"
	 "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	 "{\"name\":\"answer\",\"strict\":true,\"schema\":{\"type\":"
	 "\"object\",\"properties\":{\"why\":{\"type\":\"string\"},\"code\":"
	 "{\"type\":\"string\"}}}}},"
	 "\"messages\":[{\"role\":\"system\",\"content\":\"sys\"}]}"},
	{&dialect_openai,
	 SHAPE_CALL,
	 "[]",
	 NULL,
	 "{\"type\":\"object\"}",
	 0,
	 {.model = "m"},
	 "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
	 "{\"name\":\"answer\",\"description\":"
	 "\"Gives the answer; call it once.\","
	 "\"parameters\":{\"type\":\"object\"}}}],"
	 "\"tool_choice\":\"required\","
	 "\"messages\":[{\"role\":\"system\",\"content\":\"sys\"}]}"},
	{&dialect_anthropic,
	 SHAPE_PLAIN,
	 talk,
	 tool,
	 NULL,
	 0,
	 {.model = "m", .stream = true},
	 "{\"model\":\"m\",\"max_tokens\":4096,\"stream\":true,"
	 "\"tools\":[{\"name\":\"look\",\"description\":\"d\","
	 "\"input_schema\":{\"type\":\"object\"}}],"
	 "\"system\":[{\"type\":\"text\",\"text\":\"sys\",\"cache_control\":"
	 "{\"type\":\"ephemeral\"}}],"
	 "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
	 "\"text\":\"q\"}]},"
	 "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
	 "\"c1\",\"name\":\"look\",\"input\":{\"b\":1,\"a\":\"x\"}}]},"
	 "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
	 "\"tool_use_id\":\"c1\",\"content\":\"r\"},{\"type\":\"tool_result\","
	 "\"tool_use_id\":\"c2\",\"content\":\"s\",\"is_error\":true}]}]}"},
	{&dialect_anthropic,
	 SHAPE_STRICT,
	 "[]",
	 NULL,
	 "{\"type\":\"object\"}",
	 7,
	 {.model = "m"},
	 "{\"model\":\"m\",\"max_tokens\":7,\"output_config\":{\"format\":"
	 "{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}},"
	 "\"system\":[{\"type\":\"text\",\"text\":\"sys\",\"cache_control\":"
	 "{\"type\":\"ephemeral\"}}],\"messages\":[]}"},
	{&dialect_anthropic,
	 SHAPE_CALL,
	 "[]",
	 NULL,
	 "{\"type\":\"object\"}",
	 7,
	 {.model = "m"},
	 "{\"model\":\"m\",\"max_tokens\":7,\"tools\":[{\"name\":\"answer\","
	 "\"description\":\"Gives the answer; call it once.\","
	 "\"input_schema\":{\"type\":\"object\"}}],"
	 "\"tool_choice\":{\"type\":\"tool\",\"name\":\"answer\"},"
	 "\"system\":[{\"type\":\"text\",\"text\":\"sys\",\"cache_control\":"
	 "{\"type\":\"ephemeral\"}}],\"messages\":[]}"},
	{&dialect_anthropic,
	 SHAPE_JSON,
	 "[]",
	 NULL,
	 "{\"type\":\"object\"}",
	 7,
	 {.model = "m"},
	 NULL},
};

static struct json *write_request(const struct request *q, enum llm_shape shape)
{
	struct json *messages = parse(q->messages), *tools = parse(q->tools);
	struct json *answer = parse(q->schema);
	struct llm_request r = {
		.system = "sys",
		.messages = messages,
		.tools = tools,
		.schema = answer,
		.max_tokens = q->max_tokens,
	};
	/* cppcheck-suppress returnDanglingLifetime ; it copies what it takes */
	struct json *body = q->d->request(&r, shape, &q->opts);

	json_free(messages);
	json_free(tools);
	json_free(answer);
	/* cppcheck-suppress returnDanglingLifetime */
	return body;
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct json *body =
			write_request(&requests[i], requests[i].shape);
		struct json *want = parse(requests[i].body);
		/* In their order: a prefix has to stay one. */
		char *got = body ? json_ordered(body) : mem_strdup("");
		char *text = want ? json_ordered(want) : mem_strdup("");

		if (strcmp(got, text))
			fail_msg("request %zu: %s", i, got);
		free(got);
		free(text);
		json_free(body);
		json_free(want);
	}
}

/* Where the schema goes, and the words about it. */
static void test_schema_in_words(void **state)
{
	struct request q = {&dialect_openai, SHAPE_JSON, "[]",		 NULL,
			    schema,	     0,		 {.model = "m"}, NULL};
	struct json *json = write_request(&q, SHAPE_JSON);
	struct json *plain = write_request(&q, SHAPE_PLAIN);
	const char *said =
		json_as_string(json_path(json, "messages.0.content"), "");

	(void)state;
	assert_string_equal(
		json_as_string(json_path(json, "response_format.type"), ""),
		"json_object");
	assert_null(json_get(plain, "response_format"));
	assert_ptr_equal(strstr(said, "sys\n"), said);
	assert_non_null(strstr(said, "JSON"));
	assert_true(strstr(said, "\"why\"") < strstr(said, "\"code\""));
	assert_string_equal(
		said,
		json_as_string(json_path(plain, "messages.0.content"), ""));
	json_free(json);
	json_free(plain);
	q.schema = NULL;
	plain = write_request(&q, SHAPE_JSON);
	assert_null(json_get(plain, "response_format"));
	assert_string_equal(
		json_as_string(json_path(plain, "messages.0.content"), ""),
		"sys");
	json_free(plain);
}

/* Own tools beside the answer's: any of them may be called. */
static void test_answer_beside_tools(void **state)
{
	struct request q = {
		&dialect_anthropic, SHAPE_CALL, "[]", tool, schema, 0,
		{.model = "m"},	    NULL};
	struct json *body = write_request(&q, SHAPE_CALL);

	(void)state;
	assert_string_equal(
		json_as_string(json_path(body, "tool_choice.type"), ""), "any");
	assert_string_equal(json_as_string(json_path(body, "tools.0.name"), ""),
			    "look");
	assert_string_equal(json_as_string(json_path(body, "tools.1.name"), ""),
			    "answer");
	json_free(body);
}

static void test_headers(void **state)
{
	struct strs h = {0};

	(void)state;
	dialect_openai.headers("k", &h);
	dialect_openai.headers(NULL, &h);
	assert_int_equal(h.len, 1);
	assert_string_equal(h.v[0], "Authorization: Bearer k");
	strs_release(&h);
	dialect_anthropic.headers("k", &h);
	assert_int_equal(h.len, 2);
	assert_string_equal(header_get(&h, "x-api-key"), "k");
	assert_string_equal(header_get(&h, "anthropic-version"), "2023-06-01");
	strs_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_schema_in_words),
		cmocka_unit_test(test_answer_beside_tools),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
