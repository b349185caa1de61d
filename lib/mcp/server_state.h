/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the server share; nobody else includes this.
 *
 * Who owns what: the server its peers, a peer its streams, calls, watches and
 * questions.  A call owns the message it came in and lends from it.
 */
#ifndef SCHEDKIT_MCP_SERVER_STATE_H
#define SCHEDKIT_MCP_SERVER_STATE_H

#include <stdint.h>

#include "base/strs.h"
#include "mcp/rpc.h"
#include "mcp/server.h"

/* A request of the server waits so long for a person, s. */
#define ASK_SECONDS 900.0
/* How often one call may ask again, and how much at a time. */
#define ASK_ROUNDS  8
#define ASK_AT_ONCE 16

enum revision {
	REVISION_NONE,
	REVISION_2024_11_05,
	REVISION_2025_03_26,
	REVISION_2025_06_18,
	REVISION_2025_11_25,
	REVISION_2026_07_28,
	REVISIONS,
};

/* "" for REVISION_NONE. */
const char *revision_name(enum revision r);
enum revision revision_of(const char *name); /* REVISION_NONE: unknown */

/* ---- keys of _meta ------------------------------------------------------ */

#define META		  "io.modelcontextprotocol/"
#define META_REVISION	  META "protocolVersion"
#define META_CLIENT	  META "clientInfo"
#define META_CAPABILITIES META "clientCapabilities"
#define META_LOG_LEVEL	  META "logLevel"
#define META_SERVER	  META "serverInfo"
#define META_SUBSCRIPTION META "subscriptionId"
#define META_RELATED_TASK META "related-task"
#define EXTENSION_TASKS	  META "tasks"

/* ---- things ------------------------------------------------------------- */

/* Answers to a batch go out together. */
struct batch {
	struct mcp_peer *peer;
	struct mcp_stream *stream; /* NULL: closed */
	struct json *answers;
	size_t waiting;
};

struct mcp_stream {
	struct mcp_peer *peer;
	enum mcp_stream_use use;
	struct mcp_stream_ops ops;
	void *arg;
	struct mcp_stream *next;
};

/* Where an answer is owed. */
struct origin {
	struct mcp_peer *peer;
	struct mcp_stream *stream; /* NULL: closed */
	struct batch *batch;	   /* NULL: by itself */
	struct json *id;	   /* NULL once answered */
	enum revision revision;
};

/* A request while it is looked at. */
struct request {
	struct origin o;
	struct json *doc; /* NULL: a call has taken it */
	const char *method;
	const struct json *params, *meta; /* objects, or NULL */
	const struct mcp_headers *h;
	struct mcp_who who;
	const struct json *caps; /* the client's, or NULL */
	int log_level;
};

enum call_use { CALL_OFFER, CALL_LISTEN, CALL_TASK_RESULT };

/* What a subscriptions/listen is for. */
struct filter {
	bool tools, prompts, resources;
	struct strs uris, tasks;
};

struct mcp_call {
	struct mcp_call *next;
	struct origin o;
	enum call_use use;
	struct json *doc;
	struct mcp_who who;
	const struct json *caps, *meta;

	enum mcp_kind kind;
	const char *name, *argument;
	const struct json *arguments;
	struct json *made;    /* arguments, where they are not doc's */
	struct json *answers; /* by key */
	struct json *asked;   /* by key: {method, schema} */
	size_t unanswered;    /* of those, in a session */
	unsigned int rounds;
	struct json *output_schema;
	bool as_task;
	bool with_offer; /* it is to answer */
	void *data;

	const struct json *token;
	bool progressed;
	double progress;
	int log_level; /* -1: none wanted */

	struct filter filter; /* of CALL_LISTEN */
};

/* A request of the server's own, to a session. */
struct question {
	struct question *next;
	double id, expires;
	struct mcp_call *call;
	char *key;
};

#define FOLLOWED 32
#define ENDED	 16

struct mcp_peer {
	struct mcp_server *server;
	struct mcp_peer *next;
	char *principal;

	/* Of a session. */
	enum revision revision;
	bool ready;	    /* the client knows that we know */
	struct json *hello; /* the params of initialize */
	struct mcp_who who;
	int log_level;
	struct strs watches;
	struct question *questions;
	double next_question;
	char followed[FOLLOWED][65]; /* ids of tasks, a ring */
	size_t follow;
	/* Calls that were to be tasks, and had ended before that; a ring. */
	struct mcp_task ended[ENDED];
	size_t ends;

	struct mcp_stream *streams;
	struct mcp_call *calls;
	size_t watching; /* URIs, those of CALL_LISTEN too */
};

/* How often a principal watches a URI. */
struct watched {
	struct watched *next;
	char *principal, *uri;
	size_t count;
};

#define USED_MAX 1024

struct used {
	double serial, expires;
};

struct mcp_server {
	struct mcp_server_opts o;
	const struct mcp_offer *offer;
	struct mcp_peer *peers;
	struct watched *watched;
	double now;
	double serial; /* of sealed states */
	struct used *used;
	size_t used_count;
	int status; /* of the message that is taken now */
};

/* ---- server.c ----------------------------------------------------------- */

/* The offer's list; NULL: none. */
struct json *server_list(const struct mcp_server *s, enum mcp_list what,
			 const struct mcp_who *who);
void server_keep(const struct mcp_server *s, const char *uri,
		 struct json *result);
