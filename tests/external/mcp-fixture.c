/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server for tests: by its standard input and output, or with --http PORT.
 *
 *   mcp-fixture [--http PORT [--address A] [--token NAME=TOKEN]...
 *               [--origin O]... [--host H]... [--connections N]
 *               [--per-address N] [--sessions N] [--patience S]
 *               [--session-idle S] [--quiet S] [--rate N] [--burst N]]
 *               [--linger S]
 *
 * With --http it says on standard output where it listens.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mcp/http.h"
#include "mcp/stdio.h"
#include "tests/external/mcp-fixture.h"

#define MANY 16

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* ---- the offer ---------------------------------------------------------- */

static struct json *offer_list(void *arg, enum mcp_list what,
			       const struct mcp_who *who)
{
	const struct fixture *f = arg;

	(void)who;
	switch (what) {
	case MCP_TOOLS:
		return json_copy(f->tools);
	case MCP_RESOURCES:
		return json_copy(f->resources);
	case MCP_TEMPLATES:
		return json_copy(f->templates);
	default:
		return json_copy(f->prompts);
	}
}

static void offer_keep(void *arg, const char *uri, long *ttl_ms,
		       const char **scope)
{
	(void)arg;
	*ttl_ms = uri ? 1000 : 60000;
	*scope = uri ? "private" : "public";
}

static void offer_defect(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "mcp-fixture: %s\n", text);
}

static int offer_watch(void *arg, const struct mcp_who *who, const char *uri,
		       bool on)
{
	(void)arg;
	(void)who;
	(void)on;
	return strcmp(uri, "test://watched-resource") != 0 &&
			       strcmp(uri, "test://static-text") != 0
		       ? -ENOENT
		       : 0;
}

static void read_resource(struct mcp_call *c)
{
	const char *uri = mcp_call_name(c);
	struct json *r = parse("{\"contents\":[]}"), *all = json_array();
	struct json *one = json_object();
	char id[64];
	int n = 0;

	json_set_string(one, "uri", uri);
	if (!strcmp(uri, "test://static-text") ||
	    !strcmp(uri, "test://watched-resource")) {
		json_set_string(one, "mimeType", "text/plain");
		json_set_string(one, "text",
				"This is the content of the static text "
				"resource.");
	} else if (!strcmp(uri, "test://static-binary")) {
		json_set_string(one, "mimeType", "image/png");
		json_set_string(one, "blob", PNG);
	} else if (sscanf(uri, "test://template/%63[a-z0-9]/data%n", id, &n) ==
			   1 &&
		   n == (int)strlen(uri)) {
		char *text = mem_printf("{\"id\":\"%s\",\"templateTest\":true,"
					"\"data\":\"Data for ID: %s\"}",
					id, id);

		json_set_string(one, "mimeType", "application/json");
		json_set_string(one, "text", text);
		free(text);
	} else {
		struct json *data = json_object();

		json_set_string(data, "uri", uri);
		mcp_call_fail(c, -32602, "Resource not found", data);
		json_free(one);
		json_free(all);
		json_free(r);
		return;
	}
	json_add(all, one);
	json_set(r, "contents", all);
	mcp_call_done(c, r);
}

static void add_message(struct json *messages, struct json *block)
{
	struct json *m = json_object();

	json_set_string(m, "role", "user");
	json_set(m, "content", block);
	json_add(messages, m);
}

static void say_prompt(struct mcp_call *c, struct json *first,
		       struct json *second)
{
	struct json *r = json_object();
	struct json *messages = json_set(r, "messages", json_array());

	add_message(messages, first);
	if (second)
		add_message(messages, second);
	mcp_call_done(c, r);
}

