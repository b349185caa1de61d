/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of http.c: connections, what is asked by them, sessions. */
#ifndef SCHEDKIT_MCP_HTTP_PARTS_H
#define SCHEDKIT_MCP_HTTP_PARTS_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "base/buf.h"
#include "crypt/digest.h"
#include "mcp/http.h"
#include "mcp/refusal.h"

#define HTTP_LISTENERS	  2
#define HTTP_NEW_ERA	  "2026-07-28"		/* no sessions from here on */
#define HTTP_SESSION_HEX  33			/* 128 bits and a NUL */
#define HTTP_ANSWER_BYTES (4 * MCP_MAX_MESSAGE) /* waiting to be read */
#define HTTP_UNREAD	  (1u << 20)		/* likewise, when more comes */
#define HTTP_BODIES	  (16 * (size_t)MCP_MAX_MESSAGE) /* of all requests */

struct http_principal {
	char *name;
	char digest[DIGEST_HEX_LEN]; /* of its token; "": none is needed */
	double level, at;	     /* of its bucket of requests */
};

/* An accepted socket. */
struct http_conn {
	struct mcp_http *h;
	struct http_conn *next, **link;
	int fd;
	struct in6_addr address; /* also of IPv4 */
	double since;		 /* a whole request is waited for; INFINITY:
				    there is one */
};

struct http_session {
	struct mcp_http *h;
	struct http_session *next, **link;
	struct mcp_peer *peer;
	const struct http_principal *who;
	char id[HTTP_SESSION_HEX];
	double used;
};

/* The headers that count, lent by the connection but for those decoded. */
struct http_request {
	const char *host, *origin, *authorization, *accept, *type, *encoding;
	const char *length, *coding, *expect, *session, *revision, *method,
		*name;
	char *decoded; /* name */
	struct json *params;
	const char *twice; /* a header that may not come twice */
	const char *bad;   /* a header that is no base64 after all */
	bool json, sse;	   /* it accepts */
};

/* Why a request is not even given to the server. */
struct http_no {
	unsigned status; /* 0: it is */
	char *text;
	int retry_s; /* Retry-After; 0: none */
};

/* A request and its answer. */
struct http_exchange {
	struct mcp_http *h;
	struct http_exchange *next, **link;
	struct http_conn *conn;
	struct MHD_Connection *mhd;
	struct http_principal *who;
	struct http_request rq;
	struct http_no no;
	char verb; /* 'P', 'G', 'D' */

	struct buf body;
	size_t dropped; /* of a body that nobody wants */
	bool whole;	/* all of it is here */

	struct mcp_peer *peer;	      /* for this alone */
	struct http_session *session; /* or of many; NULL: it has ended */
	bool in_session;
	struct mcp_stream *stream; /* NULL: gone */
	char told_session[HTTP_SESSION_HEX];
	unsigned status;

	struct buf out;
	size_t sent;  /* of out */
	size_t count; /* messages in it */
	bool streams; /* as events */
	bool queued;  /* the answer has begun */
	bool done;    /* nothing is added */
	bool dead;    /* nobody reads it */
	bool suspended;
	struct event *watch; /* of the socket, while suspended */
	double quiet;	     /* since */
};

struct mcp_http {
	struct mcp_http_opts o;
	char **origins, **hosts;
	struct http_principal *who;
	size_t who_count;
	bool loopback;
	unsigned port;
	struct MHD_Daemon *daemon[HTTP_LISTENERS];
	struct event *watch[HTTP_LISTENERS];
	struct event_timer *run, *tick;
	double gave_back; /* memory, to the kernel: when */
	struct http_conn *conns;
	size_t conn_count;
	bool freed; /* one of them, in this run */
	struct http_exchange *exchanges;
	size_t bodies; /* bytes */
	struct http_session *sessions;
	size_t session_count;
	bool closing;
};

/* ---- http_request.c ------------------------------------------------------ */

void http_request_read(struct http_request *rq, struct MHD_Connection *c);
void http_request_release(struct http_request *rq);
/* Whether the loopback is meant: "localhost", "127.0.0.1", "::1", "[::1]". */
bool http_is_loopback(const char *name);
/* Sets x->no where the headers alone say that it cannot be; and x->who. */
void http_check(struct http_exchange *x, const char *path, const char *method);
void http_refuse(struct http_exchange *x, unsigned status, int code,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* ---- http_session.c ------------------------------------------------------ */

/* NULL: there is none of this principal. */
struct http_session *http_session_find(struct mcp_http *h, const char *id,
				       const struct http_principal *who);
/* Makes room; false: there is none. */
bool http_session_room(struct mcp_http *h);
void http_session_new(struct http_exchange *x);
/* What goes on in it ends. */
void http_session_end(struct http_session *s);
void http_session_expire(struct mcp_http *h, double now);

/* ---- http_exchange.c ----------------------------------------------------- */

struct http_exchange *http_exchange_new(struct http_conn *c,
					struct MHD_Connection *mhd);
/* Its client has gone, or has all of it. */
void http_exchange_free(struct http_exchange *x);
/* All of the request is here. */
void http_exchange_begin(struct http_exchange *x);
/* Answers as far as there is an answer. */
enum MHD_Result http_exchange_answer(struct http_exchange *x);
/* Something about it has changed. */
void http_exchange_wake(struct http_exchange *x);
/* Nobody reads it any more. */
void http_exchange_drop(struct http_exchange *x);
/* What it was for ends. */
void http_exchange_leave(struct http_exchange *x);
void http_exchange_tick(struct http_exchange *x, double now);

#endif
