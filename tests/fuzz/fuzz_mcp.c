/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a client writes, in either era: what goes back is JSON-RPC, each id
 * is answered once at most, an opened stream ends once, and nothing is left
 * when the peer goes.
 *
 * The first byte says how: 1 a session of 2025-11-25 (of 2025-03-26 with 2),
 * 4 a stream for each message, 8 headers, 16 calls wait.  Each line is a
 * message; "@" in it stands for the last requestState.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz.h"
#include "mcp/server.h"

#define KEPT	 128
#define MESSAGES 100

struct pipe {
	struct world *w;
	bool ended;
};

struct world {
	struct mcp_server *s;
	struct mcp_peer *p;
	struct mcp_stream *all;
	struct pipe for_all, pipes[MESSAGES];
	struct mcp_call *kept[KEPT];
	size_t keeps;
	bool waits;
	int watches;
	char *state;
};

static struct json *text_json(const char *text)
{
	return json_parse(text, strlen(text));
}

/* ---- the offer ---------------------------------------------------------- */

static struct json *list(void *arg, enum mcp_list what,
			 const struct mcp_who *who)
{
	static const char tools[] =
		"[{\"name\":\"t\",\"execution\":{\"taskSupport\":\"optional\"},"
		"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"x\":{"
		"\"type\":\"string\",\"x-mcp-header\":\"X\"}}}},{\"name\":"
		"\"ask\",\"inputSchema\":{\"type\":\"object\"}}]";
	static const char prompts[] =
		"[{\"name\":\"p\",\"arguments\":[{\"name\":\"a\","
		"\"required\":true}]}]";

	(void)arg;
	expect(who->principal && who->name && who->version && who->revision);
	if (what == MCP_TOOLS)
		return text_json(tools);
	return text_json(what == MCP_PROMPTS ? prompts : "[]");
}

static void answer(struct mcp_call *c)
{
	mcp_call_progress(c, 1, 2, "half");
	mcp_call_log(c, "error", json_string("log"));
	mcp_call_trace(c, "baggage");
	switch (mcp_call_kind(c)) {
	case MCP_TOOL:
		mcp_call_done(
			c, mcp_result(json_copy(mcp_call_arguments(c)), NULL));
		break;
	case MCP_RESOURCE:
		mcp_call_fail(c, -32602, mcp_call_name(c), NULL);
		break;
	case MCP_PROMPT:
		mcp_call_done(c, text_json("{\"messages\":[]}"));
		break;
	case MCP_COMPLETION:
		mcp_call_done(c, text_json("{\"values\":[]}"));
		break;
	}
}

static void call(void *arg, struct mcp_call *c)
{
	struct mcp_task t = {.id = "task", .ttl_s = 60};
	struct world *w = arg;

	expect(json_type(mcp_call_arguments(c)) == JSON_OBJECT);
	if (mcp_call_kind(c) != MCP_COMPLETION &&
	    strstr(mcp_call_name(c), "ask") && !mcp_call_answer(c, "k"))
		mcp_call_ask(c, "k", "?", text_json("{\"type\":\"object\"}"));
	else if (w->waits && w->keeps < KEPT)
		w->kept[w->keeps++] = c;
	else if (mcp_call_as_task(c))
		mcp_call_task(c, &t);
	else
		answer(c);
}

static void cancel(void *arg, struct mcp_call *c)
{
	struct world *w = arg;

	for (size_t i = 0; i < w->keeps; i++)
		if (w->kept[i] == c) {
			w->kept[i] = NULL;
			return;
		}
	abort();
}

static int task(void *arg, const struct mcp_who *who, const char *id,
		struct mcp_task *out)
{
	(void)arg;
	(void)who;
	if (strcmp(id, "task"))
		return -ENOENT;
	*out = (struct mcp_task){.id = "task", .ttl_s = 60};
	return 0;
}

static size_t tasks(void *arg, const struct mcp_who *who, const char *after,
		    struct mcp_task *out, size_t max)
{
	(void)after;
	return max && !task(arg, who, "task", out);
}

static int task_cancel(void *arg, const struct mcp_who *who, const char *id)
{
	struct mcp_task t;

	return task(arg, who, id, &t);
}

static int watch(void *arg, const struct mcp_who *who, const char *uri, bool on)
{
	struct world *w = arg;

	(void)who;
	if (uri[0] == 'n')
		return -ENOENT;
	w->watches += on ? 1 : -1;
	expect(w->watches >= 0);
	return 0;
}

