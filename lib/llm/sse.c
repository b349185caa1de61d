/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/sse.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

/* Of names: nobody's are longer. */
#define NAME_MAX_BYTES 1024

void sse_init(struct sse *s, size_t max, sse_fn *fn, void *arg)
{
	*s = (struct sse){.fn = fn, .arg = arg};
	buf_init(&s->line, max);
	buf_init(&s->data, max);
	buf_init(&s->type, NAME_MAX_BYTES);
	buf_init(&s->id, NAME_MAX_BYTES);
}

void sse_release(struct sse *s)
{
	buf_release(&s->line);
	buf_release(&s->data);
	buf_release(&s->type);
	buf_release(&s->id);
}

static int too_long(const struct buf *b)
{
	return err_set(EMSGSIZE,
		       "an event of the answer is longer than %zu "
		       "bytes",
		       b->max);
}

static int dispatch(struct sse *s, bool cut)
{
	struct sse_event e = {
		.type = s->type.len ? s->type.data : "message",
		.data = s->data.data,
		.len = s->data.len,
		.id = s->id.len ? s->id.data : "",
		.cut = cut,
	};
	/* One empty line of data is data, too; none at all is no event. */
	int rc = s->any ? s->fn(s->arg, &e) : 0;

	buf_reset(&s->data);
	buf_reset(&s->type);
	s->any = false;
	return rc < 0 ? rc : 0;
}

static int field(struct sse *s, size_t name, const char *value, size_t n)
{
	const char *line = s->line.data;

	if (name == 4 && !memcmp(line, "data", 4)) {
		if (s->any && buf_add(&s->data, "\n", 1))
			return too_long(&s->data);
		s->any = true;
		return buf_add(&s->data, value, n) ? too_long(&s->data) : 0;
	}
	if (name == 5 && !memcmp(line, "event", 5)) {
		buf_reset(&s->type);
		return buf_add(&s->type, value, n) ? too_long(&s->type) : 0;
	}
	if (name == 2 && !memcmp(line, "id", 2) && !memchr(value, '\0', n)) {
		buf_reset(&s->id);
		return buf_add(&s->id, value, n) ? too_long(&s->id) : 0;
	}
	return 0;
}

static int end_line(struct sse *s)
{
	static const char bom[] = {'\xef', '\xbb', '\xbf'};
	const char *colon, *value;
	size_t n;
	int rc;

	if (!s->begun && s->line.len >= sizeof(bom) &&
	    !memcmp(s->line.data, bom, sizeof(bom))) {
		s->line.len -= sizeof(bom);
		memmove(s->line.data, s->line.data + sizeof(bom),
			s->line.len + 1);
	}
	s->begun = true;
	n = s->line.len;
	if (!n)
		return dispatch(s, false);
	colon = memchr(s->line.data, ':', n);
	value = colon ? colon + 1 : s->line.data + n;
	if (colon && value < s->line.data + n && *value == ' ')
		value++;
	rc = field(s, colon ? (size_t)(colon - s->line.data) : n, value,
		   (size_t)(s->line.data + n - value));
	buf_reset(&s->line);
	return rc;
}

int sse_feed(struct sse *s, const char *p, size_t n)
{
	const char *end = p + n, *stop;
	int rc;

	while (p < end) {
		if (s->cr && *p == '\n') {
			s->cr = false;
			p++;
			continue;
		}
		s->cr = false;
		for (stop = p; stop < end && *stop != '\r' && *stop != '\n';)
			stop++;
		if (buf_add(&s->line, p, (size_t)(stop - p)))
			return too_long(&s->line);
		p = stop;
		if (p == end)
			break;
		s->cr = *p++ == '\r';
		rc = end_line(s);
		if (rc)
			return rc;
	}
	return 0;
}

int sse_end(struct sse *s)
{
	int rc = s->line.len ? end_line(s) : 0;

	return rc ? rc : dispatch(s, true);
}
