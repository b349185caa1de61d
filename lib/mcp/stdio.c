/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neither end is made non-blocking: that would hold for whoever else has it
 * open, a terminal's shell for one.  A read after POLLIN, and a write of at
 * most PIPE_BUF bytes after POLLOUT, does not wait.
 */
#include "mcp/stdio.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/pipe.h"
#include "mcp/refusal.h"

#define CHUNK  65536
#define UNREAD (1u << 20) /* from here on nothing is read */
#define KEEP   (1u << 18) /* of memory that a large message needed */

struct mcp_stdio {
	struct mcp_stdio_opts o;
	struct mcp_peer *peer;
	struct mcp_stream *stream;
	struct event *in, *out;
	struct event_timer *timer;
	struct buf got; /* what is not a whole line yet, or not yet taken */
	size_t looked;	/* of it, without a newline */
	struct buf said;
	size_t written; /* of what was said */
	bool skipping;	/* the rest of a line that was too long */
	bool eof;
	bool lingering;
	bool over;
	int rc;
	char *why; /* of rc */
};

/* The loop calls later: this may be somebody's callback. */
static void end(struct mcp_stdio *t, int rc, const char *why)
{
	if (t->over)
		return;
	t->over = true;
	t->rc = rc;
	t->why = why ? mem_strdup(why) : NULL;
	event_want(t->in, 0);
	event_want(t->out, 0);
	event_timer_set(t->timer, 0);
}

static void tidy(struct buf *b)
{
	size_t max = b->max;

	if (b->len || b->cap <= KEEP)
		return;
	buf_release(b);
	buf_init(b, max);
}

/* ---- what is said ------------------------------------------------------- */

static size_t unread(const struct mcp_stdio *t)
{
	return t->said.len - t->written;
}

static void say(struct mcp_stdio *t, const char *text, size_t len)
{
	if (t->rc)
		return;
	if (t->written > t->said.len / 2) {
		memmove(t->said.data, t->said.data + t->written, unread(t));
		t->said.len -= t->written;
		t->written = 0;
	}
	if (buf_add(&t->said, text, len) || buf_add(&t->said, "\n", 1)) {
		end(t, -ENOBUFS, "the client does not read what it is told");
		return;
	}
	event_want(t->out, POLLOUT);
}

static void on_send(void *arg, const char *text, size_t len, bool last)
{
	(void)last; /* the stream is for all */
	say(arg, text, len);
}

static const struct mcp_stream_ops stream_ops = {.send = on_send};

/* ---- what is asked ------------------------------------------------------ */

static void refuse_long(struct mcp_stdio *t)
{
	char *said = mcp_refusal(RPC_INVALID_REQUEST,
				 "a message of more than %u bytes; it was "
				 "skipped",
				 MCP_MAX_MESSAGE);

	say(t, said, strlen(said));
	free(said);
}

static void take(struct mcp_stdio *t, const char *line, size_t len)
{
	if (len && line[len - 1] == '\r')
		len--;
	if (len)
		mcp_take(t->peer, t->stream, line, len, NULL);
}

/* Takes whole lines as long as the client reads the answers. */
static void take_lines(struct mcp_stdio *t)
{
	size_t at = 0;
	char *nl = NULL;

	while (!t->over && unread(t) < UNREAD && at < t->got.len) {
		char *from = t->got.data + at;
		size_t left = t->got.len - at;

		nl = left > t->looked
			     ? memchr(from + t->looked, '\n', left - t->looked)
			     : NULL;
		t->looked = nl ? 0 : left;
		if (!nl)
			break;
		if (t->skipping)
			t->skipping = false;
		else if ((size_t)(nl - from) > MCP_MAX_MESSAGE)
			refuse_long(t);
		else
			take(t, from, (size_t)(nl - from));
		at += (size_t)(nl - from) + 1;
	}
	memmove(t->got.data, t->got.data + at, t->got.len - at);
	t->got.len -= at;
	if (t->skipping || t->looked > MCP_MAX_MESSAGE) {
		if (!t->skipping)
			refuse_long(t);
		t->skipping = true;
		t->got.len = t->looked = 0;
	}
	tidy(&t->got);
}

