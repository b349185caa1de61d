/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request and its answer.
 *
 * If the first that is to be said is the answer, it is JSON; otherwise, or if
 * there is nothing to be said for long, it is a stream of events.  While there
 * is nothing the connection is suspended, and then nobody but we looks whether
 * its client is still there.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mcp/http_parts.h"

#define BLOCK	32768
#define COMMENT ":\n\n"
#define EVENT	"event: message\ndata: "

/* ---- its life ----------------------------------------------------------- */

struct http_exchange *http_exchange_new(struct http_conn *c,
					struct MHD_Connection *mhd)
{
	struct http_exchange *x = mem_zalloc(1, sizeof(*x));
	struct mcp_http *h = c->h;

	x->h = h;
	x->conn = c;
	x->mhd = mhd;
	x->status = 200;
	x->quiet = clock_monotonic();
	buf_init(&x->body, MCP_MAX_MESSAGE);
	buf_init(&x->out, HTTP_ANSWER_BYTES);
	x->next = h->exchanges;
	x->link = &h->exchanges;
	if (x->next)
		x->next->link = &x->next;
	h->exchanges = x;
	return x;
}

static void drop_body(struct http_exchange *x)
{
	x->h->bodies -= x->body.len;
	buf_release(&x->body);
}

static void drop_stream(struct http_exchange *x)
{
	struct mcp_stream *s = x->stream;

	x->stream = NULL;
	if (s)
		mcp_stream_gone(s);
}

void http_exchange_free(struct http_exchange *x)
{
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	/* Nothing is said to it by what ends now. */
	x->dead = true;
	drop_stream(x);
	mcp_peer_free(x->peer);
	event_free(x->watch);
	drop_body(x);
	buf_release(&x->out);
	http_request_release(&x->rq);
	free(x->no.text);
	free(x);
}

void http_exchange_wake(struct http_exchange *x)
{
	event_timer_set(x->h->run, 0);
	if (!x->suspended)
		return;
	x->suspended = false;
	event_free(x->watch);
	x->watch = NULL;
	MHD_resume_connection(x->mhd);
}

void http_exchange_drop(struct http_exchange *x)
{
	x->dead = true;
	drop_stream(x);
	http_exchange_wake(x);
}

/* Also of one that has only said that it will send nothing more: no client of
 * the protocol does, and a stream that is closed looks no different. */
static void on_hangup(void *arg, short ready)
{
	(void)ready;
	http_exchange_drop(arg);
}

static void suspend(struct http_exchange *x)
{
	MHD_suspend_connection(x->mhd);
	x->suspended = true;
	x->watch =
		event_new(x->h->o.events, x->conn->fd, POLLRDHUP, on_hangup, x);
}

/* ---- what the server says ----------------------------------------------- */

static size_t unread(const struct http_exchange *x)
{
	return x->out.len - x->sent;
}

static void add(struct http_exchange *x, const char *text, size_t len)
{
	if (x->sent > x->out.len / 2) {
		memmove(x->out.data, x->out.data + x->sent, unread(x));
		x->out.len = unread(x);
		x->sent = 0;
	}
	/* The server is at work: that nobody listens it is told when it is
	 * not, by http_exchange_free(). */
	if (buf_add(&x->out, text, len))
		x->dead = true;
	x->quiet = clock_monotonic();
}

static void add_event(struct http_exchange *x, const char *text, size_t len)
{
	add(x, EVENT, strlen(EVENT));
	add(x, text, len);
	add(x, "\n\n", 2);
}

static void on_send(void *arg, const char *text, size_t len, bool last)
{
	struct http_exchange *x = arg;

	if (last) {
		x->stream = NULL;
		x->done = true;
	}
	/* Nothing at all will be said. */
	if (last && !len && !x->streams)
		x->status = 202;
	if (x->dead || (!len && !last))
		return;
	/* Who reads no events has to do without. */
	if (!last && !x->rq.sse)
		return;
	if (!last)
		x->streams = true;
	if (unread(x) > HTTP_UNREAD)
		x->dead = true;
	else if (x->streams && len)
		add_event(x, text, len);
	else if (len)
		add(x, text, len); /* JSON, unless it is not accepted */
	x->count += len > 0;
	http_exchange_wake(x);
}

static const struct mcp_stream_ops stream_ops = {.send = on_send};

void http_exchange_leave(struct http_exchange *x)
{
	bool waits = x->stream && !x->count && !x->streams;

	/* Those who listen are told. */
	mcp_peer_free(x->peer);
	x->peer = NULL;
	x->stream = NULL;
	x->done = true;
	if (waits && !x->count)
		http_refuse(x, 503, RPC_INVALID_REQUEST, "the server leaves");
	http_exchange_wake(x);
}

void http_exchange_tick(struct http_exchange *x, double now)
{
	if (!x->stream || x->done || !x->whole || !x->rq.sse || unread(x) ||
	    now - x->quiet < x->h->o.quiet_s)
		return;
	x->streams = true;
	add(x, COMMENT, strlen(COMMENT));
	http_exchange_wake(x);
}

/* ---- what is asked ------------------------------------------------------ */

static bool begins_session(const struct http_exchange *x)
{
	static const char word[] = "\"initialize\"";

	return !x->session && x->body.len &&
	       memmem(x->body.data, x->body.len, word, sizeof(word) - 1);
}

