/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/reader.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

static int on_event(void *arg, const struct sse_event *e)
{
	struct reader *r = arg;

	return dialect_event(r->d, &r->g, e);
}

void reader_init(struct reader *r, const struct dialect *d, bool stream,
		 size_t max_bytes)
{
	*r = (struct reader){.d = d, .stream = stream};
	gather_init(&r->g, max_bytes);
	buf_init(&r->body, max_bytes);
	sse_init(&r->sse, max_bytes, on_event, r);
}

void reader_release(struct reader *r)
{
	gather_release(&r->g);
	buf_release(&r->body);
	sse_release(&r->sse);
}

static enum reader_form form_of(const char *type, bool stream, const char *s,
				size_t n)
{
	static const char events[] = "text/event-stream";

	if (type && !strncasecmp(type, events, strlen(events)))
		return READER_STREAM;
	if (!stream || (type && strcasestr(type, "json")))
		return READER_JSON;
	/* It does not say, so it is as asked, or plainly an object. */
	for (; n && memchr(" \t\r\n", *s, 4); n--)
		s++;
	if (!n)
		return READER_UNKNOWN;
	return *s == '{' ? READER_JSON : READER_STREAM;
}

static int keep(struct reader *r, const char *s, size_t n)
{
	if (!buf_add(&r->body, s, n))
		return 0;
	return err_set(EMSGSIZE, "the answer is longer than %zu bytes",
		       r->body.max);
}

int reader_feed(struct reader *r, const char *type, const char *s, size_t n)
{
	bool undecided = r->form == READER_UNKNOWN;
	int rc = 0;

	if (undecided)
		r->form = form_of(type, r->stream, s, n);
	if (r->form != READER_STREAM)
		return keep(r, s, n);
	/* The white space that said nothing. */
	if (undecided && r->body.len)
		rc = sse_feed(&r->sse, r->body.data, r->body.len);
	if (!rc)
		rc = sse_feed(&r->sse, s, n);
	/* Some keep the connection open behind the end, or send rubbish. */
	return r->g.complete || r->g.error.set ? 1 : rc;
}

int reader_end(struct reader *r)
{
	if (r->form == READER_JSON)
		return dialect_answer(r->d, &r->g, r->body.data, r->body.len);
	return r->form == READER_STREAM ? sse_end(&r->sse) : 0;
}
