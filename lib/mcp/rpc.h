/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of JSON-RPC 2.0, as the Model Context Protocol narrows them. */
#ifndef SCHEDKIT_MCP_RPC_H
#define SCHEDKIT_MCP_RPC_H

#include "doc/json.h"

#define RPC_PARSE_ERROR	     (-32700)
#define RPC_INVALID_REQUEST  (-32600)
#define RPC_METHOD_NOT_FOUND (-32601)
#define RPC_INVALID_PARAMS   (-32602)
#define RPC_INTERNAL_ERROR   (-32603)
/* Of the protocol; the first of revisions before 2026-07-28 alone. */
#define RPC_RESOURCE_NOT_FOUND	 (-32002)
#define RPC_HEADER_MISMATCH	 (-32020)
#define RPC_MISSING_CAPABILITY	 (-32021)
#define RPC_UNSUPPORTED_REVISION (-32022)

#define RPC_MAX_ID 1024 /* bytes of a string that is an id, or a token */

enum rpc_kind {
	RPC_INVALID, /* `why` says what it is not */
	RPC_REQUEST,
	RPC_NOTIFICATION,
	RPC_RESPONSE,
};

/* All but `why` lent by the message. */
struct rpc_message {
	enum rpc_kind kind;
	const struct json *id; /* also of an invalid one, where it is valid;
				* NULL of an error nobody was asked for */
	const char *method;
	const struct json *params; /* an object, or NULL: none were sent */
	const struct json *result, *error; /* of a response: one of them */
	const char *why;
};

void rpc_read(const struct json *v, struct rpc_message *m);

/* A string, or an integer that a double tells from its neighbours. */
bool rpc_is_id(const struct json *v);
/* The same type and value; false if one of them is NULL. */
bool rpc_same_id(const struct json *a, const struct json *b);

/* All of these take what they are given.  id NULL: it could not be read. */
struct json *rpc_answer(struct json *id, struct json *result);
struct json *rpc_error(struct json *id, int code, const char *text,
		       struct json *data);
struct json *rpc_request(struct json *id, const char *method,
			 struct json *params);
struct json *rpc_notification(const char *method, struct json *params);

#endif