/* ---- the client --------------------------------------------------------- */

static void sent(void *arg, const char *text, size_t len, bool last)
{
	struct pipe *p = arg;
	struct json *v;

	expect(!p->ended);
	p->ended = last;
	if (!text) {
		expect(last && !len);
		return;
	}
	v = json_parse(text, len);
	expect(v && strlen(text) == len && !memchr(text, '\n', len));
	if (json_type(v) == JSON_OBJECT)
		expect(!strcmp(json_text_at(v, "jsonrpc"), "2.0"));
	else
		expect(json_type(v) == JSON_ARRAY && json_len(v));
	if (json_path(v, "result.requestState")) {
		free(p->w->state);
		p->w->state = strdup(json_text_at(v, "result.requestState"));
	}
	json_free(v);
}

static const struct mcp_stream_ops ops = {.send = sent};

static void take(struct world *w, struct pipe *pipe, const char *text,
		 size_t len, int how)
{
	static const struct mcp_headers h = {"2026-07-28", "tools/call", "t",
					     NULL};
	struct mcp_stream *s = w->all;
	int status;

	if (how & 4) {
		pipe->w = w;
		s = mcp_stream_open(w->p, MCP_STREAM_ANSWER, &ops, pipe);
	}
	status = mcp_take(w->p, s, text, len, how & 8 ? &h : NULL);
	expect(status == 200 || status == 202 || status == 400 ||
	       status == 404 || status == 429);
	if (how & 4)
		expect(status == 200 || pipe->ended == (status != 202));
}

/* "@" becomes the state. */
static void line(struct world *w, struct pipe *pipe, const char *text,
		 size_t len, int how)
{
	struct buf b;

	buf_init(&b, 1u << 22);
	for (size_t i = 0; i < len; i++)
		if (text[i] == '@' && w->state)
			buf_puts(&b, w->state);
		else
			buf_add(&b, text + i, 1);
	take(w, pipe, b.len ? b.data : "", b.len, how);
	buf_release(&b);
}

static void lines(struct world *w, const char *text, size_t size, int how)
{
	for (size_t n = 0; size && n < MESSAGES; n++) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;

		line(w, &w->pipes[n], text, len, how);
		text += len + (end ? 1 : 0);
		size -= len + (end ? 1 : 0);
		mcp_tick(w->s, (double)n);
	}
}

static void initialize(struct world *w, int how)
{
	static const char begin
		[] = "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\","
		     "\"params\":{\"protocolVersion\":\"",
	   end[] = "\",\"capabilities\":{\"elicitation\":{}},\"clientInfo\":{"
		   "\"name\":\"f\",\"version\":\"1\"}}}",
	   ready[] =
		   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
	struct buf b;

	buf_init(&b, 4096);
	buf_puts(&b, begin);
	buf_puts(&b, how & 2 ? "2025-03-26" : "2025-11-25");
	buf_puts(&b, end);
	take(w, NULL, b.data, b.len, 0);
	take(w, NULL, ready, strlen(ready), 0);
	expect(mcp_peer_is_session(w->p));
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof(*w));
	struct mcp_offer offer = {.name = "f",
				  .version = "1",
				  .arg = w,
				  .completes = true,
				  .list = list,
				  .call = call,
				  .cancel = cancel,
				  .task = task,
				  .tasks = tasks,
				  .task_cancel = task_cancel,
				  .watch = watch};
	struct mcp_server_opts o = {
		.offer = &offer, .max_calls = 8, .max_watches = 4};
	int how = size ? data[0] : 0;

	expect(w != NULL);
	w->waits = how & 16;
	w->s = mcp_server_new(&o);
	w->p = mcp_peer_new(w->s, "me");
	w->for_all.w = w;
	w->all = mcp_stream_open(w->p, MCP_STREAM_ALL, &ops, &w->for_all);
	if (how & 1)
		initialize(w, how);
	if (size)
		lines(w, (const char *)data + 1, size - 1, how);
	mcp_server_changed(w->s, "a");
	mcp_server_list_changed(w->s, MCP_TOOLS);
	for (size_t i = 0; i < w->keeps; i++)
		if (w->kept[i] && i % 2)
			answer(w->kept[i]);
	for (size_t i = 1; i < w->keeps; i += 2)
		w->kept[i] = NULL;
	mcp_tick(w->s, 5000);
	mcp_peer_free(w->p);
	expect(!w->watches && !w->for_all.ended);
	mcp_server_free(w->s);
	free(w->state);
	free(w);
	return 0;
}
