/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is learnt of an endpoint, and by what it is reached. */
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
#include "llm/http.h"
#include "llm/provider.h"
#include "llm/url.h"

/* ---- refusals ------------------------------------------------------------ */

/* An answer of this status and body. */
static struct transfer said(long status, const char *body)
{
	struct transfer t = {.status = status, .done = true};

	buf_init(&t.body, 1 << 16);
	if (body)
		buf_puts(&t.body, body);
	return t;
}

#define NONE LLM_RESUME_NONE
#define CONT LLM_RESUME_CONTINUE

static const struct {
	long status;
	const char *body;
	struct dialect_opts sent;
	enum llm_resume means;
	bool renamed;
	int again;
	/* what is known, and how it goes on, after that */
	bool no_options, completion, lowered;
} refusals[] = {
	/* Options of streams. */
	{400,
	 "unknown field stream_options",
	 {.stream = true},
	 NONE,
	 false,
	 1,
	 true,
	 false,
	 false},
	{422,
	 "include_usage?",
	 {.stream = true},
	 NONE,
	 false,
	 1,
	 true,
	 false,
	 false},
	{400,
	 "stream_options",
	 {.stream = false},
	 NONE,
	 false,
	 0,
	 false,
	 false,
	 false},
	{400,
	 "stream_options",
	 {.stream = true, .no_stream_options = true},
	 NONE,
	 false,
	 0,
	 false,
	 false,
	 false},
	{404,
	 "stream_options",
	 {.stream = true},
	 NONE,
	 false,
	 0,
	 false,
	 false,
	 false},
	/* The name of the limit, there and back, once in a call. */
	{400,
	 "Unsupported parameter: max_tokens",
	 {0},
	 NONE,
	 false,
	 1,
	 false,
	 true,
	 false},
	{400,
	 "max_tokens is too large",
	 {0},
	 NONE,
	 false,
	 0,
	 false,
	 false,
	 false},
	{400,
	 "Unsupported parameter: max_tokens",
	 {0},
	 NONE,
	 true,
	 0,
	 false,
	 false,
	 false},
	{400,
	 "unknown name max_completion_tokens",
	 {.completion_tokens = true},
	 NONE,
	 false,
	 1,
	 false,
	 false,
	 false},
	{422, NULL, {0}, NONE, false, 0, false, false, false},
	/* How it goes on: in the next worse way. */
	{400, "no", {0}, CONT, false, 1, false, false, true},
	{501, "no", {0}, CONT, false, 1, false, false, true},
	{500,
	 "the assistant's turn cannot stand last",
	 {0},
	 CONT,
	 false,
	 1,
	 false,
	 false,
	 true},
	{500, "out of memory", {0}, CONT, false, 0, false, false, false},
	{503, "assistant", {0}, CONT, false, 0, false, false, false},
};

static void test_learning(void **state)
{

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct transfer t = said(refusals[i].status, refusals[i].body);
		struct http_provider p = {0};
		struct resume from = {0};
		struct exchange x = {.p = &p,
				     .sent = refusals[i].sent,
				     .means = refusals[i].means,
				     .renamed = refusals[i].renamed,
				     .a = {.from = &from}};

		if (http_learn(&x, &t) != refusals[i].again ||
		    p.known.no_stream_options != refusals[i].no_options ||
		    p.known.completion_tokens != refusals[i].completion ||
		    x.lowered != refusals[i].lowered)
			fail_msg("row %zu", i);
		if (refusals[i].lowered)
			assert_int_equal(x.means, refusals[i].means - 1);
		buf_release(&t.body);
	}
}

/* The last way is to begin anew, which is counted. */
static void test_beginning_anew_is_counted(void **state)
{
	struct transfer t = said(400, "no");
	struct http_provider p = {0};
	struct resume from = {0};
	struct exchange x = {
		.p = &p, .means = LLM_RESUME_SLOT, .a = {.from = &from}};
	int steps = 0;

	(void)state;
	while (http_learn(&x, &t))
		steps++;
	assert_int_equal(steps, LLM_RESUME_SLOT - LLM_RESUME_NONE);
	assert_int_equal(from.restarts, 1);
	buf_release(&t.body);
}

