/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol: messages in, messages out, both eras in one server.  It has
 * neither sockets nor a clock; a transport calls it.
 *
 *   2026-07-28                 stateless; a peer for each request will do
 *   2024-11-05 … 2025-11-25    a peer is a session, from initialize on
 *
 * Each request says of itself which era it is of: those of 2026-07-28 name
 * their revision in params._meta.  A stdio peer may send both.
 */
#ifndef SCHEDKIT_MCP_SERVER_H
#define SCHEDKIT_MCP_SERVER_H

#include "mcp/offer.h"

#define MCP_MAX_MESSAGE (4u << 20) /* bytes */

struct mcp_server;
struct mcp_peer;
struct mcp_stream;

struct mcp_server_opts {
	const struct mcp_offer *offer; /* lent */
	size_t max_calls;	       /* of a peer at once, what listens too */
	size_t max_watches;	       /* resources, of a peer */
	unsigned char key[32];	       /* seals requestState; random */
};

struct mcp_server *mcp_server_new(const struct mcp_server_opts *o);
void mcp_server_free(struct mcp_server *s); /* all peers are gone before */

/* To all who watch. */
void mcp_server_changed(struct mcp_server *s, const char *uri);
/* A list changed. */
void mcp_server_list_changed(struct mcp_server *s, enum mcp_list what);
/* Of a task, to who follows it. */
void mcp_server_task_changed(struct mcp_server *s, const struct mcp_task *t);

/* ---- one client --------------------------------------------------------- */

struct mcp_peer *mcp_peer_new(struct mcp_server *s, const char *principal);
/* Its streams are gone, its calls cancelled; what listens is told that it has
 * ended, on streams that are still open. */
void mcp_peer_free(struct mcp_peer *p);
bool mcp_peer_is_session(const struct mcp_peer *p); /* initialize was done */
const char *mcp_peer_revision(const struct mcp_peer *p); /* "": not yet */
/* Requests that are not answered yet and will be, whatever the client does: no
 * subscriptions, and none that waits for its answer. */
size_t mcp_peer_pending(const struct mcp_peer *p);

/*
 * Where messages to a client go.  Of stdio: one for all.  Of HTTP: one for each
 * POST, and one of the older era's GET.
 */
struct mcp_stream_ops {
	/* One message, without a newline.  last: the answer that the stream was
	 * opened for; nothing follows, and the stream is gone.  Never last on
	 * one that is for all.  text NULL: there will be no answer, for the
	 * request was cancelled.  It must not call back into the server. */
	void (*send)(void *arg, const char *text, size_t len, bool last);
};

enum mcp_stream_use {
	MCP_STREAM_ALL,	   /* stdio */
	MCP_STREAM_ANSWER, /* POST */
	MCP_STREAM_SERVER, /* GET: what is not about one request */
};

struct mcp_stream *mcp_stream_open(struct mcp_peer *p, enum mcp_stream_use use,
				   const struct mcp_stream_ops *ops, void *arg);
/* The client has closed it.  In the new era that cancels what it was for; in
 * the older one the call goes on, and its answer is dropped. */
void mcp_stream_gone(struct mcp_stream *s);

/* Headers of a request by HTTP, NULL where they were not sent. */
struct mcp_headers {
	const char *revision; /* MCP-Protocol-Version */
	const char *method;   /* Mcp-Method */
	const char *name;     /* Mcp-Name, decoded */
	/* Mcp-Param-NAME, lower case and decoded: {"name":"value"}, or NULL */
	const struct json *params;
};

/*
 * Takes a message (or, in 2025-03-26, a batch).  What is to be said to it goes
 * to `stream`, at once or later.  h: NULL unless by HTTP.  Returns the status
 * of HTTP: 200 something was or will be sent on the stream; 202 nothing will
 * (the stream is gone); 400, 403, 404, 429: an error was sent.  A stream for
 * all is never gone.
 */
int mcp_take(struct mcp_peer *p, struct mcp_stream *stream, const char *text,
	     size_t len, const struct mcp_headers *h);

/* To be called before anything is taken, and then once a second or so: what has
 * expired.  now: CLOCK_MONOTONIC, s. */
void mcp_tick(struct mcp_server *s, double now);

#endif
