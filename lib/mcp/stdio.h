/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client by a pair of pipes: a message a line, nothing else.
 *
 * Memory is bounded whatever the client does.  A line of more than
 * MCP_MAX_MESSAGE bytes is answered by an error and skipped.  Of a client that
 * does not read nothing more is read; if what is to be said to it still grows,
 * beyond MCP_STDIO_UNREAD, it is given up.
 */
#ifndef SCHEDKIT_MCP_STDIO_H
#define SCHEDKIT_MCP_STDIO_H

#include "base/events.h"
#include "mcp/server.h"

#define MCP_STDIO_UNREAD (32u << 20) /* bytes */

struct mcp_stdio;

struct mcp_stdio_opts {
	struct mcp_server *server; /* lent */
	struct events *events;	   /* lent */
	int in, out;		   /* lent; may block */
	const char *principal;
	/* After the end of its input, how long what it asked for may take
	 * until it is cancelled; INFINITY: as long as it takes. */
	double linger_s;
	/* It is over: rc 0, or -errno with a message.  Called by the loop; may
	 * close. */
	void (*over)(void *arg, int rc);
	void *arg;
};

struct mcp_stdio *mcp_stdio_open(const struct mcp_stdio_opts *o);
void mcp_stdio_close(struct mcp_stdio *t); /* NULL is fine */

#endif