static void get_prompt(struct mcp_call *c)
{
	const char *name = mcp_call_name(c);
	const struct json *a = mcp_call_arguments(c);

	if (!strcmp(name, "test_simple_prompt")) {
		say_prompt(c,
			   block_text("This is a simple prompt for testing."),
			   NULL);
	} else if (!strcmp(name, "test_prompt_with_arguments")) {
		char *text = mem_printf("Prompt with arguments: arg1='%s', "
					"arg2='%s'",
					json_text_at(a, "arg1"),
					json_text_at(a, "arg2"));

		say_prompt(c, block_text(text), NULL);
		free(text);
	} else if (!strcmp(name, "test_prompt_with_embedded_resource")) {
		say_prompt(c,
			   block_resource(json_text_at(a, "resourceUri"),
					  "text/plain",
					  "Embedded resource content for "
					  "testing."),
			   block_text("Please process the embedded resource "
				      "above."));
	} else if (!strcmp(name, "test_prompt_with_image")) {
		say_prompt(c, block_of("image", PNG, "image/png"),
			   block_text("Please analyze the image above."));
	} else if (strcmp(name, "test_input_required_result_prompt") != 0) {
		mcp_call_fail(c, -32602, "there is no such prompt", NULL);
	} else if (mcp_call_answer(c, "user_context")) {
		say_prompt(c,
			   block_text(json_text_at(
				   mcp_call_answer(c, "user_context"),
				   "content.context")),
			   NULL);
	} else {
		mcp_call_ask(c, "user_context",
			     "What context should the prompt use?",
			     parse("{\"type\":\"object\",\"properties\":"
				   "{\"context\":{\"type\":\"string\"}},"
				   "\"required\":[\"context\"]}"));
	}
}

static void complete(struct mcp_call *c)
{
	static const char *const words[] = {"paris", "park", "party"};
	const char *begun = json_text_at(mcp_call_arguments(c), "value");
	struct json *r = json_object();
	struct json *values = json_set(r, "values", json_array());
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strncmp(words[i], begun, strlen(begun))) {
			json_add(values, json_string(words[i]));
			n++;
		}
	json_set_number(r, "total", (double)n);
	json_set_bool(r, "hasMore", false);
	mcp_call_done(c, r);
}

static void offer_call(void *arg, struct mcp_call *c)
{
	switch (mcp_call_kind(c)) {
	case MCP_TOOL:
		tool_call(arg, c);
		break;
	case MCP_RESOURCE:
		read_resource(c);
		break;
	case MCP_PROMPT:
		get_prompt(c);
		break;
	default:
		complete(c);
	}
}

static void offer_cancel(void *arg, struct mcp_call *c)
{
	tool_cancel(arg, c);
}

/* ---- the server --------------------------------------------------------- */

static struct mcp_http_token tokens[MANY];
static const char *origins[MANY], *hosts[MANY];

static void usage(void)
{
	fputs("usage: mcp-fixture [--http PORT ...] [--linger S]\n", stderr);
	exit(2);
}

static void add_token(struct mcp_http_opts *o, char *said)
{
	char *is = strchr(said, '=');

	if (!is || o->token_count == MANY)
		usage();
	*is = '\0';
	tokens[o->token_count++] =
		(struct mcp_http_token){.principal = said, .token = is + 1};
	o->tokens = tokens;
}

/* Those that are numbers. */
static bool set_number(struct mcp_http_opts *o, int c)
{
	double x = strtod(optarg, NULL);

	switch (c) {
	case 'c':
		o->max_connections = (size_t)x;
		break;
	case 'i':
		o->max_per_address = (size_t)x;
		break;
	case 's':
		o->max_sessions = (size_t)x;
		break;
	case 'w':
		o->patience_s = x;
		break;
	case 'e':
		o->session_s = x;
		break;
	case 'q':
		o->quiet_s = x;
		break;
	case 'r':
		o->rate = x;
		break;
	case 'b':
		o->burst = x;
		break;
	default:
		return false;
	}
	return true;
}

