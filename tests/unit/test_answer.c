/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers in both dialects, good ones and bad ones, streamed and not. */
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

static const char tool[] = "[{\"name\":\"look\"}]";
static const char schema[] = "{\"type\":\"object\"}";

static struct json *parse(const char *text)
{
	struct json *v = text ? json_parse(text, strlen(text)) : NULL;

	if (text && !v)
		fail_msg("%s: %s", text, err_text());
	return v;
}

/* ---- answers ---------------------------------------------------------- */

/*
 * An answer as "finish|text|calls|in/cached/out|model"; "E type|message" for
 * an error of the endpoint, "cut" for one that has no end, and "! message" for
 * one that is bad.
 */
static char *describe(struct reader *r, const struct llm_request *q, int rc)
{
	static const char *const finish[] = {"stop", "length", "calls",
					     "refused"};
	struct llm_usage u = r->g.usage;
	struct llm_answer a = {0};
	char *calls, *text;

	if (r->g.error.set)
		return mem_printf("E %s|%s", r->g.error.type,
				  r->g.error.message);
	if (!rc && !r->g.complete)
		return mem_printf("cut|%ld/%ld/%ld", u.in, u.cached, u.out);
	if (!rc)
		rc = gather_finish(&r->g, q, &a);
	if (rc == -EBADMSG)
		return mem_printf("! %s", err_text());
	assert_int_equal(rc, 0);
	calls = json_canonical(a.calls);
	text = mem_printf("%s|%s|%s|%ld/%ld/%ld|%s", finish[a.finish], a.text,
			  calls, u.in, u.cached, u.out, a.model ? a.model : "");
	free(calls);
	llm_answer_release(&a);
	return text;
}

/* In pieces of so many bytes. */
static char *read_body(const struct dialect *d, const struct llm_request *q,
		       bool stream, const char *body, size_t piece)
{
	struct reader r;
	size_t n = strlen(body);
	char *out;
	int rc = 0;

	err_clear();
	reader_init(&r, d, stream, 1 << 20);
	for (size_t at = 0; at < n && !rc; at += piece)
		rc = reader_feed(&r, stream ? "text/event-stream" : NULL,
				 body + at, at + piece < n ? piece : n - at);
	if (!rc)
		rc = reader_end(&r);
	out = describe(&r, q, rc < 0 ? rc : 0);
	reader_release(&r);
	return out;
}

struct answer {
	const char *name, *body, *want;
};

/* want is a prefix where it ends in "…". */
static bool as_wanted(const char *got, const char *want)
{
	static const char more[] = "…";
	size_t n = strlen(want), m = strlen(more);

	if (n >= m && !strcmp(want + n - m, more))
		return !strncmp(got, want, n - m);
	return !strcmp(got, want);
}

static void expect_answers(const struct dialect *d, bool stream, bool ask,
			   const struct answer *a, size_t n)
{
	struct llm_request q = {.tools = parse(tool),
				.schema = ask ? parse(schema) : NULL};

	for (size_t i = 0; i < n; i++)
		for (size_t piece = 1; piece < 4096; piece *= 5) {
			char *got = read_body(d, &q, stream, a[i].body, piece);

			if (!as_wanted(got, a[i].want))
				fail_msg("%s, %s, in pieces of %zu: %s",
					 d->name, a[i].name, piece, got);
			free(got);
		}
	json_free((struct json *)q.tools);
	json_free((struct json *)q.schema);
}

#define O_MESSAGE(m)                                                     \
	"{\"model\":\"gp\",\"choices\":[{\"index\":0,\"message\":" m "," \
	"\"finish_reason\":\"stop\"}]}"

