/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server of the Model Context Protocol offers, and how what it offers
 * answers.  Nothing here knows of revisions or transports: objects are those of
 * revision 2026-07-28 (schema.json), and lib/mcp leaves out, renames or wraps
 * what an older client would not understand.
 */
#ifndef SCHEDKIT_MCP_OFFER_H
#define SCHEDKIT_MCP_OFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

struct mcp_call; /* one request that the offer answers */

/* Who asks.  What a client says of itself is an outsider's text. */
struct mcp_who {
	const char *principal;	    /* "stdio", or the name of its token */
	const char *name, *version; /* as it says; never NULL */
	const char *revision;	    /* "2026-07-28" */
	bool elicits;		    /* a person can be asked through it */
	bool tasks;		    /* it follows tasks */
};

enum mcp_list { MCP_TOOLS, MCP_RESOURCES, MCP_TEMPLATES, MCP_PROMPTS };
enum mcp_kind { MCP_TOOL, MCP_RESOURCE, MCP_PROMPT, MCP_COMPLETION };

enum mcp_task_status {
	MCP_TASK_WORKING,
	MCP_TASK_COMPLETED, /* also with a result that is an error */
	MCP_TASK_FAILED,    /* by an error of the protocol */
	MCP_TASK_CANCELLED,
	/* It waits for answers; so since 2026-07-28, and "working" before. */
	MCP_TASK_ASKS,
};

struct mcp_task {
	char id[65];
	enum mcp_task_status status;
	char text[256];		 /* for people; "" for none */
	double created, changed; /* CLOCK_REALTIME, s */
	double ttl_s;		 /* from created; it is forgotten then */
	double poll_s;		 /* ask again after so long */
	struct json *result; /* CallToolResult once completed; the reader's */
	struct json *error;  /* {code, message} once failed; the reader's */
	/* Not answered yet, while it asks: name -> {method, params}; the
	 * reader's. */
	struct json *requests;
};

/*
 * All functions are called from mcp_take(), mcp_tick(), mcp_stream_gone() and
 * mcp_peer_free(); those that give struct json * give it to the caller.  NULL:
 * not offered.
 */
struct mcp_offer {
	const char *name, *title, *version, *instructions;
	void *arg;
	bool completes; /* MCP_COMPLETION is answered */
	/* Answers to questions that this server never asked are taken, too:
	 * for what a client may say unasked.  Never where a person's word
	 * counts. */
	bool unasked;

	/* An array of the protocol's objects (Tool, Resource, ResourceTemplate,
	 * Prompt) for this client, always in the same order; NULL: none are
	 * offered.  A tool that may become a task says so by revision
	 * 2025-11-25's execution.taskSupport ("optional", "required"). */
	struct json *(*list)(void *arg, enum mcp_list what,
			     const struct mcp_who *who);
	/* How long a list or a resource (uri) may be kept, in ms, and whether
	 * by others than this client ("public", "private"). */
	void (*keep)(void *arg, const char *uri, long *ttl_ms,
		     const char **scope);

	/* Answers now or later, by one of the functions below, once. */
	void (*call)(void *arg, struct mcp_call *c);
	/* Nobody waits any more: c is gone when this returns. */
	void (*cancel)(void *arg, struct mcp_call *c);

	/* -ENOENT: no such task of this client.  A task that task_cancel()
	 * was called for is MCP_TASK_CANCELLED from then on, unless it had
	 * ended before. */
	int (*task)(void *arg, const struct mcp_who *who, const char *id,
		    struct mcp_task *out);
	/* The newest first, at most max, those after id `after` (NULL: all). */
	size_t (*tasks)(void *arg, const struct mcp_who *who, const char *after,
			struct mcp_task *out, size_t max);
	int (*task_cancel)(void *arg, const struct mcp_who *who,
			   const char *id);
	/* What was answered to some of a task's requests, by their names, and
	 * as mcp_call_answer() has it; lent. */
	void (*task_answer)(void *arg, const struct mcp_who *who,
			    const char *id, const struct json *answers);

