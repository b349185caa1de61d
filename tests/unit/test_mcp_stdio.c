/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages by pipes, with clients that write and read as they please. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mcp/stdio.h"

#define TURNS 100000

struct world {
	struct events *e;
	struct mcp_offer offer;
	struct mcp_server *s;
	struct mcp_stdio *t;
	int to, from;		/* the client's ends */
	int in, out;		/* the server's */
	struct mcp_call *waits; /* of the tool "wait" */
	size_t cancelled;
	bool over;
	int rc;
	struct buf got;
};

/* ---- the offer ---------------------------------------------------------- */

static struct json *list(void *arg, enum mcp_list what,
			 const struct mcp_who *who)
{
	static const char tools[] =
		"[{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}},"
		"{\"name\":\"large\",\"inputSchema\":{\"type\":\"object\"}},"
		"{\"name\":\"flood\",\"inputSchema\":{\"type\":\"object\"}},"
		"{\"name\":\"wait\",\"inputSchema\":{\"type\":\"object\"}}]";

	(void)arg;
	(void)who;
	return what == MCP_TOOLS ? json_parse(tools, strlen(tools)) : NULL;
}

static void keep(void *arg, const char *uri, long *ttl_ms, const char **scope)
{
	(void)arg;
	(void)uri;
	*ttl_ms = 0;
	*scope = "private";
}

static void on_call(void *arg, struct mcp_call *c)
{
	struct world *w = arg;
	const char *name = mcp_call_name(c);
	char *much = mem_zalloc(1, (1 << 20) + 1);
	bool flood = !strcmp(name, "flood");

	memset(much, 'x', 1 << 20);
	if (!strcmp(name, "echo"))
		mcp_call_done(c, mcp_result(NULL, "echo"));
	else if (!strcmp(name, "large"))
		mcp_call_done(c, mcp_result(NULL, much));
	else
		w->waits = c;
	for (int i = 0; flood && i < 40; i++)
		mcp_call_log(c, "error", json_string(much));
	free(much);
}

static void on_cancel(void *arg, struct mcp_call *c)
{
	struct world *w = arg;

	assert_ptr_equal(w->waits, c);
	w->waits = NULL;
	w->cancelled++;
}

/* ---- a world ------------------------------------------------------------ */

static void on_over(void *arg, int rc)
{
	struct world *w = arg;

	assert_false(w->over);
	w->over = true;
	w->rc = rc;
}

static void world_init(struct world *w, double linger_s)
{
	struct mcp_server_opts so = {
		.offer = &w->offer, .max_calls = 8, .max_watches = 8};
	struct mcp_stdio_opts o = {.principal = "stdio",
				   .linger_s = linger_s,
				   .over = on_over,
				   .arg = w};
	int in[2], out[2];

	*w = (struct world){.e = events_new()};
	w->offer = (struct mcp_offer){.name = "test",
				      .version = "1",
				      .arg = w,
				      .list = list,
				      .keep = keep,
				      .call = on_call,
				      .cancel = on_cancel};
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	w->s = o.server = mcp_server_new(&so);
	o.events = w->e;
	mcp_tick(w->s, clock_monotonic());
	w->in = o.in = in[0];
	w->out = o.out = out[1];
	w->to = in[1];
	w->from = out[0];
	w->t = mcp_stdio_open(&o);
	buf_init(&w->got, 64 << 20);
	buf_puts(&w->got, "");
}

static void world_release(struct world *w)
{
	mcp_stdio_close(w->t);
	mcp_server_free(w->s);
	events_free(w->e);
	if (w->to >= 0)
		close(w->to);
	if (w->from >= 0)
		close(w->from);
	close(w->in);
	close(w->out);
	buf_release(&w->got);
}

/* Turns until there is nothing to be done. */
static void settle(struct world *w)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(events_turn(w->e, 0), 0);
}

/* What there is to be read now. */
static void hear(struct world *w)
{
	char chunk[65536];
	int n = 0;

	while (ioctl(w->from, FIONREAD, &n) == 0 && n > 0) {
		ssize_t got = read(w->from, chunk, sizeof(chunk));

		assert_true(got > 0);
		assert_int_equal(buf_add(&w->got, chunk, (size_t)got), 0);
		settle(w);
	}
}

