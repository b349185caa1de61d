/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer as it is put together, from whatever pieces come. */
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
#include "llm/dialect.h"
#include "llm/provider.h"
#include "llm/sse.h"

static struct json *parse(const char *text)
{
	struct json *v = text ? json_parse(text, strlen(text)) : NULL;

	if (text && !v)
		fail_msg("%s: %s", text, err_text());
	return v;
}

static void begin(struct gather *g)
{
	gather_init(g, 1 << 20);
}

/* ---- words of outsiders -------------------------------------------------- */

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *line;
	} is[] = {
		{"plain", 10, "plain"},
		{"plain", 5, "plai"},
		{"plain", 1, ""},
		{"a\tb\nc\x7f"
		 "d\x1b[",
		 20, "a b c d ["},
		/* Never within a character. */
		{"a\xc3\xa9z", 3, "a"},
		{"a\xc3\xa9z", 4, "a\xc3\xa9"},
		{"\xe2\x82\xac", 3, ""},
		/* Terminals obey U+0080 to U+009F, too. */
		{"\xc2\x80.\xc2\x9f", 20, "  .  "},
		{"\xc2\xa0\xc3\x85", 20, "\xc2\xa0\xc3\x85"},
		{"", 20, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char out[32];

		plain_line(out, is[i].size, is[i].text);
		assert_string_equal(out, is[i].line);
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		bool set;
		long code;
		const char *type, *kind, *message;
	} is[] = {
		{"{}", false, 0, "", "", ""},
		{"[]", false, 0, "", "", ""},
		{"{\"error\":null}", false, 0, "", "", ""},
		{"{\"error\":[]}", false, 0, "", "", ""},
		{"{\"error\":\"no\\nroom\"}", true, 0, "", "", "no room"},
		{"{\"error\":{}}", true, 0, "", "", ""},
		{"{\"error\":{\"code\":429,\"type\":\"t\",\"message\":\"m\"}}",
		 true, 429, "t", "", "m"},
		{"{\"error\":{\"code\":\"busy\",\"type\":7,\"message\":[]}}",
		 true, 0, "", "busy", ""},
		{"{\"error\":{\"code\":-3}}", true, 0, "", "", ""},
		{"{\"object\":\"error\",\"message\":\"m\",\"code\":1}", true, 1,
		 "", "", "m"},
		{"{\"object\":\"list\",\"message\":\"m\"}", false, 0, "", "",
		 ""},
		{"{\"detail\":[{\"msg\":\"m\"}]}", true, 0, "", "",
		 "[{\"msg\":\"m\"}]"},
		/* Beside other things it is one of them. */
		{"{\"detail\":\"m\",\"choices\":[]}", false, 0, "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *v = parse(is[i].text);
		struct api_error e;

		api_error_read(v, &e);
		if (e.set != is[i].set || e.code != is[i].code)
			fail_msg("%s: %d %ld", is[i].text, e.set, e.code);
		assert_string_equal(e.type, is[i].type);
		assert_string_equal(e.kind, is[i].kind);
		assert_string_equal(e.message, is[i].message);
		json_free(v);
	}
}

static void test_counts(void **state)
{
	static const struct {
		const char *text;
		long count;
	} is[] = {{"7", 7},	 {"0", 0},     {"7.9", 7},
		  {"-1", -5},	 {"1e12", -5}, {"999999999999", 999999999999},
		  {"\"7\"", -5}, {"null", -5}};

	(void)state;
	assert_int_equal(token_count(NULL, -5), -5);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *v = parse(is[i].text);

		assert_int_equal(token_count(v, -5), is[i].count);
		json_free(v);
	}
}

/* ---- calls --------------------------------------------------------------- */

/* Some count wrong, or not at all: by id and name a new one is known. */
static void test_fragments(void **state)
{
	static const struct {
		long index;
		const char *id, *name;
		size_t which; /* of the calls, from 0 */
	} is[] = {
		{0, "a", "look", 0}, {0, NULL, NULL, 0},    {0, "", "", 0},
		{0, "a", "look", 0}, {1, "b", "look", 1},   {0, NULL, NULL, 0},
		{0, "c", NULL, 0},   {0, NULL, "other", 0}, {0, "d", "look", 2},
		{0, NULL, NULL, 2},  {1, NULL, NULL, 1},    {9, NULL, NULL, 3},
		{9, "e", "late", 3}, {9, "f", "late", 4},
	};
	struct gather g;

	(void)state;
	begin(&g);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct fragment *f =
			gather_call(&g, is[i].index, is[i].id, is[i].name);

		if (f != &g.calls[is[i].which])
			fail_msg("row %zu: %zu", i, (size_t)(f - g.calls));
	}
	assert_string_equal(g.calls[0].id, "a");
	assert_string_equal(g.calls[3].name, "late");
	while (g.call_count < 128)
		assert_non_null(
			gather_call(&g, (long)g.call_count + 100, NULL, NULL));
	assert_null(gather_call(&g, 1000, NULL, NULL));
	assert_non_null(strstr(err_text(), "128"));
	/* Those that are known go on. */
	assert_non_null(gather_call(&g, 0, NULL, NULL));
	gather_release(&g);
}

