/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streamable HTTP, of both eras, at one path.  No thread of its own: all of it
 * happens in the loop it is given.
 *
 * By default it listens on the loopback addresses alone.  Elsewhere it insists
 * on tokens, and as it speaks no TLS, that is for behind a proxy that does, or
 * for a network that is trusted.
 *
 * Whatever one client does, the others do not suffer: connections, their time,
 * requests, sessions and memory are bounded.
 */
#ifndef SCHEDKIT_MCP_HTTP_H
#define SCHEDKIT_MCP_HTTP_H

#include "base/events.h"
#include "mcp/server.h"

#define MCP_HTTP_PATH "/mcp"

struct mcp_http_token {
	const char *principal; /* whose it is */
	const char *token;
	const char *sha256; /* of it, in hex, where that is all there is */
};

struct mcp_http_opts {
	struct mcp_server *server; /* lent */
	struct events *events;	   /* lent */
	const char *address;	   /* NULL: 127.0.0.1 and ::1 */
	unsigned port;		   /* 0: one that is free */
	/* Who may ask; nobody named: whoever reaches it, as "local". */
	const struct mcp_http_token *tokens;
	size_t token_count;
	/* Beside those of the loopback: of pages whose scripts may ask
	 * ("https://example.org"), and names that it is reached by. */
	const char *const *origins;
	size_t origin_count;
	const char *const *hosts;
	size_t host_count;

	size_t max_connections;
	size_t max_per_address;
	size_t max_sessions; /* of the older era */
	double patience_s;   /* for a whole request, and a reader that stalls */
	double session_s;    /* idle for so long: forgotten */
	double quiet_s;	     /* a comment keeps a quiet stream alive */
	double rate, burst;  /* requests a second of a principal; 0: no limit */
};

struct mcp_http;

/* All but server and events. */
void mcp_http_defaults(struct mcp_http_opts *o);

/* 0, or -errno with a message: -EACCES, not loopback and no tokens. */
int mcp_http_open(const struct mcp_http_opts *o, struct mcp_http **out);
unsigned mcp_http_port(const struct mcp_http *h);
/* Calls that were waited for are cancelled.  NULL is fine. */
void mcp_http_close(struct mcp_http *h);

#endif