/* All of it, while the server takes it and nothing is read of what it says. */
static void tell_deaf(struct world *w, const char *text, size_t len)
{
	while (len) {
		size_t n = len < 4096 ? len : 4096;

		assert_int_equal(write(w->to, text, n), n);
		text += n;
		len -= n;
		settle(w);
	}
}

static void tell(struct world *w, const char *text)
{
	tell_deaf(w, text, strlen(text));
	settle(w);
	hear(w);
}

static size_t lines(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->got.len; i++)
		n += w->got.data[i] == '\n';
	return n;
}

static void finish(struct world *w)
{
	close(w->to);
	w->to = -1;
	for (int i = 0; i < TURNS && !w->over; i++) {
		assert_int_equal(events_turn(w->e, 0.001), 0);
		hear(w);
	}
	assert_true(w->over);
}

#define META                                                                \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"           \
	"\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}," \
	"\"io.modelcontextprotocol/logLevel\":\"debug\"}"
#define CALL(id, tool)                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\"," \
	"\"params\":{\"name\":\"" tool "\"," META "}}"

/* ---- lines -------------------------------------------------------------- */

static void test_lines(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, INFINITY);
	tell(&w, CALL("1", "echo") "\n" CALL("2", "echo") "\r\n\n\r\n");
	assert_int_equal(lines(&w), 2);
	assert_non_null(strstr(w.got.data, "\"id\":1,"));
	assert_non_null(strstr(w.got.data, "\"id\":2,"));
	tell(&w, "{\n");
	assert_int_equal(lines(&w), 3);
	assert_non_null(strstr(w.got.data, "-32700"));
	/* The last one lacks its newline. */
	tell(&w, CALL("3", "echo"));
	assert_int_equal(lines(&w), 3);
	finish(&w);
	assert_int_equal(w.rc, 0);
	assert_int_equal(lines(&w), 4);
	assert_non_null(strstr(w.got.data, "\"id\":3,"));
	world_release(&w);
}

static void test_byte_by_byte(void **state)
{
	static const char text[] = CALL("\"\xc3\xab\"", "echo") "\n";
	struct world w;

	(void)state;
	world_init(&w, INFINITY);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		tell_deaf(&w, text + i, 1);
	settle(&w);
	hear(&w);
	assert_int_equal(lines(&w), 1);
	assert_non_null(strstr(w.got.data, "\"id\":\"\xc3\xab\""));
	world_release(&w);
}

/* One error for the line, whatever is in it, and the next is taken. */
static void test_too_long(void **state)
{
	const size_t much = 3 * (size_t)MCP_MAX_MESSAGE + 12345;
	char *text = mem_zalloc(1, much + 1);
	struct world w;

	(void)state;
	world_init(&w, INFINITY);
	memset(text, '[', much);
	tell(&w, text);
	assert_int_equal(lines(&w), 1);
	assert_non_null(strstr(w.got.data, "-32600"));
	assert_null(strstr(w.got.data, "\"id\""));
	tell(&w, "]\n" CALL("1", "echo") "\n");
	assert_int_equal(lines(&w), 2);
	assert_non_null(strstr(w.got.data, "\"id\":1,"));
	/* Another one, which the input's end cuts. */
	tell(&w, text);
	assert_int_equal(lines(&w), 3);
	finish(&w);
	assert_int_equal(w.rc, 0);
	assert_int_equal(lines(&w), 3);
	world_release(&w);
	free(text);
}

/* As long as may be, and one byte more in one read. */
static void test_just_long(void **state)
{
	static const char call[] = CALL("1", "echo");
	char *text = mem_zalloc(1, MCP_MAX_MESSAGE + 3);
	struct world w;

	(void)state;
	world_init(&w, INFINITY);
	memset(text, ' ', MCP_MAX_MESSAGE + 1);
	memcpy(text, call, sizeof(call) - 1);
	text[MCP_MAX_MESSAGE] = '\n';
	tell(&w, text);
	assert_int_equal(lines(&w), 1);
	assert_non_null(strstr(w.got.data, "\"id\":1,"));
	memcpy(text + MCP_MAX_MESSAGE, " \n", 2);
	tell(&w, text);
	assert_int_equal(lines(&w), 2);
	assert_non_null(strstr(w.got.data, "-32600"));
	world_release(&w);
	free(text);
}

