/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headers of a request say, before anything is read of its body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mcp/http_parts.h"

/* ---- headers that nobody sent -------------------------------------------- */

#define MOST 8

/* "Name: value" each, in the place of what libmicrohttpd has read. */
static const char *const *sent;

int MHD_get_connection_values(struct MHD_Connection *c, enum MHD_ValueKind kind,
			      MHD_KeyValueIterator take, void *arg)
{
	int n = 0;

	(void)c;
	for (; n < MOST && sent[n]; n++) {
		const char *colon = strchr(sent[n], ':');
		char *key = mem_strndup(sent[n], (size_t)(colon - sent[n]));

		/* A header without a value has none. */
		take(arg, kind, key, colon[1] ? colon + 2 : NULL);
		free(key);
	}
	return n;
}

static struct http_principal who[] = {{.name = (char *)"a"},
				      {.name = (char *)"b"}};
static char *origins[] = {(char *)"https://example.org", NULL};
static char *hosts[] = {(char *)"box.lan", (char *)"far.lan:8000", NULL};
static struct mcp_http server = {.origins = origins,
				 .hosts = hosts,
				 .who = who,
				 .who_count = 2,
				 .loopback = true};

static void ask(struct http_exchange *x, const char *const *headers,
		const char *method, const char *path)
{
	sent = headers;
	*x = (struct http_exchange){.h = &server};
	http_request_read(&x->rq, NULL);
	http_check(x, path, method);
}

static void done(struct http_exchange *x)
{
	http_request_release(&x->rq);
	free(x->no.text);
}

struct row {
	const char *headers[MOST];
	unsigned status; /* 0: it may be asked */
	const char *says;
};

static void check(const struct row *rows, size_t n, const char *method)
{
	for (size_t i = 0; i < n; i++) {
		struct http_exchange x;

		ask(&x, rows[i].headers, method, MCP_HTTP_PATH);
		if (x.no.status != rows[i].status)
			fail_msg("row %zu: %u %s", i, x.no.status,
				 x.no.text ? x.no.text : "");
		if (rows[i].says && !strstr(x.no.text, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i,
				 x.no.text, rows[i].says);
		done(&x);
	}
}

#define HOST "Host: localhost:8080"
#define JSON "Content-Type: application/json"

static void test_posts(void **state)
{
	static const struct row rows[] = {
		{{HOST, JSON}, 0, NULL},
		{{HOST, "Content-Type: \tApplication/JSON ; charset=utf-8"},
		 0,
		 NULL},
		{{HOST}, 415, "Content-Type"},
		{{HOST, "Content-Type: application/jsonl"}, 415, NULL},
		{{HOST, "Content-Type: text/plain"}, 415, NULL},
		{{HOST, "Content-Type:"}, 415, NULL},
		{{HOST, JSON, "Content-Encoding: identity"}, 0, NULL},
		{{HOST, JSON, "Content-Encoding: gzip"}, 415, "Encoding"},
		{{HOST, JSON, "Content-Length: 10"}, 0, NULL},
		{{HOST, JSON, "Content-Length: 99999999999"}, 413, "bytes"},
		{{HOST, JSON, JSON}, 400, "comes twice: Content-Type"},
		/* Where the body ends. */
		{{HOST, JSON, "Transfer-Encoding: Chunked"}, 0, NULL},
		{{HOST, JSON, "Transfer-Encoding: gzip"}, 400, "one way"},
		{{HOST, JSON, "Transfer-Encoding: chunked",
		  "Content-Length: 3"},
		 400,
		 "one way"},
		{{HOST, JSON, "Transfer-Encoding: chunked, chunked"},
		 400,
		 "one way"},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), "POST");
}

/* What it takes as an answer; one that it takes with q=0 it does not. */
static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		bool json, sse;
	} is[] = {
		{NULL, true, true},
		{"Accept: */*", true, true},
		{"Accept: application/json", true, false},
		{"Accept: Application/*", true, false},
		{"Accept: text/*", false, true},
		{"Accept: text/event-stream", false, true},
		{"Accept: text/html", false, false},
		{"Accept:", true, true},
		{"Accept: application/json, text/event-stream", true, true},
		{"Accept: application/json ,\ttext/event-stream;q=0.9", true,
		 true},
		{"Accept: application/json;q=0, text/event-stream", false,
		 true},
		{"Accept: application/json;q=0.000, */*;q=0.1", true, true},
		{"Accept: application/json; q=0.0 , text/html", false, false},
		{"Accept: application/json;q=0.01", true, false},
		{"Accept: application/json;q=1", true, false},
		{"Accept: application/json;q", true, false},
		{"Accept: application/json;q:0", true, false},
		{"Accept: ,,application/json,", true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		const char *const headers[] = {HOST, JSON, is[i].accept, NULL};
		struct http_exchange x;

		ask(&x, headers, "POST", MCP_HTTP_PATH);
		if (x.rq.json != is[i].json || x.rq.sse != is[i].sse)
			fail_msg("%s: %d %d", is[i].accept, x.rq.json,
				 x.rq.sse);
		/* One of them is enough to be answered. */
		assert_int_equal(x.no.status,
				 is[i].json || is[i].sse ? 0 : 406);
		done(&x);
		ask(&x, headers, "GET", MCP_HTTP_PATH);
		/* It has no session. */
		assert_int_equal(x.no.status, is[i].sse ? 400 : 406);
		done(&x);
	}
}