static void test_arguments(void **state)
{
	static const struct {
		const char *value, *arguments;
		long pieces;
	} is[] = {
		{"\"{\\\"a\\\"\"", "{\"a\"", 1}, {"\"\"", "{\"a\"", 1},
		{"\":1}\"", "{\"a\":1}", 2},	 {"7", "{\"a\":1}", 2},
		{"null", "{\"a\":1}", 2},	 {"{\"b\":2}", "{\"b\":2}", 3},
	};
	struct gather g;

	(void)state;
	begin(&g);
	gather_call(&g, 0, NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *v = parse(is[i].value);

		gather_arguments(&g, &g.calls[0], v);
		assert_string_equal(g.calls[0].arguments.data, is[i].arguments);
		assert_int_equal(g.pieces, is[i].pieces);
		json_free(v);
	}
	gather_release(&g);
}

/* What was told counts once all has come; before it, the more likely. */
static void test_tokens(void **state)
{
	struct gather g;

	(void)state;
	begin(&g);
	assert_int_equal(gather_tokens(&g), 0);
	for (int i = 0; i < 5; i++)
		gather_text(&g, "word ");
	gather_text(&g, NULL);
	gather_text(&g, "");
	assert_int_equal(gather_tokens(&g), 5);
	g.usage.out = 3;
	assert_int_equal(gather_tokens(&g), 5);
	g.usage.out = 8;
	assert_int_equal(gather_tokens(&g), 8);
	g.usage.out = 3;
	g.complete = true;
	assert_int_equal(gather_tokens(&g), 3);
	g.usage.out = 0;
	assert_int_equal(gather_tokens(&g), 5);
	gather_model(&g, NULL);
	assert_null(g.model);
	gather_model(&g, "m\x1b");
	gather_model(&g, "n");
	assert_string_equal(g.model, "m ");
	gather_release(&g);
}

/* ---- the end ------------------------------------------------------------- */

#define LOOK	   "[{\"name\":\"look\"}]"
#define MARK(text) "<tool_call>" text "</tool_call>"

static const struct {
	const char *text, *tools;
	bool schema;
	/* one call, or two */
	const char *name, *arguments, *name2;
	enum llm_finish finish;
	int rc;
	const char *out, *calls; /* the answer */
	enum llm_finish last;
} ends[] = {
	{"hi", NULL, false, NULL, NULL, NULL, LLM_STOP, 0, "hi", "[]",
	 LLM_STOP},
	/* It says that it calls, and does not. */
	{"hi", LOOK, false, NULL, NULL, NULL, LLM_CALLS, 0, "hi", "[]",
	 LLM_STOP},
	{"", LOOK, false, "look", "{\"a\":1}", NULL, LLM_STOP, 0, "",
	 "[{\"arguments\":{\"a\":1},\"id\":\"call_0\",\"name\":"
	 "\"look\"}]",
	 LLM_CALLS},
	{"", LOOK, false, "look", "", "look", LLM_CALLS, 0, "",
	 "[{\"arguments\":{},\"id\":\"call_0\",\"name\":\"look\"},"
	 "{\"arguments\":{},\"id\":\"call_1\",\"name\":\"look\"}]",
	 LLM_CALLS},
	{"", LOOK, false, "look", "[1]", NULL, LLM_STOP, -EBADMSG, "no object",
	 NULL, LLM_STOP},
	{"", LOOK, false, "look", "{\"a\"", NULL, LLM_STOP, -EBADMSG, "'look'",
	 NULL, LLM_STOP},
	{"", LOOK, false, "", "{}", NULL, LLM_STOP, -EBADMSG, "without a name",
	 NULL, LLM_STOP},
	/* Cut off within the last call: what is before it counts. */
	{"t", LOOK, false, "look", "{\"a\"", NULL, LLM_LENGTH, 0, "t", "[]",
	 LLM_LENGTH},
	{"t", LOOK, false, "look", "{\"a\"", "look", LLM_LENGTH, -EBADMSG,
	 "'look'", NULL, LLM_LENGTH},
	/* The answer as a call. */
	{"so:", NULL, true, "answer", "{\"a\":1}", NULL, LLM_CALLS, 0,
	 "{\"a\":1}", "[]", LLM_STOP},
	{"so:", NULL, true, "answer", "", NULL, LLM_CALLS, 0, "{}", "[]",
	 LLM_STOP},
	/* Written into the text, where something is offered. */
	{"a " MARK("{\"name\":\"look\",\"arguments\":{}}") " b", LOOK, false,
	 NULL, NULL, NULL, LLM_STOP, 0, "a  b",
	 "[{\"arguments\":{},\"id\":\"call_0\",\"name\":\"look\"}]", LLM_CALLS},
	{MARK("{\"name\":\"answer\",\"arguments\":{\"a\":1}}"), NULL, true,
	 NULL, NULL, NULL, LLM_STOP, 0, "{\"a\":1}", "[]", LLM_STOP},
	{MARK("{\"name\":\"rm\"}"), LOOK, false, NULL, NULL, NULL, LLM_STOP, 0,
	 MARK("{\"name\":\"rm\"}"), "[]", LLM_STOP},
	{MARK("look"), LOOK, false, NULL, NULL, NULL, LLM_STOP, 0, MARK("look"),
	 "[]", LLM_STOP},
	{"<tool_call>{\"name\":\"look\"}", LOOK, false, NULL, NULL, NULL,
	 LLM_STOP, 0, "<tool_call>{\"name\":\"look\"}", "[]", LLM_STOP},
	{MARK("{\"name\":\"look\"}"), NULL, false, NULL, NULL, NULL, LLM_STOP,
	 0, MARK("{\"name\":\"look\"}"), "[]", LLM_STOP},
	{MARK("x") MARK("{\"name\":\"look\"}"), LOOK, false, NULL, NULL, NULL,
	 LLM_STOP, 0, MARK("x"),
	 "[{\"arguments\":{},\"id\":\"call_0\",\"name\":\"look\"}]", LLM_CALLS},
};