/* A defect of ours, to who can mend it. */
void server_defect(const struct mcp_server *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct json *server_info(const struct mcp_server *s, enum revision r);
struct json *server_capabilities(const struct mcp_server *s,
				 const struct mcp_who *who, enum revision r);
void mcp_stream_free(struct mcp_stream *s);

/* ---- out.c -------------------------------------------------------------- */

/* The answer: takes result, data; o->id is NULL, and the stream may be gone,
 * when they return. */
void origin_result(struct origin *o, struct json *result);
void origin_error(struct origin *o, int code, struct json *data,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same, with a status of HTTP of its own. */
void origin_refuse(struct origin *o, int status, int code, const char *text);
/* There will be none. */
void origin_drop(struct origin *o);
/* One less is waited for. */
void batch_put(struct batch *b);
/* Takes v; dropped where stream is NULL. */
void stream_message(struct mcp_stream *s, struct json *v, bool last);
/* Takes params. */
void stream_notify(struct mcp_stream *s, const char *method,
		   struct json *params);
/* Where what is not about one request goes; NULL: nowhere. */
struct mcp_stream *peer_stream(const struct mcp_peer *p);
/* Sets a key of v's _meta; takes value. */
void meta_set(struct json *v, const char *key, struct json *value);

/* ---- take.c ------------------------------------------------------------- */

/* A string of params; NULL with an error sent where there is none. */
const char *request_string(struct request *r, const char *key);

/* ---- modern.c, session.c: the eras -------------------------------------- */

bool modern_is(const struct json *params, const struct mcp_headers *h);
void modern_take(struct request *r);
void modern_discover(struct request *r);
void session_take(struct request *r);
void session_ping(struct request *r);
void session_set_level(struct request *r);
void session_notified(struct mcp_peer *p, const struct rpc_message *m);
int log_level_of(const char *name); /* -1: no such level */
bool capability_elicits(const struct json *caps);
bool capability_tasks(const struct json *caps);

/* ---- headers.c ---------------------------------------------------------- */

/* 0, or -EBADMSG with an error sent. */
int headers_check(struct request *r);
/* Of a tool's parameters. */
int headers_check_params(struct request *r, const struct json *tool);

/* ---- methods, of both eras ---------------------------------------------- */

/* By name, as far as the revision knows it. */
void methods_take(struct request *r);			/* methods.c */
void lists_take(struct request *r, enum mcp_list what); /* lists.c */
void call_take_tool(struct request *r);			/* start.c */
void call_take_prompt(struct request *r);
void call_take_resource(struct request *r);
void call_take_completion(struct request *r);
void watch_take_listen(struct request *r); /* watch.c */
void watch_take_subscribe(struct request *r);
void watch_take_unsubscribe(struct request *r);
void tasks_get(struct request *r); /* tasks.c */
void tasks_result(struct request *r);
void tasks_update(struct request *r);
void tasks_cancel(struct request *r);
void tasks_list(struct request *r);

/* ---- call.c ------------------------------------------------------------- */

/* Takes doc and id from r.  NULL with an error sent: too many. */
struct mcp_call *call_new(struct request *r, enum call_use use);
/* Out of its peer, without an answer. */
void mcp_call_free(struct mcp_call *c);
/* Nobody waits any more. */
void call_cancel(struct mcp_call *c);
struct mcp_call *call_find(const struct mcp_peer *p, const struct json *id);
/* Hands it to the offer; it may be gone then. */
void call_run(struct mcp_call *c);

/* ---- ask.c -------------------------------------------------------------- */

/* What was answered before and comes with this request.  -EBADMSG with an
 * error sent, and c is gone. */
int ask_resume(struct mcp_call *c, const struct json *params);
/* Whether that is an answer to such a question; schema NULL: to any. */
bool ask_fits(const char *method, const struct json *schema,
	      const struct json *answer);
void ask_answered(struct mcp_peer *p, const struct rpc_message *m);
void ask_forget(struct mcp_call *c);
void ask_expire(struct mcp_peer *p, double now);

/* ---- shape.c ------------------------------------------------------------ */

/* What a revision does not know is left out; takes v. */
struct json *shape_item(struct json *v, enum mcp_list what, enum revision r);
struct json *shape_result(struct json *v, enum mcp_kind kind, enum revision r);

/* ---- seal.c ------------------------------------------------------------- */

/* A text of ours that an outsider keeps; what says what it is for.  Takes v.
 * The caller frees it. */
char *seal_make(const struct mcp_server *s, const char *what, struct json *v);
/* NULL: it is none of ours, or for something else. */
struct json *seal_open(const struct mcp_server *s, const char *what,
		       const char *text);

/* ---- watch.c ------------------------------------------------------------ */

/* -ENOENT, -ENOBUFS, -ENOTSUP. */
int watch_begin(struct mcp_peer *p, const struct mcp_who *who, const char *uri);
void watch_end(struct mcp_peer *p, const struct mcp_who *who, const char *uri);
/* Of a CALL_LISTEN. */
void watch_forget(struct mcp_call *c);
void watch_close(struct mcp_call *c); /* with its last answer */

/* ---- tasks.c ------------------------------------------------------------ */

/* Answers a call with the task that was made for it. */
void tasks_created(struct mcp_call *c, const struct mcp_task *t);
/* Answers a request that is to become a task (revision 2025-11-25) with one
 * that has ended.  Takes result. */
void tasks_ended(struct origin *o, struct json *result);
void tasks_release(struct mcp_peer *p);
/* What of a task is its reader's. */
void task_release(struct mcp_task *t);
void tasks_poll(struct mcp_peer *p);
struct json *tasks_required(void); /* data of RPC_MISSING_CAPABILITY */

#endif