/* A page whose author had his name lead here names it. */
static void test_who_is_meant(void **state)
{
	static const struct row rows[] = {
		{{JSON}, 403, "Host"},
		{{"Host:", JSON}, 403, "Host"},
		{{"Host: LocalHost", JSON}, 0, NULL},
		{{"Host: 127.0.0.1:9", JSON}, 0, NULL},
		{{"Host: [::1]", JSON}, 0, NULL},
		{{"Host: [::1]:80", JSON}, 0, NULL},
		{{"Host: [::1", JSON}, 403, NULL},
		{{"Host: [::1]x", JSON}, 403, NULL},
		{{"Host: localhost:80x", JSON}, 403, NULL},
		{{"Host: localhost.evil.example", JSON}, 403, NULL},
		{{"Host: evil.example:8080", JSON}, 403, NULL},
		{{"Host: :8080", JSON}, 403, NULL},
		{{"Host: 10.0.0.1", JSON}, 403, NULL},
		/* As it was told, with any port or that one. */
		{{"Host: Box.lan:1", JSON}, 0, NULL},
		{{"Host: box.lan", JSON}, 0, NULL},
		{{"Host: far.lan:8000", JSON}, 0, NULL},
		{{"Host: far.lan:8001", JSON}, 403, NULL},
		{{HOST, HOST, JSON}, 400, "twice: Host"},
	};
	static const struct row elsewhere[] = {
		{{"Host: 10.0.0.1", JSON}, 0, NULL},
		{{"Host: 10.0.0.1:80", JSON}, 0, NULL},
		{{"Host: [fe80::1]:80", JSON}, 0, NULL},
		{{"Host: 10.0.0.", JSON}, 403, NULL},
		{{"Host: 10.0.0.1.evil.example", JSON}, 403, NULL},
		{{"Host: evil.example", JSON}, 403, NULL},
		{{"Host: ", JSON}, 403, NULL},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), "POST");
	/* Where it listens to a network it goes by addresses. */
	server.loopback = false;
	check(elsewhere, ARRAY_LEN(elsewhere), "POST");
	server.loopback = true;
}

static void test_origins(void **state)
{
	static const struct row rows[] = {
		{{HOST, JSON, "Origin: http://localhost:3000"}, 0, NULL},
		{{HOST, JSON, "Origin: https://127.0.0.1"}, 0, NULL},
		{{HOST, JSON, "Origin: HTTPS://Example.org"}, 0, NULL},
		{{HOST, JSON, "Origin: https://example.org:1"}, 403, NULL},
		{{HOST, JSON, "Origin: https://evil.example"}, 403, "Origin"},
		{{HOST, JSON, "Origin: null"}, 403, NULL},
		{{HOST, JSON, "Origin:"}, 403, NULL},
		{{HOST, JSON, "Origin: ftp://localhost"}, 403, NULL},
		{{HOST, JSON, "Origin: x-http://localhost"}, 403, NULL},
		{{HOST, JSON, "Origin: http://"}, 403, NULL},
		{{HOST, JSON, "Origin: http://localhost/x"}, 403, NULL},
		{{HOST, JSON, "Origin: http://user@localhost"}, 403, NULL},
		{{HOST, JSON, "Origin: http://localhost.evil.example"},
		 403,
		 NULL},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), "POST");
}

static void test_tokens(void **state)
{
	static const struct {
		const char *said, *who;
	} is[] = {
		{"Authorization: Bearer of-a", "a"},
		{"Authorization: bearer   of-b", "b"},
		{"Authorization: Bearer of-c", NULL},
		{"Authorization: Bearer of-a ", NULL},
		{"Authorization: Bearer ", NULL},
		{"Authorization: Basic of-a", NULL},
		{"Authorization: of-a", NULL},
		{"Authorization:", NULL},
		{NULL, NULL},
	};

	(void)state;
	digest_hex("of-a", 4, who[0].digest);
	digest_hex("of-b", 4, who[1].digest);
	server.o.token_count = 2;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		const char *const headers[] = {HOST, JSON, is[i].said, NULL};
		struct http_exchange x;

		ask(&x, headers, "POST", MCP_HTTP_PATH);
		assert_int_equal(x.no.status, is[i].who ? 0 : 401);
		if (is[i].who)
			assert_string_equal(x.who->name, is[i].who);
		done(&x);
	}
	server.o.token_count = 0;
}