static bool options(int argc, char **argv, struct mcp_http_opts *o,
		    double *linger)
{
	static const struct option known[] = {
		{"http", required_argument, NULL, 'p'},
		{"address", required_argument, NULL, 'a'},
		{"token", required_argument, NULL, 't'},
		{"origin", required_argument, NULL, 'o'},
		{"host", required_argument, NULL, 'h'},
		{"connections", required_argument, NULL, 'c'},
		{"per-address", required_argument, NULL, 'i'},
		{"sessions", required_argument, NULL, 's'},
		{"patience", required_argument, NULL, 'w'},
		{"session-idle", required_argument, NULL, 'e'},
		{"quiet", required_argument, NULL, 'q'},
		{"rate", required_argument, NULL, 'r'},
		{"burst", required_argument, NULL, 'b'},
		{"linger", required_argument, NULL, 'l'},
		{0},
	};
	bool http = false;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'p') {
			http = true;
			o->port = (unsigned)strtoul(optarg, NULL, 10);
		} else if (c == 'a') {
			o->address = optarg;
		} else if (c == 't') {
			add_token(o, optarg);
		} else if (c == 'o' && o->origin_count < MANY) {
			origins[o->origin_count++] = optarg;
			o->origins = origins;
		} else if (c == 'h' && o->host_count < MANY) {
			hosts[o->host_count++] = optarg;
			o->hosts = hosts;
		} else if (c == 'l') {
			*linger = strtod(optarg, NULL);
		} else if (!set_number(o, c)) {
			usage();
		}
	}
	return http;
}

struct ticker_arg {
	struct mcp_server *server;
	struct event_timer *timer;
};

static void on_tick(void *arg)
{
	struct ticker_arg *t = arg;

	mcp_tick(t->server, clock_monotonic());
	event_timer_set(t->timer, 1);
}

static int over_rc;

static void on_over(void *arg, int rc)
{
	over_rc = rc;
	if (rc)
		fprintf(stderr, "mcp-fixture: %s\n", err_text());
	events_stop(arg);
}

static int serve_stdio(struct fixture *f, double linger)
{
	const struct mcp_stdio_opts o = {
		.server = f->server,
		.events = f->events,
		.in = 0,
		.out = 1,
		.principal = "stdio",
		.linger_s = linger,
		.over = on_over,
		.arg = f->events,
	};
	struct mcp_stdio *t = mcp_stdio_open(&o);
	int rc = events_run(f->events, &stop);

	mcp_stdio_close(t);
	return rc ? rc : over_rc;
}

static int serve_http(struct fixture *f, struct mcp_http_opts *o)
{
	struct mcp_http *h;
	int rc;

	o->server = f->server;
	o->events = f->events;
	rc = mcp_http_open(o, &h);
	if (rc)
		return rc;
	printf("http://127.0.0.1:%u/mcp\n", mcp_http_port(h));
	fflush(stdout);
	rc = events_run(f->events, &stop);
	mcp_http_close(h);
	return rc;
}

int main(int argc, char **argv)
{
	struct fixture f = {.events = events_new()};
	struct mcp_server_opts so = {
		.offer = &f.offer, .max_calls = 64, .max_watches = 64};
	struct mcp_http_opts o = {0};
	struct ticker_arg t;
	double linger = INFINITY;
	bool http;
	int rc;

	mcp_http_defaults(&o);
	http = options(argc, argv, &o, &linger);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	f.offer = (struct mcp_offer){
		.name = "mcp-fixture",
		.title = "What the conformance suite asks for",
		.version = "1",
		.instructions = "Call what the test says.",
		.arg = &f,
		.completes = true,
		.unasked = true, /* as several scenarios want it */
		.list = offer_list,
		.keep = offer_keep,
		.call = offer_call,
		.cancel = offer_cancel,
		.task = task_get,
		.tasks = task_list,
		.task_cancel = task_stop,
		.task_answer = task_answer,
		.watch = offer_watch,
		.defect = offer_defect,
	};
	lists_make(&f);
	if (getrandom(so.key, sizeof(so.key), 0) != (ssize_t)sizeof(so.key))
		return 3;
	f.server = t.server = mcp_server_new(&so);
	t.timer = event_timer_new(f.events, on_tick, &t);
	on_tick(&t);
	rc = http ? serve_http(&f, &o) : serve_stdio(&f, linger);
	if (rc && rc != over_rc)
		fprintf(stderr, "mcp-fixture: %s\n", err_text());
	mcp_server_free(f.server);
	task_forget_all(&f);
	lists_free(&f);
	events_free(f.events);
	return rc ? 3 : 0;
}