	/* Whether uri can be watched; how often this principal watches it went
	 * from 0 to 1 (on) or back.  -ENOENT: there is no such resource. */
	int (*watch)(void *arg, const struct mcp_who *who, const char *uri,
		     bool on);

	/* A call that never gets to call(): there is no such tool or prompt
	 * for this client, or the arguments are not what its schema says. */
	void (*refused)(void *arg, const struct mcp_who *who,
			enum mcp_kind kind, const char *name);

	/* What the offer said breaks its own word: for a log. */
	void (*defect)(void *arg, const char *text);
};

/* ---- what is asked; lent while the call lives --------------------------- */

enum mcp_kind mcp_call_kind(const struct mcp_call *c);
const struct mcp_who *mcp_call_who(const struct mcp_call *c);
/* Of the tool or prompt; the resource's URI; of a completion the name of the
 * prompt or the template, with the argument's name in mcp_call_argument(). */
const char *mcp_call_name(const struct mcp_call *c);
/* An object, {} if none were sent; of a completion {"value":…,"context":{…}},
 * context being what other arguments are already: {"name":"value"}.
 * A tool's were held against its inputSchema: what does not pass never gets
 * here. */
const struct json *mcp_call_arguments(const struct mcp_call *c);
const char *mcp_call_argument(const struct mcp_call *c);
/* The client wants this call as a task. */
bool mcp_call_as_task(const struct mcp_call *c);
/* What a person answered to mcp_call_ask(key): {"action":"accept|decline|
 * cancel","content":{…}}, or NULL: was not asked. */
const struct json *mcp_call_answer(const struct mcp_call *c, const char *key);
/* What the client can do: ClientCapabilities, NULL if it did not say. */
const struct json *mcp_call_capabilities(const struct mcp_call *c);
/* "traceparent", "tracestate" or "baggage", as an outsider wrote it but of
 * visible ASCII alone; NULL: was not sent. */
const char *mcp_call_trace(const struct mcp_call *c, const char *key);
/* For the offer's own use; NULL again when it is called again. */
void mcp_call_set_data(struct mcp_call *c, void *data);
void *mcp_call_data(const struct mcp_call *c);

/* ---- how it is answered ------------------------------------------------- */

/* done must grow, total 0: unknown.  Not sent to who did not ask for it. */
void mcp_call_progress(struct mcp_call *c, double done, double total,
		       const char *text);
/* notifications/message; level as in syslog ("info"). */
void mcp_call_log(struct mcp_call *c, const char *level, struct json *data);

/*
 * Ends the call, each of them; what they take is theirs.
 *
 * result: CallToolResult, ReadResourceResult, GetPromptResult, or of a
 * completion {"values":[…],"total":n,"hasMore":b}.
 */
void mcp_call_done(struct mcp_call *c, struct json *result);
/* An error of the protocol: -32602 there is no such prompt or resource (whose
 * URI is said, too, where data is NULL). */
void mcp_call_fail(struct mcp_call *c, int code, const char *text,
		   struct json *data);
/* The work goes on as a task. */
void mcp_call_task(struct mcp_call *c, const struct mcp_task *task);
/*
 * Asks a person: schema is an object of plain properties.  The call ends here;
 * offer.call() is called again for it once there is an answer, with the same
 * name and arguments (that is made sure of, by a MAC over them, the principal
 * and an expiry), and mcp_call_answer() has what was said.  Only where
 * who->elicits.
 */
void mcp_call_ask(struct mcp_call *c, const char *key, const char *text,
		  struct json *schema);
/* The same for any requests (name -> {method, params}) of the protocol. */
void mcp_call_ask_all(struct mcp_call *c, struct json *requests);

/* ---- CallToolResult ----------------------------------------------------- */

/* {"content":[{"type":"text","text":…}],"isError":true} */
struct json *mcp_result_error(const char *text);
/* structuredContent (taken, or NULL) and a block of text; text NULL: the
 * structure's own. */
struct json *mcp_result(struct json *structured, const char *text);

#endif