/* A shape that is not known there is not asked for again, nor is any other
 * attempt made of it. */
static void test_shapes(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum llm_shape shape;
		bool asks, schema, refused;
	} is[] = {
		{400, "{\"error\":\"response_format is not supported\"}",
		 SHAPE_STRICT, true, true, true},
		{422, "Grammar!", SHAPE_STRICT, true, true, true},
		{501, "no structured output", SHAPE_STRICT, true, true, true},
		{500, "tools are not supported", SHAPE_CALL, true, true, true},
		{400, "json mode", SHAPE_JSON, true, true, true},
		{400, "json mode", SHAPE_PLAIN, true, true, false},
		{400, "no room", SHAPE_STRICT, true, true, false},
		{400, "", SHAPE_STRICT, true, true, false},
		{400, "schema", SHAPE_STRICT, true, false, false},
		{400, "schema", SHAPE_STRICT, false, true, false},
		{404, "schema", SHAPE_STRICT, true, true, false},
		{429, "schema", SHAPE_STRICT, true, true, false},
	};
	struct json *schema = json_object();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct transfer t = said(is[i].status, is[i].body);
		const struct llm_request r = {.schema = is[i].schema ? schema
								     : NULL};
		struct exchange x = {.state = is[i].asks ? HTTP_ASK : HTTP_LIST,
				     .a = {.r = &r, .shape = is[i].shape}};
		struct failure f;
		int rc = http_refused(&x, &t, &f);

		assert_true(rc < 0 && rc == f.error);
		if ((rc == -EOPNOTSUPP) != is[i].refused)
			fail_msg("row %zu: %d", i, rc);
		if (is[i].refused)
			assert_false(f.again);
		buf_release(&t.body);
	}
	json_free(schema);
}

