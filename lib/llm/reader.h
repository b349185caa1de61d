/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of an answer with status 200, in one piece or as a stream. */
#ifndef SCHEDKIT_LLM_READER_H
#define SCHEDKIT_LLM_READER_H

#include "llm/dialect.h"
#include "llm/sse.h"

enum reader_form {
	READER_UNKNOWN, /* nothing came yet that tells */
	READER_JSON,
	READER_STREAM,
};

struct reader {
	const struct dialect *d;
	bool stream; /* a stream was asked for */
	enum reader_form form;
	struct gather g;
	struct sse sse;
	struct buf body;
};

void reader_init(struct reader *r, const struct dialect *d, bool stream,
		 size_t max_bytes);
void reader_release(struct reader *r);

/* type: Content-Type, or NULL: not every endpoint sends what it was asked for.
 * Above 0: the answer is complete, or r->g.error is; below: as
 * dialect_event(), sse_feed(). */
int reader_feed(struct reader *r, const char *type, const char *s, size_t n);
/* Nothing follows.  r->g.complete says whether it was all. */
int reader_end(struct reader *r);

#endif