static const struct answer openai_bodies[] = {
	{"text",
	 "{\"id\":\"x\",\"model\":\"gp\",\"choices\":[{\"index\":0,"
	 "\"message\":{\"role\":\"assistant\",\"content\":\"hello\","
	 "\"refusal\":null,\"reasoning_content\":\"hm\"},"
	 "\"finish_reason\":\"stop\",\"logprobs\":null}],\"usage\":"
	 "{\"prompt_tokens\":12,\"completion_tokens\":9,\"total_tokens\":21,"
	 "\"prompt_tokens_details\":{\"cached_tokens\":7}},\"error\":null}",
	 "stop|hello|[]|12/7/9|gp"},
	{"content in parts",
	 O_MESSAGE("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
		   "{\"type\":\"thinking\"},{\"type\":\"text\",\"text\":\"b\"}"
		   "]}"),
	 "stop|ab|[]|0/0/0|gp"},
	{"no content", O_MESSAGE("{\"content\":null}"), "stop||[]|0/0/0|gp"},
	{"a refusal", O_MESSAGE("{\"content\":null,\"refusal\":\"no\"}"),
	 "refused|no|[]|0/0/0|gp"},
	{"a filter",
	 "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":"
	 "\"content_filter\"}]}",
	 "refused|a|[]|0/0/0|"},
	{"too long",
	 "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":"
	 "\"length\"}]}",
	 "length|a|[]|0/0/0|"},
	{"calls, and a finish that does not say so",
	 O_MESSAGE("{\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":"
		   "\"function\",\"function\":{\"name\":\"look\",\"arguments\":"
		   "\"{\\\"x\\\":1}\"}},{\"id\":\"b\",\"function\":{\"name\":"
		   "\"look\",\"arguments\":{\"x\":2}}}]}"),
	 "calls||[{\"arguments\":{\"x\":1},\"id\":\"a\",\"name\":\"look\"},"
	 "{\"arguments\":{\"x\":2},\"id\":\"b\",\"name\":\"look\"}]|0/0/0|gp"},
	{"calls without ids, with the same index",
	 O_MESSAGE("{\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":"
		   "{\"name\":\"look\",\"arguments\":\"\"}},{\"index\":0,"
		   "\"function\":{\"name\":\"look\"}}]}"),
	 "calls||[{\"arguments\":{},\"id\":\"call_0\",\"name\":\"look\"},"
	 "{\"arguments\":{},\"id\":\"call_1\",\"name\":\"look\"}]|0/0/0|gp"},
	{"arguments that are no JSON",
	 O_MESSAGE("{\"tool_calls\":[{\"function\":{\"name\":\"look\","
		   "\"arguments\":\"{x\"}}]}"),
	 "! the arguments of a call of 'look': byte 1…"},
	{"arguments that are no object",
	 O_MESSAGE("{\"tool_calls\":[{\"function\":{\"name\":\"look\","
		   "\"arguments\":\"[1]\"}}]}"),
	 "! the arguments of a call of 'look' are no object"},
	{"a call that the limit cut",
	 "{\"choices\":[{\"message\":{\"content\":\"a\",\"tool_calls\":[{"
	 "\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"x\"}}]},"
	 "\"finish_reason\":\"length\"}]}",
	 "length|a|[]|0/0/0|"},
	{"a call without a name",
	 O_MESSAGE("{\"tool_calls\":[{\"id\":\"a\",\"function\":{}}]}"),
	 "! a call of a tool without a name"},
	{"calls that are none",
	 O_MESSAGE("{\"content\":\"a\",\"tool_calls\":null}"),
	 "stop|a|[]|0/0/0|gp"},
	{"a call in the text",
	 O_MESSAGE("{\"content\":\"So: <tool_call>\\n{\\\"name\\\":\\\"look"
		   "\\\",\\\"arguments\\\":{\\\"x\\\":1}}\\n</tool_call>"
		   "<tool_call>{\\\"name\\\":\\\"look\\\"}</tool_call>.\"}"),
	 "calls|So: .|[{\"arguments\":{\"x\":1},\"id\":\"call_0\",\"name\":"
	 "\"look\"},{\"arguments\":{},\"id\":\"call_1\",\"name\":\"look\"}]|"
	 "0/0/0|gp"},
	{"no call in the text: another's tool, no JSON, no end",
	 O_MESSAGE("{\"content\":\"<tool_call>{\\\"name\\\":\\\"rm\\\"}"
		   "</tool_call><tool_call>{</tool_call><tool_call>{}\"}"),
	 "stop|<tool_call>{\"name\":\"rm\"}</tool_call><tool_call>{"
	 "</tool_call><tool_call>{}|[]|0/0/0|gp"},
	{"choices: null", "{\"choices\":null,\"usage\":{\"prompt_tokens\":1}}",
	 "! the answer has no choices"},
	{"choices: []", "{\"choices\":[]}", "! the answer has no choices"},
	{"not an object", "[1]", "! the answer has no choices"},
	{"not JSON", "<html>", "! the answer is not JSON: byte 0…"},
	{"half of it", "{\"choices\":[{\"message\":{\"content\":\"a",
	 "! the answer is not JSON: byte 3…"},
	{"a key twice", "{\"choices\":[],\"choices\":[]}",
	 "! the answer is not JSON: byte 14: …"},
	{"half of a surrogate pair", O_MESSAGE("{\"content\":\"\\ud83d\"}"),
	 "! the answer is not JSON: byte 58: half of a surrogate pair"},
	{"an error with status 200",
	 "{\"error\":{\"message\":\"no\\u001b[2J\",\"type\":\"t\"}}",
	 "E t|no [2J"},
	{"an error in a word", "{\"error\":\"no model\"}", "E |no model"},
	{"an error of vLLM",
	 "{\"object\":\"error\",\"message\":\"no\",\"type\":\"Bad\","
	 "\"code\":400}",
	 "E Bad|no"},
	{"an error of FastAPI", "{\"detail\":[\"no\"]}", "E |[\"no\"]"},
	{"counts that are none",
	 "{\"choices\":[{\"message\":{}}],\"usage\":{\"prompt_tokens\":-5,"
	 "\"completion_tokens\":1e300,\"prompt_tokens_details\":{"
	 "\"cached_tokens\":7}}}",
	 "stop||[]|0/0/0|"},
	{"more cached than asked",
	 "{\"choices\":[{\"message\":{}}],\"usage\":{\"prompt_tokens\":5,"
	 "\"completion_tokens\":\"9\",\"prompt_cache_hit_tokens\":7}}",
	 "stop||[]|5/5/0|"},
	{"all of the wrong type",
	 "{\"model\":1,\"usage\":[],\"choices\":[{\"index\":\"0\","
	 "\"finish_reason\":7,\"message\":{\"content\":{},\"refusal\":[],"
	 "\"tool_calls\":{\"a\":1}}}]}",
	 "! a call of a tool without a name"},
	{"choices of the wrong type", "{\"choices\":[1,null,\"x\"]}",
	 "! the answer has no choices"},
};