/* ---- who does not read -------------------------------------------------- */

static void test_pressure(void **state)
{
	struct world w;
	int n;

	(void)state;
	world_init(&w, INFINITY);
	/* Less than a pipe holds, so that this does not wait either. */
	for (int i = 0; i < 20; i++) {
		static const char call[] = CALL("1", "large") "\n";

		assert_int_equal(write(w.to, call, sizeof(call) - 1),
				 sizeof(call) - 1);
		for (int k = 0; k < 50; k++)
			assert_int_equal(events_turn(w.e, 0), 0);
	}
	/* It has stopped taking them. */
	assert_int_equal(ioctl(w.in, FIONREAD, &n), 0);
	assert_true(n > 0);
	assert_false(w.over);
	/* And goes on when it is read. */
	for (int i = 0; i < TURNS && lines(&w) < 20; i++) {
		assert_int_equal(events_turn(w.e, 0.001), 0);
		hear(&w);
	}
	assert_int_equal(lines(&w), 20);
	assert_true(w.got.len > 20u << 20);
	finish(&w);
	assert_int_equal(w.rc, 0);
	world_release(&w);
}

/* It is told more and more of what goes on, and reads nothing. */
static void test_deaf(void **state)
{
	static const char call[] = CALL("1", "flood") "\n";
	struct world w;

	(void)state;
	world_init(&w, INFINITY);
	tell_deaf(&w, call, sizeof(call) - 1);
	for (int i = 0; i < 10 && !w.over; i++)
		settle(&w);
	assert_true(w.over);
	assert_int_equal(w.rc, -ENOBUFS);
	assert_non_null(strstr(err_text(), "does not read"));
	world_release(&w);
	assert_int_equal(w.cancelled, 1);
}

static void test_reader_gone(void **state)
{
	static const char call[] = CALL("1", "echo") "\n";
	struct world w;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	world_init(&w, INFINITY);
	close(w.from);
	w.from = -1;
	tell_deaf(&w, call, sizeof(call) - 1);
	settle(&w);
	assert_true(w.over);
	assert_int_equal(w.rc, -EPIPE);
	world_release(&w);
}

/* ---- the end ------------------------------------------------------------ */

/* What was asked for is answered first. */
static void test_linger(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, INFINITY);
	tell(&w, CALL("1", "wait") "\n");
	close(w.to);
	w.to = -1;
	settle(&w);
	settle(&w);
	assert_false(w.over);
	mcp_call_done(w.waits, mcp_result(NULL, "at last"));
	for (int i = 0; i < TURNS && !w.over; i++)
		assert_int_equal(events_turn(w.e, 0.001), 0);
	hear(&w);
	assert_non_null(strstr(w.got.data, "at last"));
	assert_int_equal(w.rc, 0);
	world_release(&w);
	assert_int_equal(w.cancelled, 0);
}

/* Or cancelled. */
static void test_no_linger(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0.01);
	tell(&w, CALL("1", "wait") "\n");
	finish(&w);
	assert_int_equal(w.rc, 0);
	world_release(&w);
	assert_int_equal(w.cancelled, 1);
}

/* Who listens keeps nobody, and is told that it has ended. */
static void test_listens(void **state)
{
	char last[65536];
	struct world w;
	ssize_t n;

	(void)state;
	world_init(&w, INFINITY);
	tell(&w, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":"
		 "\"subscriptions/listen\",\"params\":{\"notifications\":"
		 "{\"toolsListChanged\":true}," META "}}\n");
	assert_non_null(strstr(w.got.data, "acknowledged"));
	finish(&w);
	assert_int_equal(w.rc, 0);
	mcp_stdio_close(w.t);
	w.t = NULL;
	n = read(w.from, last, sizeof(last) - 1);
	assert_true(n > 0);
	last[n] = '\0';
	assert_non_null(strstr(last, "\"id\":7,"));
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_just_long),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_no_linger),
		cmocka_unit_test(test_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