/* A bucket of three, which a hundredth of a request a second fills. */
static void test_rate(void **state)
{
	static const char *const headers[] = {HOST, JSON, NULL};
	struct http_exchange x;

	(void)state;
	server.o.rate = 0.01;
	server.o.burst = 3;
	who[0].level = 3;
	who[0].at = clock_monotonic();
	for (int i = 0; i < 5; i++) {
		ask(&x, headers, "POST", MCP_HTTP_PATH);
		assert_int_equal(x.no.status, i < 3 ? 0 : 429);
		if (i >= 3)
			assert_in_range(x.no.retry_s, 90, 100);
		done(&x);
	}
	/* Nobody is sent away for longer than an hour. */
	server.o.rate = 1e-6;
	ask(&x, headers, "POST", MCP_HTTP_PATH);
	assert_int_equal(x.no.status, 429);
	assert_int_equal(x.no.retry_s, 3600);
	done(&x);
	server.o.rate = 0;
}

static void test_verbs_and_paths(void **state)
{
	static const struct {
		const char *method, *path, *revision;
		unsigned status;
	} is[] = {
		{"POST", "/mcp", NULL, 0},
		{"POST", "/", NULL, 404},
		{"POST", "/mcp/", NULL, 404},
		{"PUT", "/mcp", NULL, 405},
		{"post", "/mcp", NULL, 405},
		/* Both need a session, which the new era does not have. */
		{"GET", "/mcp", NULL, 400},
		{"DELETE", "/mcp", NULL, 400},
		{"GET", "/mcp", "MCP-Protocol-Version: 2025-11-25", 400},
		{"DELETE", "/mcp", "MCP-Protocol-Version: 2026-07-28", 405},
		{"GET", "/mcp", "MCP-Protocol-Version: 2027-01-01", 405},
		{"POST", "/mcp", "MCP-Protocol-Version: 2026-07-28", 0},
		{"POST", "/mcp", "Mcp-Session-Id: none", 404},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		const char *const headers[] = {HOST, JSON, is[i].revision,
					       NULL};
		struct http_exchange x;

		ask(&x, headers, is[i].method, is[i].path);
		if (x.no.status != is[i].status)
			fail_msg("row %zu: %u", i, x.no.status);
		done(&x);
	}
}

/* A session is its principal's alone. */
static void test_sessions(void **state)
{
	const char *headers[] = {HOST, JSON, NULL, NULL, NULL};
	struct http_exchange x = {.h = &server, .who = &who[0]};
	char line[64];

	(void)state;
	server.o.max_sessions = 2;
	assert_true(http_session_room(&server));
	http_session_new(&x);
	assert_string_equal(x.told_session, x.session->id);
	snprintf(line, sizeof(line), "Mcp-Session-Id: %s", x.told_session);
	assert_ptr_equal(http_session_find(&server, x.told_session, &who[0]),
			 server.sessions);
	assert_null(http_session_find(&server, x.told_session, &who[1]));
	assert_null(http_session_find(&server, "", &who[0]));
	/* In the new era it says nothing. */
	headers[2] = line;
	headers[3] = "MCP-Protocol-Version: 2026-07-28";
	ask(&x, headers, "POST", MCP_HTTP_PATH);
	assert_int_equal(x.no.status, 0);
	assert_false(x.in_session);
	done(&x);
	/* A second one; both are new, so there is no room for a third. */
	x = (struct http_exchange){.h = &server, .who = &who[1]};
	http_session_new(&x);
	assert_int_equal(server.session_count, 2);
	assert_false(http_session_room(&server));
	/* The older of two that nobody needs makes room for it, */
	server.sessions->used -= 100;
	server.sessions->next->used -= 200;
	assert_true(http_session_room(&server));
	assert_int_equal(server.session_count, 1);
	assert_ptr_equal(server.sessions->who, &who[1]);
	/* not one that is at work, */
	x = (struct http_exchange){.h = &server, .session = server.sessions};
	server.exchanges = &x;
	server.o.max_sessions = 1;
	assert_false(http_session_room(&server));
	/* which is not forgotten either. */
	server.o.session_s = 10;
	http_session_expire(&server, server.sessions->used + 1000);
	assert_int_equal(server.session_count, 1);
	server.exchanges = NULL;
	http_session_expire(&server, server.sessions->used + 10);
	assert_int_equal(server.session_count, 1);
	http_session_expire(&server, server.sessions->used + 11);
	assert_int_equal(server.session_count, 0);
}

