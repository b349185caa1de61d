/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"

#define CHUNK	 65536
#define AT_ONCE	 (256u << 10)
#define KEPT_CAP (256u << 10) /* of an empty buffer */

void rt_wire_init(struct rt_wire *w, int fd)
{
	*w = (struct rt_wire){.fd = fd, .max_line = RT_WIRE_MAX};
	buf_init(&w->in, RT_WIRE_MAX + AT_ONCE + CHUNK);
	buf_init(&w->out, RT_WIRE_OUT + RT_WIRE_MAX);
}

void rt_wire_release(struct rt_wire *w)
{
	buf_release(&w->in);
	buf_release(&w->out);
	w->in_used = w->in_seen = w->out_used = 0;
}

/* The first *used bytes are no longer needed. */
static void drop_front(struct buf *b, size_t *used)
{
	if (!*used)
		return;
	if (*used == b->len) {
		if (b->cap > KEPT_CAP)
			buf_release(b);
		else
			buf_reset(b);
		*used = 0;
	} else if (*used >= b->len / 2) {
		b->len -= *used;
		memmove(b->data, b->data + *used, b->len + 1);
		*used = 0;
	}
}

static void drop_taken(struct rt_wire *w)
{
	size_t was = w->in_used;

	drop_front(&w->in, &w->in_used);
	w->in_seen -= was - w->in_used;
}

int rt_wire_fill(struct rt_wire *w)
{
	char chunk[CHUNK];

	drop_taken(w);
	/* A line that is not whole yet may grow up to its limit. */
	while (w->in.len - w->in_used < w->max_line + AT_ONCE) {
		ssize_t n = recv(w->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -EPIPE;
		buf_add(&w->in, chunk, (size_t)n);
		if ((size_t)n < sizeof(chunk) || w->in.len >= AT_ONCE)
			return 0;
	}
	return 0;
}

static int too_long(const struct rt_wire *w)
{
	return err_set(EMSGSIZE, "a line of more than %zu bytes", w->max_line);
}

int rt_wire_next(struct rt_wire *w, struct json **out)
{
	const char *from, *nl;
	size_t len;

	if (w->in_seen == w->in.len)
		return 0;
	from = w->in.data + w->in_used;
	nl = memchr(w->in.data + w->in_seen, '\n', w->in.len - w->in_seen);
	if (!nl) {
		w->in_seen = w->in.len;
		return w->in.len - w->in_used > w->max_line ? too_long(w) : 0;
	}
	len = (size_t)(nl - from);
	w->in_used += len + 1;
	w->in_seen = w->in_used;
	if (len > w->max_line)
		return too_long(w);
	*out = json_parse(from, len);
	if (*out && json_type(*out) == JSON_OBJECT)
		return 1;
	if (*out)
		err_set(EBADMSG, "the line is no object");
	json_free(*out);
	*out = NULL;
	return -EBADMSG;
}

int rt_wire_put_line(struct rt_wire *w, const char *line, size_t len)
{
	drop_front(&w->out, &w->out_used);
	if (rt_wire_left(w) > RT_WIRE_OUT || w->out.max - w->out.len < len + 1)
		return err_set(ENOBUFS,
			       "the other side does not read its answers");
	buf_add(&w->out, line, len);
	buf_add(&w->out, "\n", 1);
	return 0;
}

int rt_wire_put(struct rt_wire *w, struct json *v)
{
	char *text = json_canonical(v);
	int rc = rt_wire_put_line(w, text, strlen(text));

	free(text);
	json_free(v);
	return rc;
}

int rt_wire_flush(struct rt_wire *w)
{
	while (rt_wire_left(w)) {
		ssize_t n = send(w->fd, w->out.data + w->out_used,
				 rt_wire_left(w), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		w->out_used += (size_t)n;
	}
	drop_front(&w->out, &w->out_used);
	return 0;
}

size_t rt_wire_left(const struct rt_wire *w)
{
	return w->out.len - w->out_used;
}

size_t rt_wire_held(const struct rt_wire *w)
{
	return w->in.cap + w->out.cap;
}
