/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a client: what they are, and whose they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "mcp/server_state.h"

#define MAX_BATCH 64

static struct origin origin(struct mcp_peer *p, struct mcp_stream *stream,
			    struct batch *b, const struct json *id)
{
	return (struct origin){.peer = p,
			       .stream = b ? b->stream : stream,
			       .batch = b,
			       .id = id ? json_copy(id) : NULL,
			       .revision = p->revision};
}

const char *request_string(struct request *r, const char *key)
{
	const struct json *v = json_get(r->params, key);

	if (json_type(v) == JSON_STRING)
		return json_as_string(v, "");
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
		     "params.%s has to be a string", key);
	return NULL;
}

static const struct json *meta_of(const struct json *params)
{
	const struct json *meta = json_get(params, "_meta");

	return json_type(meta) == JSON_OBJECT ? meta : NULL;
}

static bool token_is_well(struct request *r)
{
	const struct json *token = json_get(r->meta, "progressToken");

	if (!token || rpc_is_id(token))
		return true;
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
		     "progressToken has to be a string or an integer");
	return false;
}

static void take_request(struct request *r, const struct rpc_message *m)
{
	r->method = m->method;
	r->params = m->params;
	r->meta = meta_of(m->params);
	r->log_level = -1;
	if (call_find(r->o.peer, r->o.id))
		origin_error(&r->o, RPC_INVALID_REQUEST, NULL,
			     "this id is that of a request that has not been "
			     "answered yet: each needs its own");
	else if (!token_is_well(r))
		return;
	else if (!modern_is(m->params, r->h) &&
		 strcmp(m->method, "server/discover"))
		session_take(r);
	else if (r->o.batch)
		origin_error(&r->o, RPC_INVALID_REQUEST, NULL,
			     "revision 2026-07-28 knows no batches");
	else
		modern_take(r);
}

static void notified(struct mcp_peer *p, const struct rpc_message *m)
{
	struct mcp_call *c;

	if (strcmp(m->method, "notifications/cancelled")) {
		session_notified(p, m);
		return;
	}
	c = call_find(p, json_get(m->params, "requestId"));
	if (c)
		call_cancel(c);
}

/* Takes doc.  Whether there is or will be an answer. */
static bool take_one(struct mcp_peer *p, struct mcp_stream *stream,
		     struct batch *b, struct json *doc,
		     const struct mcp_headers *h)
{
	struct request r = {.doc = doc, .h = h};
	struct rpc_message m;
	bool answered = false;

	rpc_read(doc, &m);
	if (m.kind == RPC_INVALID || m.kind == RPC_REQUEST) {
		answered = true;
		if (b)
			b->waiting++;
		r.o = origin(p, stream, b, m.id);
	}
	switch (m.kind) {
	case RPC_INVALID:
		origin_refuse(&r.o, 400, RPC_INVALID_REQUEST, m.why);
		break;
	case RPC_REQUEST:
		take_request(&r, &m);
		break;
	case RPC_NOTIFICATION:
		notified(p, &m);
		break;
	case RPC_RESPONSE:
		ask_answered(p, &m);
		break;
	}
	json_free(r.doc);
	return answered;
}

static bool take_batch(struct mcp_peer *p, struct mcp_stream *stream,
		       struct json *doc, const struct mcp_headers *h)
{
	struct batch *b;
	bool answered = false;

	b = mem_zalloc(1, sizeof(*b));
	*b = (struct batch){.peer = p,
			    .stream = stream,
			    .answers = json_array(),
			    .waiting = 1};
	json_each (it, doc)
		answered |= take_one(p, stream, b, json_copy(it), h);
	json_free(doc);
	p->server->status = 200;
	if (!answered) {
		json_free(b->answers);
		free(b);
		return false;
	}
	batch_put(b);
	return true;
}

static const char *batch_refused(const struct mcp_peer *p,
				 const struct json *doc)
{
	size_t n = json_len(doc);

	if (p->revision != REVISION_2025_03_26)
		return "only revision 2025-03-26 knows batches: send one "
		       "message at a time";
	if (!n)
		return "a batch has to hold a message";
	if (n > MAX_BATCH)
		return "a batch may hold 64 messages";
	return NULL;
}

static int refuse(struct mcp_peer *p, struct mcp_stream *stream, int code,
		  const char *text)
{
	struct origin o = origin(p, stream, NULL, NULL);

	origin_refuse(&o, 400, code, text);
	return 400;
}

int mcp_take(struct mcp_peer *p, struct mcp_stream *stream, const char *text,
	     size_t len, const struct mcp_headers *h)
{
	enum mcp_stream_use use = stream->use;
	const char *why = NULL;
	struct json *doc;
	bool answered;

	p->server->status = 200;
	if (len > MCP_MAX_MESSAGE)
		return refuse(p, stream, RPC_INVALID_REQUEST,
			      "a message may have 4 MiB");
	doc = json_parse(text, len);
	if (!doc)
		return refuse(p, stream, RPC_PARSE_ERROR, err_text());
	if (json_type(doc) == JSON_ARRAY)
		why = batch_refused(p, doc);
	if (why) {
		json_free(doc);
		return refuse(p, stream, RPC_INVALID_REQUEST, why);
	}
	if (json_type(doc) == JSON_ARRAY)
		answered = take_batch(p, stream, doc, h);
	else
		answered = take_one(p, stream, NULL, doc, h);
	if (answered)
		return p->server->status;
	if (use == MCP_STREAM_ANSWER)
		mcp_stream_free(stream);
	return 202;
}