/* Text in base64, where a header cannot hold it. */
static void test_names_in_base64(void **state)
{
	static const struct {
		const char *header, *name;
	} is[] = {
		{"Mcp-Name: plain", "plain"},
		{"Mcp-Name: plain \t", "plain"},
		{"Mcp-Name: =?base64?w6k=?=", "\xc3\xa9"},
		{"Mcp-Name: =?BASE64?w6k=?= ", "\xc3\xa9"},
		{"Mcp-Name: =?base64?"
		 "?=",
		 ""},
		{"Mcp-Name: =?base64?w6k=", "=?base64?w6k="},
		{"Mcp-Name: =?base64?=", "=?base64?="},
		{"Mcp-Name:", ""},
		/* none; bytes that are no text; a NUL */
		{"Mcp-Name: =?base64?***?=", NULL},
		{"Mcp-Name: =?base64?/w==?=", NULL},
		{"Mcp-Name: =?base64?YQBi?=", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		const char *const headers[] = {HOST, JSON, is[i].header, NULL};
		struct http_exchange x;

		ask(&x, headers, "POST", MCP_HTTP_PATH);
		assert_int_equal(x.no.status, is[i].name ? 0 : 400);
		if (is[i].name)
			assert_string_equal(x.rq.name, is[i].name);
		else
			assert_non_null(strstr(x.no.text, "Mcp-Name"));
		done(&x);
	}
}

/* Parameters of tools, whose names are of no case. */
static void test_params(void **state)
{
	static const char *const good[] = {
		HOST, JSON, "Mcp-Param-Region: eu",
		"mcp-param-TEXT: =?base64?w6k=?=", NULL};
	static const struct row bad[] = {
		{{HOST, JSON, "Mcp-Param-A: 1", "MCP-Param-a: 1"},
		 400,
		 "twice: Mcp-Param"},
		{{HOST, JSON, "Mcp-Param-A: =?base64?***?="},
		 400,
		 "not: Mcp-Param"},
	};
	struct http_exchange x;

	(void)state;
	ask(&x, good, "POST", MCP_HTTP_PATH);
	assert_int_equal(x.no.status, 0);
	assert_string_equal(json_text_at(x.rq.params, "region"), "eu");
	assert_string_equal(json_text_at(x.rq.params, "text"), "\xc3\xa9");
	done(&x);
	check(bad, ARRAY_LEN(bad), "POST");
}

/* ---- where it listens ---------------------------------------------------- */

static int opened(const char *address, unsigned port,
		  const struct mcp_http_token *tokens, size_t n,
		  struct mcp_http **h)
{
	struct mcp_http_opts o = {0};
	struct events *events = events_new();
	int rc;

	mcp_http_defaults(&o);
	o.events = events;
	o.address = address;
	o.port = port;
	o.tokens = tokens;
	o.token_count = n;
	rc = mcp_http_open(&o, h);
	if (!rc) {
		assert_in_range(mcp_http_port(*h), 1, 65535);
		/* It is there once. */
		if (!port)
			assert_int_equal(opened(address, mcp_http_port(*h),
						tokens, n, h + 1),
					 -EADDRINUSE);
		mcp_http_close(*h);
	}
	events_free(events);
	return rc;
}

static void test_where_it_listens(void **state)
{
	static const struct mcp_http_token token = {.principal = "a",
						    .token = "t"};
	static const struct mcp_http_token hash = {.principal = "b",
						   .sha256 = "00"};
	static const struct mcp_http_token none = {.principal = "c",
						   .token = ""};
	static const struct {
		const char *address;
		const struct mcp_http_token *token;
		int rc;
	} is[] = {
		{NULL, NULL, 0},
		{"localhost", NULL, 0},
		{"127.0.0.1", &token, 0},
		{"127.0.0.1", &hash, 0},
		{"127.0.0.1", &none, -EINVAL},
		/* Elsewhere it insists on tokens. */
		{"0.0.0.0", NULL, -EACCES},
		{"::", NULL, -EACCES},
		{"0.0.0.0", &none, -EINVAL},
		{"127.0.0.1.example.org", NULL, -EINVAL},
		{"example.org", &token, -EINVAL},
		{"", &token, -EINVAL},
	};

	(void)state;
	mcp_http_close(NULL);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct mcp_http *h[2] = {NULL, NULL};
		int rc = opened(is[i].address, 0, is[i].token,
				is[i].token != NULL, h);

		if (rc != is[i].rc)
			fail_msg("%s: %d %s", is[i].address, rc, err_text());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posts),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_who_is_meant),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_verbs_and_paths),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_names_in_base64),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_where_it_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