static void test_finishing(void **state)
{

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct json *tools = parse(ends[i].tools);
		struct json *schema = ends[i].schema ? json_object() : NULL;
		const struct llm_request r = {.tools = tools, .schema = schema};
		struct llm_answer a = {0};
		struct gather g;
		char *calls;
		int rc;

		begin(&g);
		gather_text(&g, ends[i].text);
		if (ends[i].name) {
			gather_call(&g, 0, NULL, ends[i].name);
			buf_puts(&g.calls[0].arguments, ends[i].arguments);
		}
		if (ends[i].name2)
			gather_call(&g, 1, NULL, ends[i].name2);
		g.finish = ends[i].finish;
		assert_int_equal(gather_finish(&g, &r, &a), -EBADMSG);
		assert_non_null(strstr(err_text(), "broke off"));
		g.complete = true;
		rc = gather_finish(&g, &r, &a);
		if (rc != ends[i].rc)
			fail_msg("row %zu: %d %s", i, rc, err_text());
		if (rc) {
			assert_non_null(strstr(err_text(), ends[i].out));
		} else {
			calls = json_canonical(a.calls);
			assert_string_equal(a.text, ends[i].out);
			assert_string_equal(calls, ends[i].calls);
			assert_int_equal(a.finish, ends[i].last);
			free(calls);
		}
		llm_answer_release(&a);
		gather_release(&g);
		json_free(tools);
		json_free(schema);
	}
}

/* A refusal is one, and is the text where there is no other. */
static void test_refusals(void **state)
{
	const struct llm_request r = {0};

	(void)state;
	for (int way = 0; way < 2; way++) {
		struct llm_answer a = {0};
		struct gather g;

		begin(&g);
		gather_text(&g, way ? "but" : "");
		buf_puts(&g.refusal, "no");
		g.complete = true;
		assert_int_equal(gather_finish(&g, &r, &a), 0);
		assert_int_equal(a.finish, LLM_REFUSED);
		assert_string_equal(a.text, way ? "but" : "no");
		llm_answer_release(&a);
		gather_release(&g);
	}
}

/* ---- events -------------------------------------------------------------- */

static void test_events(void **state)
{
	static const struct {
		const char *data;
		bool cut;
		int rc;
		bool complete;
	} is[] = {
		{"", false, 0, false},
		{"{\"choi", true, 0, false},
		{"{\"choi", false, -EBADMSG, false},
		{"[DONE] ", false, -EBADMSG, false},
		{"[DONE]", false, 0, true},
	};
	struct gather g;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct sse_event e = {.data = is[i].data,
				      .len = strlen(is[i].data),
				      .cut = is[i].cut};

		begin(&g);
		assert_int_equal(dialect_event(&dialect_openai, &g, &e),
				 is[i].rc);
		assert_int_equal(g.complete, is[i].complete);
		/* Behind the end, or an error, nothing counts. */
		if (is[i].complete) {
			e.data = "nonsense";
			e.len = 8;
			assert_int_equal(dialect_event(&dialect_openai, &g, &e),
					 0);
		}
		gather_release(&g);
	}
	begin(&g);
	g.error.set = true;
	assert_int_equal(
		dialect_event(&dialect_openai, &g,
			      &(struct sse_event){.data = "x", .len = 1}),
		0);
	gather_release(&g);
	begin(&g);
	assert_int_equal(dialect_answer(&dialect_openai, &g, "<html>", 6),
			 -EBADMSG);
	assert_int_equal(
		dialect_answer(&dialect_openai, &g, "{\"error\":\"no\"}", 14),
		0);
	assert_string_equal(g.error.message, "no");
	gather_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_finishing),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