static void test_openai_bodies(void **state)
{
	(void)state;
	expect_answers(&dialect_openai, false, false, openai_bodies,
		       ARRAY_LEN(openai_bodies));
}

#define D(json)	 "data: " json "\n\n"
#define DELTA(d) D("{\"choices\":[{\"index\":0,\"delta\":" d "}]}")
#define STOP(why)                                                          \
	D("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":" why \
	  "}]}")
#define DONE	     D("[DONE]")
#define CALL(fields) DELTA("{\"tool_calls\":[{" fields "}]}")
#define ARGUMENTS(s) "\"function\":{\"arguments\":\"" s "\"}"

static const struct answer openai_streams[] = {
	{"text",
	 ": wait\n\n" D("{\"model\":\"gp\",\"choices\":[{\"index\":0,\"delta\":"
			"{\"role\":\"assistant\",\"content\":\"\"}}]}")
		 DELTA("{\"reasoning_content\":\"hm\",\"content\":null}") DELTA(
			 "{\"content\":\"hel\"}") DELTA("{\"content\":\"lo\"}")
			 STOP("\"stop\"") D("{\"choices\":[],\"usage\":"
					    "{\"prompt_tokens\":12,"
					    "\"completion_tokens\":9}}") DONE,
	 "stop|hello|[]|12/0/9|gp"},
	{"choices: null, and figures in every chunk",
	 D("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":"
	   "{\"prompt_tokens\":3,\"completion_tokens\":1}}")
		 D("{\"choices\":null,\"usage\":{\"prompt_tokens\":3,"
		   "\"completion_tokens\":2,\"prompt_tokens_details\":"
		   "{\"cached_tokens\":1}}}") D("{\"usage\":null}") DONE,
	 "stop|a|[]|3/1/2|"},
	{"fragments of two calls, mixed",
	 CALL("\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":"
	      "{\"name\":\"look\",\"arguments\":\"\"}")
		 CALL("\"index\":1,\"id\":\"b\",\"function\":{\"name\":"
		      "\"look\",\"arguments\":\"{\"}")
			 CALL("\"index\":0," ARGUMENTS("{\\\"x\\\""))
				 CALL("\"index\":1," ARGUMENTS("}"))
					 CALL("\"index\":0," ARGUMENTS(":1}"))
						 STOP("\"tool_calls\"") DONE,
	 "calls||[{\"arguments\":{\"x\":1},\"id\":\"a\",\"name\":\"look\"},"
	 "{\"arguments\":{},\"id\":\"b\",\"name\":\"look\"}]|0/0/0|"},
	{"no index",
	 CALL("\"id\":\"a\",\"function\":{\"name\":\"look\",\"arguments\":"
	      "\"{\"}") CALL(ARGUMENTS("}")) STOP("\"stop\"") DONE,
	 "calls||[{\"arguments\":{},\"id\":\"a\",\"name\":\"look\"}]|0/0/0|"},
	{"whole calls, all of index 0",
	 CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"look\","
	      "\"arguments\":{\"x\":1}}")
		 CALL("\"index\":0,\"id\":\"b\",\"function\":{\"name\":"
		      "\"look\",\"arguments\":{\"x\":2}}") DONE,
	 "calls||[{\"arguments\":{\"x\":1},\"id\":\"a\",\"name\":\"look\"},"
	 "{\"arguments\":{\"x\":2},\"id\":\"b\",\"name\":\"look\"}]|0/0/0|"},
	{"another id in every fragment",
	 CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"look\","
	      "\"arguments\":\"{\"}")
		 CALL("\"index\":0,\"id\":\"b\"," ARGUMENTS("}")) DONE,
	 "calls||[{\"arguments\":{},\"id\":\"a\",\"name\":\"look\"}]|0/0/0|"},
	{"an empty id",
	 CALL("\"index\":0,\"id\":\"\",\"function\":{\"name\":\"look\"}") DONE,
	 "calls||[{\"arguments\":{},\"id\":\"call_0\",\"name\":\"look\"}]|"
	 "0/0/0|"},
	{"a refusal in pieces",
	 DELTA("{\"refusal\":\"n\"}") DELTA("{\"refusal\":\"o\"}")
		 STOP("\"stop\"") DONE,
	 "refused|no|[]|0/0/0|"},
	{"no end, but figures",
	 DELTA("{\"content\":\"a\"}") STOP("\"stop\"")
		 D("{\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
		   "\"completion_tokens\":2}}"),
	 "cut|3/0/2"},
	{"cut within an event",
	 DELTA("{\"content\":\"a\"}") "data: {\"choices\":[{\"del",
	 "cut|0/0/0"},
	{"an end without its empty line",
	 DELTA("{\"content\":\"a\"}") "data: [DONE]", "stop|a|[]|0/0/0|"},
	{"more behind the end",
	 DELTA("{\"content\":\"a\"}") DONE DELTA("{\"content\":\"b\"}")
		 D("rubbish"),
	 "stop|a|[]|0/0/0|"},
	{"an error after the beginning",
	 DELTA("{\"content\":\"a\"}")
		 D("{\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}")
			 DONE,
	 "E server_error|no"},
	{"an event that is not JSON",
	 DELTA("{\"content\":\"a\"}") D("rubbish") DONE,
	 "! an event of the answer is not JSON: byte 0…"},
	{"another choice",
	 D("{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}")
		 DELTA("{\"content\":\"a\"}") DONE,
	 "stop|a|[]|0/0/0|"},
	{"nothing but the end", DONE, "stop||[]|0/0/0|"},
	{"nothing but comments", ": a\n\n: b\n\n", "cut|0/0/0"},
};

