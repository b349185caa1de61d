/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes to a client. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/server_state.h"

void stream_message(struct mcp_stream *s, struct json *v, bool last)
{
	char *text;

	if (!s) {
		json_free(v);
		return;
	}
	text = json_canonical(v);
	json_free(v);
	last = last && s->use == MCP_STREAM_ANSWER;
	s->ops.send(s->arg, text, strlen(text), last);
	free(text);
	if (last)
		mcp_stream_free(s);
}

void stream_notify(struct mcp_stream *s, const char *method,
		   struct json *params)
{
	stream_message(s, rpc_notification(method, params), false);
}

struct mcp_stream *peer_stream(const struct mcp_peer *p)
{
	for (struct mcp_stream *s = p->streams; s; s = s->next)
		if (s->use != MCP_STREAM_ANSWER)
			return s;
	return NULL;
}

void meta_set(struct json *v, const char *key, struct json *value)
{
	const struct json *old = json_get(v, "_meta");
	struct json *meta =
		json_type(old) == JSON_OBJECT ? json_copy(old) : json_object();

	json_set(meta, key, value);
	json_set(v, "_meta", meta);
}

/* The last of a stream: nothing will be said. */
static void stream_silent(struct mcp_stream *s)
{
	if (!s || s->use != MCP_STREAM_ANSWER)
		return;
	s->ops.send(s->arg, NULL, 0, true);
	mcp_stream_free(s);
}

void batch_put(struct batch *b)
{
	if (--b->waiting)
		return;
	if (json_len(b->answers)) {
		stream_message(b->stream, b->answers, true);
	} else {
		json_free(b->answers);
		stream_silent(b->stream);
	}
	free(b);
}

static void answer(struct origin *o, struct json *v)
{
	struct batch *b = o->batch;
	struct mcp_stream *s = o->stream;

	o->id = NULL;
	o->stream = NULL;
	o->batch = NULL;
	if (b) {
		json_add(b->answers, v);
		batch_put(b);
	} else {
		stream_message(s, v, true);
	}
}

void origin_drop(struct origin *o)
{
	json_free(o->id);
	if (o->batch)
		batch_put(o->batch);
	else
		stream_silent(o->stream);
	o->id = NULL;
	o->stream = NULL;
	o->batch = NULL;
}

void origin_result(struct origin *o, struct json *result)
{
	if (o->revision == REVISION_2026_07_28) {
		if (!json_get(result, "resultType"))
			json_set_string(result, "resultType", "complete");
		meta_set(result, META_SERVER,
			 server_info(o->peer->server, o->revision));
	}
	answer(o, rpc_answer(o->id, result));
}

/* Sessions have their errors within HTTP's success. */
static int status_of(const struct origin *o, int code)
{
	switch (code) {
	case RPC_PARSE_ERROR:
	case RPC_INVALID_REQUEST:
	case RPC_HEADER_MISMATCH:
	case RPC_MISSING_CAPABILITY:
	case RPC_UNSUPPORTED_REVISION:
		return 400;
	case RPC_METHOD_NOT_FOUND:
		return o->revision == REVISION_2026_07_28 ? 404 : 200;
	default:
		return 200;
	}
}

void origin_error(struct origin *o, int code, struct json *data,
		  const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o->peer->server->status = status_of(o, code);
	answer(o, rpc_error(o->id, code, text, data));
}

void origin_refuse(struct origin *o, int status, int code, const char *text)
{
	origin_error(o, code, NULL, "%s", text);
	o->peer->server->status = status;
}