/* What it says is told as one line, be it JSON or a page. */
static void test_words_of_a_refusal(void **state)
{
	static const struct {
		const char *body, *says;
	} is[] = {
		{"{\"error\":{\"message\":\"no such\\nmodel\"}}",
		 "no such model"},
		{"<html>\r\n<b>Bad gateway</b>", "<html>  <b>Bad gateway</b>"},
		{"\xc2\x9b"
		 "31mred",
		 "  31mred"},
		{"", "404"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct transfer t = said(404, is[i].body);
		const struct llm_request r = {0};
		struct exchange x = {.state = HTTP_ASK, .a = {.r = &r}};
		struct failure f;

		http_refused(&x, &t, &f);
		if (!strstr(f.text, is[i].says))
			fail_msg("'%s' does not say '%s'", f.text, is[i].says);
		assert_null(strchr(f.text, '\n'));
		buf_release(&t.body);
	}
}

static void test_what_is_a_refusal(void **state)
{
	static const struct {
		long status;
		int error;
		bool refusal;
	} is[] = {
		{200, 0, false},      {400, 0, true},	  {500, -EPIPE, true},
		{400, -EINTR, false}, {0, -EPIPE, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct transfer t = {.status = is[i].status,
				     .error = is[i].error};

		assert_int_equal(http_is_refusal(&t), is[i].refusal);
	}
}

/* ---- the list of models -------------------------------------------------- */

#define NINE                                                           \
	"{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":7},{\"id\":\"d\"},"     \
	"{\"id\":\"e\"},{\"id\":\"f\"},{\"id\":\"g\"},{\"id\":\"h\"}," \
	"{\"id\":\"i\"}"

static void test_models(void **state)
{
	static const struct {
		long status;
		int error;
		const char *body;
		const char *model; /* NULL: none, and why */
		int rc;
		const char *says;
	} is[] = {
		{200, 0, "{\"data\":[{\"id\":\"m\"}]}", "m", 0, NULL},
		/* Where no list is kept any name does. */
		{404, 0, "gone", "default", 0, NULL},
		{405, 0, NULL, "default", 0, NULL},
		{501, 0, NULL, "default", 0, NULL},
		{200, 0, "{\"data\":[]}", NULL, -EINVAL, "lists no models"},
		{200, 0, "{\"data\":7}", NULL, -EINVAL, "lists no models"},
		{200, 0, "[]", NULL, -EINVAL, "lists no models"},
		{200, 0, "{\"data\":[{\"id\":7}]}", NULL, -EINVAL, ": ?"},
		{200, 0, "{\"data\":[{\"id\":\"a\\u001b\"},{}]}", NULL, -EINVAL,
		 "2 models; name one, as in URL#MODEL: a , ?"},
		{200, 0, "{\"data\":[" NINE "]}", NULL, -EINVAL,
		 "a, b, ?, d, e, f, g, h, …"},
		{200, 0, "<html>", NULL, -EBADMSG, "the list of models"},
		{200, 0, NULL, NULL, -EBADMSG, "the list of models"},
		{200, -EPIPE, "{\"data\"", NULL, -EBADMSG, ""},
		{0, -ECONNREFUSED, NULL, NULL, -EAGAIN, ""},
		{401, 0, "no key", NULL, -EACCES, "no key"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct transfer t = said(is[i].status, is[i].body);
		struct http_provider p = {0};
		const struct llm_request r = {0};
		struct exchange x = {
			.p = &p, .state = HTTP_LIST, .a = {.r = &r}};
		struct failure f = {0};

		t.error = is[i].error;
		if (http_list_done(&x, &t, &f) != is[i].rc)
			fail_msg("row %zu: %d %s", i, f.error, f.text);
		if (is[i].model)
			assert_string_equal(p.base.model, is[i].model);
		else
			assert_null(p.base.model);
		if (is[i].says && !strstr(f.text, is[i].says))
			fail_msg("'%s' does not say '%s'", f.text, is[i].says);
		free(p.base.model);
		buf_release(&t.body);
	}
}

/* ---- slots --------------------------------------------------------------- */

/* Each call has one of its own; who comes when all are taken goes without. */
static void test_slots(void **state)
{
	struct http_provider p = {.slots = 2};
	struct exchange x[3] = {{.p = &p}, {.p = &p}, {.p = &p}};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		http_take_slot(&x[i]);
	assert_int_equal(x[0].slot, 1);
	assert_int_equal(x[1].slot, 2);
	assert_int_equal(x[2].slot, 0);
	p.taken[0] = false;
	http_take_slot(&x[2]);
	assert_int_equal(x[2].slot, 1);
	/* It has one. */
	p.taken[1] = false;
	http_take_slot(&x[2]);
	assert_int_equal(x[2].slot, 1);
}

/* ---- where it is --------------------------------------------------------- */

static struct http_provider *made(const char *url, bool anthropic, bool stream,
				  int resume, long slots)
{
	const struct http_where w = {.url = url,
				     .anthropic = anthropic,
				     .resume = resume,
				     .slots = slots};
	const struct llm_opts o = {.stream = stream, .model = "m"};
	struct provider *p;

	if (http_provider_new(&w, &o, NULL, &p))
		fail_msg("%s: %s", url, err_text());
	return (struct http_provider *)p;
}

static void test_urls(void **state)
{
	static const struct {
		const char *base;
		bool anthropic;
		const char *url, *models, *root;
	} is[] = {
		{"http://localhost:1/v1", false,
		 "http://localhost:1/v1/chat/completions",
		 "http://localhost:1/v1/models", "http://localhost:1"},
		{"http://localhost:1/v1///", false,
		 "http://localhost:1/v1/chat/completions",
		 "http://localhost:1/v1/models", "http://localhost:1"},
		{"https://x.example/proxy?k=v1", false,
		 "https://x.example/proxy/chat/completions?k=v1",
		 "https://x.example/proxy/models?k=v1",
		 "https://x.example/proxy?k=v1"},
		{"https://x.example/a/v1?k=v", false,
		 "https://x.example/a/v1/chat/completions?k=v",
		 "https://x.example/a/v1/models?k=v",
		 "https://x.example/a?k=v"},
		{"https://x.example", true, "https://x.example/v1/messages",
		 "https://x.example/v1/models", "https://x.example"},
		{"https://x.example/v1/", true, "https://x.example/v1/messages",
		 "https://x.example/v1/models", "https://x.example"},
		{"https://x.example/v10", true,
		 "https://x.example/v10/v1/messages",
		 "https://x.example/v10/v1/models", "https://x.example/v10"},
		{"https://x.example/v1#m", false,
		 "https://x.example/v1/chat/completions",
		 "https://x.example/v1/models", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct http_provider *p =
			made(is[i].base, is[i].anthropic, true, -1, 0);

		assert_string_equal(p->url, is[i].url);
		assert_string_equal(p->models_url, is[i].models);
		if (is[i].root)
			assert_string_equal(p->root, is[i].root);
		p->base.ops->free(&p->base);
	}
}

/* How a turn goes on where nobody said: what runs here, what is Anthropic's,
 * and what others may begin anew. */
static void test_usual_ways(void **state)
{
	static const struct {
		const char *url;
		bool anthropic, stream;
		int said;
		enum llm_resume want;
	} is[] = {
		{"http://127.0.0.1:1/", false, true, -1, LLM_RESUME_CONTINUE},
		{"http://[::1]:1/", false, true, -1, LLM_RESUME_CONTINUE},
		{"http://localhost/", false, true, -1, LLM_RESUME_CONTINUE},
		{"https://x.example/", false, true, -1, LLM_RESUME_TURN},
		{"https://x.example/", true, true, -1, LLM_RESUME_CONTINUE},
		{"http://127.0.0.1:1/", false, false, -1, LLM_RESUME_NONE},
		{"https://x.example/", false, true, LLM_RESUME_SLOT,
		 LLM_RESUME_SLOT},
		/* A name that only begins like this machine's is another's. */
		{"https://localhost.example/", false, true, -1,
		 LLM_RESUME_TURN},
		{"https://127.0.0.1.example/", false, true, -1,
		 LLM_RESUME_TURN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct http_provider *p = made(is[i].url, is[i].anthropic,
					       is[i].stream, is[i].said, 1000);

		if (p->base.resume != is[i].want)
			fail_msg("%s: %d", is[i].url, p->base.resume);
		assert_int_equal(p->slots, HTTP_SLOTS);
		p->base.ops->free(&p->base);
	}
}

/* A key goes into a header: it must not begin another one. */
static void test_keys(void **state)
{
	static const char *const bad[] = {"a b", "a\nX: y", "a\x7f", "\t"};
	const struct llm_opts o = {0};
	struct http_where w = {.url = "http://localhost/", .resume = -1};
	struct provider *p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		w.key = bad[i];
		assert_int_equal(http_provider_new(&w, &o, NULL, &p), -EINVAL);
		assert_null(p);
		assert_non_null(strstr(err_text(), "the key"));
	}
	/* An empty one is none. */
	w.key = "";
	assert_int_equal(http_provider_new(&w, &o, NULL, &p), 0);
	assert_null(((struct http_provider *)p)->key);
	p->ops->free(p);
	w.key = "k";
	w.url = "http://far.example/";
	assert_int_equal(http_provider_new(&w, &o, NULL, &p), -EINVAL);
}

static void test_url_check(void **state)
{
	static const struct {
		const char *url, *host; /* NULL: it is none */
	} is[] = {
		{"https://x.example", "x.example"},
		{"https://x.example:8443/a", "x.example:8443"},
		{"http://127.1.2.3/", "127.1.2.3"},
		{"http://LocalHost/", "LocalHost"},
		{"http://10.0.0.1/", NULL},
		{"http://[::2]/", NULL},
		{"https://:pass@x.example/", NULL},
		{"https://user@x.example/", NULL},
		{"file:///etc/passwd", NULL},
		{"https://", NULL},
		{"x.example", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char *host;
		int rc = url_check(is[i].url, &host);

		if (rc != (is[i].host ? 0 : -EINVAL))
			fail_msg("%s: %d", is[i].url, rc);
		if (is[i].host)
			assert_string_equal(host, is[i].host);
		else
			assert_null(host);
		free(host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_beginning_anew_is_counted),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_words_of_a_refusal),
		cmocka_unit_test(test_what_is_a_refusal),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_usual_ways),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_url_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