/* Of the older era, and neither in a session nor to begin one. */
static bool is_lost(const struct http_exchange *x)
{
	return x->rq.revision && strcmp(x->rq.revision, HTTP_NEW_ERA) < 0 &&
	       !x->session && !begins_session(x);
}

static void take(struct http_exchange *x)
{
	const struct mcp_headers headers = {
		.revision = x->rq.revision,
		.method = x->rq.method,
		.name = x->rq.name,
		.params = x->rq.params,
	};
	struct mcp_peer *p;

	if (!x->session)
		x->peer = mcp_peer_new(x->h->o.server, x->who->name);
	p = x->session ? x->session->peer : x->peer;
	x->stream = mcp_stream_open(p, MCP_STREAM_ANSWER, &stream_ops, x);
	x->status = (unsigned)mcp_take(p, x->stream,
				       x->body.len ? x->body.data : "",
				       x->body.len, &headers);
	if (x->status == 202) {
		x->stream = NULL;
		x->done = true;
	}
	if (x->peer && mcp_peer_is_session(x->peer))
		http_session_new(x);
}

static void listen_to_all(struct http_exchange *x)
{
	/* Who comes again has lost the one before. */
	for (struct http_exchange *o = x->h->exchanges; o; o = o->next)
		if (o != x && o->session == x->session && o->verb == 'G')
			http_exchange_drop(o);
	x->streams = true;
	x->stream = mcp_stream_open(x->session->peer, MCP_STREAM_SERVER,
				    &stream_ops, x);
}

void http_exchange_begin(struct http_exchange *x)
{
	x->whole = true;
	x->conn->since = INFINITY;
	if (x->no.status)
		return;
	/* It may have ended while the body came. */
	if (x->in_session && !x->session) {
		http_refuse(x, 404, RPC_INVALID_REQUEST,
			    "the session has ended");
	} else if (x->verb == 'D') {
		http_session_end(x->session);
		x->done = true;
	} else if (x->verb == 'G') {
		listen_to_all(x);
	} else if (is_lost(x)) {
		http_refuse(x, 400, RPC_INVALID_REQUEST,
			    "needs Mcp-Session-Id: begin by initialize");
	} else if (begins_session(x) && !http_session_room(x->h)) {
		http_refuse(x, 503, RPC_INVALID_REQUEST,
			    "too many sessions; later");
		x->no.retry_s = 30;
	} else {
		take(x);
	}
	drop_body(x);
}

/* ---- how it is answered ------------------------------------------------- */

static ssize_t on_read(void *arg, uint64_t at, char *to, size_t max)
{
	struct http_exchange *x = arg;
	size_t n = unread(x) < max ? unread(x) : max;

	(void)at;
	if (x->dead)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!n && x->done)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!n) {
		suspend(x);
		return 0;
	}
	memcpy(to, x->out.data + x->sent, n);
	x->sent += n;
	if (!unread(x)) {
		buf_release(&x->out);
		buf_init(&x->out, HTTP_ANSWER_BYTES);
		x->sent = 0;
	}
	return (ssize_t)n;
}

static enum MHD_Result queue(struct http_exchange *x, unsigned status,
			     struct MHD_Response *r, const char *type)
{
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	if (type)
		MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (x->told_session[0])
		MHD_add_response_header(r, "Mcp-Session-Id", x->told_session);
	if (status == 401)
		MHD_add_response_header(r, "WWW-Authenticate",
					x->rq.authorization
						? "Bearer realm=\"schedkit\", "
						  "error=\"invalid_token\""
						: "Bearer realm=\"schedkit\"");
	if (status == 405)
		MHD_add_response_header(r, "Allow", "POST");
	if (x->no.retry_s || status == 429) {
		char s[16];

		snprintf(s, sizeof(s), "%d", x->no.retry_s ? x->no.retry_s : 1);
		MHD_add_response_header(r, "Retry-After", s);
	}
	/* What we take for its end somebody on the way may see elsewhere, and
	 * what follows for a part of it: nothing that follows is read. */
	if (status == 400)
		MHD_add_response_header(r, "Connection", "close");
	rc = MHD_queue_response(x->mhd, status, r);
	MHD_destroy_response(r);
	x->queued = true;
	return rc;
}

static enum MHD_Result answer_whole(struct http_exchange *x, unsigned status,
				    const char *text, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		len, (void *)(len ? text : ""), MHD_RESPMEM_MUST_COPY);

	return queue(x, status, r, len ? "application/json" : NULL);
}

static enum MHD_Result answer_stream(struct http_exchange *x)
{
	struct MHD_Response *r = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, on_read, x, NULL);

	if (r)
		MHD_add_response_header(r, "X-Accel-Buffering", "no");
	return queue(x, x->status, r, "text/event-stream");
}

enum MHD_Result http_exchange_answer(struct http_exchange *x)
{
	if (x->dead)
		return MHD_NO;
	if (x->queued)
		return MHD_YES;
	if (x->no.status)
		return answer_whole(x, x->no.status, x->no.text,
				    strlen(x->no.text));
	/* It accepts nothing else. */
	if (x->done && x->count && !x->streams && !x->rq.json) {
		char *text = buf_take(&x->out);

		x->streams = true;
		add_event(x, text, strlen(text));
		free(text);
	}
	if (x->streams)
		return answer_stream(x);
	if (x->done)
		return answer_whole(x, x->status, x->out.data, x->out.len);
	suspend(x);
	return MHD_YES;
}