/* All that came was taken; the last line may lack its newline. */
static void at_eof(struct mcp_stdio *t)
{
	if (t->got.len && !t->skipping && unread(t) < UNREAD) {
		take(t, t->got.data, t->got.len);
		t->got.len = t->looked = 0;
	}
	if (t->got.len && !t->skipping)
		return;
	if (!mcp_peer_pending(t->peer) && !unread(t)) {
		end(t, 0, NULL);
	} else if (!t->lingering) {
		t->lingering = true;
		event_timer_set(t->timer, t->o.linger_s);
	}
}

/* After anything has happened. */
static void settle(struct mcp_stdio *t)
{
	if (t->over)
		return;
	if (t->got.len > t->looked)
		take_lines(t);
	if (t->over)
		return;
	if (t->eof && t->got.len <= t->looked)
		at_eof(t);
	if (!t->over)
		event_want(t->in, !t->eof && unread(t) < UNREAD ? POLLIN : 0);
}

static void on_in(void *arg, short ready)
{
	struct mcp_stdio *t = arg;
	char chunk[CHUNK];
	ssize_t n = read(t->o.in, chunk, sizeof(chunk));

	(void)ready;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		t->eof = true;
	else
		buf_add(&t->got, chunk, (size_t)n);
	settle(t);
}

/* The descriptor is ready for it. */
static void write_some(struct mcp_stdio *t)
{
	size_t n = unread(t) < PIPE_BUF ? unread(t) : PIPE_BUF;
	int rc = pipe_write(t->o.out, t->said.data + t->written, n);

	if (rc)
		end(t, rc,
		    rc == -EPIPE ? "the client does not listen any more"
				 : strerror(-rc));
	else
		t->written += n;
}

static void on_out(void *arg, short ready)
{
	struct mcp_stdio *t = arg;

	if (ready & POLLOUT)
		write_some(t);
	else
		end(t, -EPIPE, "the client does not listen any more");
	if (t->over)
		return;
	if (!unread(t)) {
		buf_reset(&t->said);
		tidy(&t->said);
		t->written = 0;
		event_want(t->out, 0);
	}
	settle(t);
}

static void on_timer(void *arg)
{
	struct mcp_stdio *t = arg;

	/* What still goes on is cancelled by who closes. */
	t->over = true;
	if (t->rc)
		err_set(-t->rc, "%s", t->why);
	t->o.over(t->o.arg, t->rc);
}

/* ---- its life ----------------------------------------------------------- */

struct mcp_stdio *mcp_stdio_open(const struct mcp_stdio_opts *o)
{
	struct mcp_stdio *t = mem_zalloc(1, sizeof(*t));

	t->o = *o;
	buf_init(&t->got, MCP_MAX_MESSAGE + 2 * CHUNK);
	buf_init(&t->said, MCP_STDIO_UNREAD);
	t->peer = mcp_peer_new(o->server, o->principal);
	t->stream = mcp_stream_open(t->peer, MCP_STREAM_ALL, &stream_ops, t);
	t->in = event_new(o->events, o->in, POLLIN, on_in, t);
	t->out = event_new(o->events, o->out, 0, on_out, t);
	t->timer = event_timer_new(o->events, on_timer, t);
	return t;
}

/* What can be written without waiting. */
static void write_rest(struct mcp_stdio *t)
{
	struct pollfd p = {.fd = t->o.out, .events = POLLOUT};

	while (!t->rc && unread(t) && poll(&p, 1, 0) == 1 &&
	       p.revents & POLLOUT)
		write_some(t);
}

void mcp_stdio_close(struct mcp_stdio *t)
{
	if (!t)
		return;
	/* Those who listen are told. */
	mcp_peer_free(t->peer);
	write_rest(t);
	event_free(t->in);
	event_free(t->out);
	event_timer_free(t->timer);
	buf_release(&t->got);
	buf_release(&t->said);
	free(t->why);
	free(t);
}
