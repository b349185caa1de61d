/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder of an event stream (text/event-stream of the WHATWG), fed with
 * pieces that may end anywhere.
 */
#ifndef SCHEDKIT_LLM_SSE_H
#define SCHEDKIT_LLM_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct sse_event {
	const char *type; /* "message" when the stream names none */
	const char *data; /* its lines joined by LF; a NUL behind */
	size_t len;
	const char *id; /* the last one of the stream; "" */
	/* The stream ended before the empty line that ends an event.  The
	 * standard drops it; servers forget that line after the last one. */
	bool cut;
};

/* What an event is given to; negative ends the decoding with it. */
typedef int sse_fn(void *arg, const struct sse_event *e);

struct sse {
	struct buf line, data, type, id;
	sse_fn *fn;
	void *arg;
	bool begun; /* the first line, which may have a BOM, is over */
	bool cr;    /* an LF now belongs to the CR before it */
	bool any;   /* data has a line */
};

/* max: bytes of one line and of the data of one event. */
void sse_init(struct sse *s, size_t max, sse_fn *fn, void *arg);
void sse_release(struct sse *s);
/* -EMSGSIZE: a line or an event over the limit. */
int sse_feed(struct sse *s, const char *p, size_t n);
/* The stream is at its end. */
int sse_end(struct sse *s);

#endif
