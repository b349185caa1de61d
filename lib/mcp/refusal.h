/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a transport says itself, for no message got as far as the server. */
#ifndef SCHEDKIT_MCP_REFUSAL_H
#define SCHEDKIT_MCP_REFUSAL_H

#include "mcp/rpc.h"

/* The text of an error that answers no request in particular; to be freed. */
char *mcp_refusal(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
