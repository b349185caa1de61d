/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP exchanges over libcurl, many at once in one loop.
 *
 * An exchange knows nothing of dialects and never tries again.  It keeps to
 * its clocks and its byte limit whatever the other side does, follows no
 * redirect, verifies certificates, speaks plain HTTP only to this machine
 * (past any proxy) and reads the proxy of all others from the environment.
 * Certificates come from CURL_CA_BUNDLE, else SSL_CERT_FILE, where one is set.
 */
#ifndef SCHEDKIT_LLM_TRANSFER_H
#define SCHEDKIT_LLM_TRANSFER_H

#include "base/buf.h"
#include "base/strs.h"
#include "llm/llm.h"

struct transfer;

struct transfer_request {
	const char *url;	    /* one that url_check() takes */
	const char *const *headers; /* "Name: value", NULL-terminated */
	const char *body;	    /* NULL: GET */
	bool fresh;		    /* over a connection of its own */
	/* first_byte_s is about the body: many send headers at once and think
	 * then.  total_s is of this exchange, attempts and retry_s unused. */
	struct llm_limits limits;
	const volatile sig_atomic_t *cancel;
	/*
	 * Takes a piece of the body of an answer with status 200; t has its
	 * headers already.  NULL: kept in t->body.  Above 0: enough, the
	 * exchange is over and well; below: it ends with that error and the
	 * message set.
	 */
	int (*data)(void *arg, const struct transfer *t, const char *p,
		    size_t n);
	void *arg;
};

struct transfer_loop;

/* One exchange; read-only. */
struct transfer {
	long status;	     /* of HTTP; 0: none came */
	struct strs headers; /* "Name: value", of the last answer */
	struct buf body;
	bool done;
	/*
	 * Once done: 0 (an answer came to its end, whatever its status), or
	 * -ECONNREFUSED and its like (no connection), -EPIPE (broken within),
	 * -ETIMEDOUT, -EINTR, -EMSGSIZE, -EPROTO (no HTTP), -EKEYREJECTED
	 * (a certificate), or what data() said; and why.
	 */
	int error;
	char text[512];
	struct transfer_private *private;
};

int transfer_loop_new(struct transfer_loop **out);
void transfer_loop_free(struct transfer_loop *l); /* no transfer is left */

/* The request's strings are copied, but body and arg have to live on. */
int transfer_start(struct transfer_loop *l, const struct transfer_request *r,
		   struct transfer **out);
void transfer_free(struct transfer *t); /* also while it runs */
/* The first header of that name, or NULL. */
const char *header_get(const struct strs *headers, const char *name);

/* Moves all transfers on, waiting at most so many seconds for something to
 * happen, to them or to fds.  Returns how many are not done. */
int transfer_loop_step(struct transfer_loop *l, double seconds,
		       struct pollfd *fds, size_t n);

#endif