static void test_openai_streams(void **state)
{
	(void)state;
	expect_answers(&dialect_openai, true, false, openai_streams,
		       ARRAY_LEN(openai_streams));
}

#define A_MESSAGE(content, why)                                          \
	"{\"type\":\"message\",\"model\":\"cl\",\"role\":\"assistant\"," \
	"\"content\":" content ",\"stop_reason\":\"" why "\",\"usage\":" \
	"{\"input_tokens\":5,\"cache_creation_input_tokens\":3,"         \
	"\"cache_read_input_tokens\":7,\"output_tokens\":9}}"

static const struct answer anthropic_bodies[] = {
	{"text",
	 A_MESSAGE("[{\"type\":\"thinking\",\"thinking\":\"hm\"},"
		   "{\"type\":\"text\",\"text\":\"hel\"},"
		   "{\"type\":\"text\",\"text\":\"lo\"}]",
		   "end_turn"),
	 "stop|hello|[]|15/7/9|cl"},
	{"calls",
	 A_MESSAGE("[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_use\","
		   "\"id\":\"t1\",\"name\":\"look\",\"input\":{\"x\":1}},"
		   "{\"type\":\"tool_use\",\"name\":\"look\",\"input\":{}}]",
		   "tool_use"),
	 "calls|a|[{\"arguments\":{\"x\":1},\"id\":\"t1\",\"name\":\"look\"},"
	 "{\"arguments\":{},\"id\":\"call_1\",\"name\":\"look\"}]|15/7/9|cl"},
	{"a refusal", A_MESSAGE("[]", "refusal"), "refused||[]|15/7/9|cl"},
	{"too long", A_MESSAGE("[]", "max_tokens"), "length||[]|15/7/9|cl"},
	{"too long for the window",
	 A_MESSAGE("[]", "model_context_window_exceeded"),
	 "length||[]|15/7/9|cl"},
	{"a reason of tomorrow",
	 A_MESSAGE("[{\"type\":\"hologram\"}]", "tired"), "stop||[]|15/7/9|cl"},
	{"content: null", A_MESSAGE("null", "end_turn"),
	 "! the answer has no content"},
	{"an error with status 200",
	 "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	 "\"message\":\"Overloaded\"},\"request_id\":\"r\"}",
	 "E overloaded_error|Overloaded"},
	{"all of the wrong type",
	 "{\"model\":[],\"content\":[1,null,{\"type\":1},{\"type\":\"text\","
	 "\"text\":7}],\"stop_reason\":{},\"usage\":\"x\"}",
	 "stop||[]|0/0/0|"},
};

static void test_anthropic_bodies(void **state)
{
	(void)state;
	expect_answers(&dialect_anthropic, false, false, anthropic_bodies,
		       ARRAY_LEN(anthropic_bodies));
}

#define E(type, fields) \
	"event: " type "\ndata: {\"type\":\"" type "\"" fields "}\n\n"
#define START                                                  \
	E("message_start",                                     \
	  ",\"message\":{\"model\":\"cl\",\"usage\":"          \
	  "{\"input_tokens\":5,\"cache_read_input_tokens\":7," \
	  "\"cache_creation_input_tokens\":3,"                 \
	  "\"output_tokens\":1}}")
#define BLOCK(i, b) \
	E("content_block_start", ",\"index\":" i ",\"content_block\":" b)
#define PART(i, d) E("content_block_delta", ",\"index\":" i ",\"delta\":" d)
#define TEXT(s)	   "{\"type\":\"text_delta\",\"text\":\"" s "\"}"
#define JSON(s)	   "{\"type\":\"input_json_delta\",\"partial_json\":\"" s "\"}"
#define END(why)                                                       \
	E("message_delta", ",\"delta\":{\"stop_reason\":\"" why "\"}," \
			   "\"usage\":{\"output_tokens\":9}")          \
	E("message_stop", "")

static const struct answer anthropic_streams[] = {
	{"text",
	 START E("ping", "") BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
		 PART("0", TEXT("hel")) PART("0", TEXT("lo")) E(
			 "content_block_stop", ",\"index\":0") END("end_turn"),
	 "stop|hello|[]|15/7/9|cl"},
	{"thinking, and events of tomorrow",
	 START BLOCK("0", "{\"type\":\"thinking\"}")
		 PART("0", "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
			 PART("0", "{\"type\":\"signature_delta\"}")
				 E("hologram", ",\"delta\":{}")
					 PART("1", TEXT("a")) END("end_turn"),
	 "stop|a|[]|15/7/9|cl"},
	{"calls in fragments",
	 START BLOCK("0", "{\"type\":\"text\",\"text\":\"a\"}") BLOCK(
		 "1", "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":"
		      "\"look\",\"input\":{}}") PART("1", JSON(""))
		 PART("1", JSON("{\\\"x\\\"")) PART("1", JSON(":1}")) BLOCK(
			 "2", "{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":"
			      "\"look\",\"input\":{}}") END("tool_use"),
	 "calls|a|[{\"arguments\":{\"x\":1},\"id\":\"t1\",\"name\":\"look\"},"
	 "{\"arguments\":{},\"id\":\"t2\",\"name\":\"look\"}]|15/7/9|cl"},
	{"newer figures of what went in",
	 START E("message_delta", ",\"usage\":{\"input_tokens\":6,"
				  "\"output_tokens\":4}") E("message_stop", ""),
	 "stop||[]|16/7/4|cl"},
	{"no end", START PART("0", TEXT("a")), "cut|15/7/1"},
	{"an end without its empty line",
	 START "data: {\"type\":\"message_stop\"}", "stop||[]|15/7/1|cl"},
	{"overloaded within",
	 START PART("0", TEXT("a"))
		 E("error", ",\"error\":{\"type\":\"overloaded_error\","
			    "\"message\":\"Overloaded\"}"),
	 "E overloaded_error|Overloaded"},
	{"the end of the other dialect", START DONE,
	 "! an event of the answer is not JSON: byte 1…"},
};

static void test_anthropic_streams(void **state)
{
	(void)state;
	expect_answers(&dialect_anthropic, true, false, anthropic_streams,
		       ARRAY_LEN(anthropic_streams));
}

/* With a schema, the arguments of the answer's tool are the text. */
static void test_answer_by_tool(void **state)
{
	static const struct answer openai[] = {
		{"a call",
		 O_MESSAGE("{\"content\":\"Here:\",\"tool_calls\":[{\"id\":"
			   "\"a\",\"function\":{\"name\":\"answer\","
			   "\"arguments\":\"{\\\"why\\\":1}\"}}]}"),
		 "stop|{\"why\":1}|[]|0/0/0|gp"},
		{"bad arguments are the caller's to mend",
		 O_MESSAGE("{\"tool_calls\":[{\"function\":{\"name\":"
			   "\"answer\",\"arguments\":\"{why\"}}]}"),
		 "stop|{why|[]|0/0/0|gp"},
		{"in the text",
		 O_MESSAGE("{\"content\":\"<tool_call>{\\\"name\\\":\\\"answer"
			   "\\\",\\\"arguments\\\":{\\\"why\\\":1}}"
			   "</tool_call>\"}"),
		 "stop|{\"why\":1}|[]|0/0/0|gp"},
		{"another tool",
		 O_MESSAGE("{\"tool_calls\":[{\"function\":"
			   "{\"name\":\"look\"}}]}"),
		 "calls||[{\"arguments\":{},\"id\":\"call_0\",\"name\":"
		 "\"look\"}]|0/0/0|gp"},
	};
	static const struct answer anthropic[] = {
		{"a call",
		 A_MESSAGE("[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":"
			   "\"answer\",\"input\":{\"why\":1}}]",
			   "tool_use"),
		 "stop|{\"why\":1}|[]|15/7/9|cl"},
	};

	(void)state;
	expect_answers(&dialect_openai, false, true, openai, ARRAY_LEN(openai));
	expect_answers(&dialect_anthropic, false, true, anthropic,
		       ARRAY_LEN(anthropic));
}

/* A stream was asked for and something else comes, and the reverse. */
static void test_form(void **state)
{
	static const char body[] =
		"\n {\"choices\":[{\"message\":{\"content\":\"a\"}}]}";
	static const char events[] = DELTA("{\"content\":\"a\"}") DONE;
	static const struct {
		const char *type, *body;
		bool stream;
	} cases[] = {
		{"application/json; charset=utf-8", body, true},
		{NULL, body, true},
		{"text/plain", body, true},
		{"text/event-stream;charset=utf-8", events, false},
		{NULL, events, true},
		{"text/plain", events, true},
	};
	struct llm_request q = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reader r;
		char *got;
		int rc;

		reader_init(&r, &dialect_openai, cases[i].stream, 4096);
		rc = reader_feed(&r, cases[i].type, cases[i].body,
				 strlen(cases[i].body));
		rc = rc ? rc : reader_end(&r);
		assert_true(rc >= 0);
		got = describe(&r, &q, 0);
		assert_string_equal(got, "stop|a|[]|0/0/0|");
		free(got);
		reader_release(&r);
	}
}

static void test_limits(void **state)
{
	struct llm_request q = {0};
	struct buf b;
	struct reader r;
	char *got;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 200; i++)
		buf_printf(&b,
			   "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{"
			   "\"index\":%d}]}}]}\n\n",
			   i);
	got = read_body(&dialect_openai, &q, true, b.data, b.len);
	assert_string_equal(got,
			    "! more than 128 calls of tools in one answer");
	free(got);
	for (int stream = 0; stream < 2; stream++) {
		reader_init(&r, &dialect_openai, stream, 100);
		buf_reset(&b);
		for (int i = 0; i < 101; i++)
			buf_puts(&b, "x");
		assert_int_equal(reader_feed(&r, NULL, b.data, b.len),
				 -EMSGSIZE);
		reader_release(&r);
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openai_bodies),
		cmocka_unit_test(test_openai_streams),
		cmocka_unit_test(test_anthropic_bodies),
		cmocka_unit_test(test_anthropic_streams),
		cmocka_unit_test(test_answer_by_tool),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
