/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

#define CHUNK 65536

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, -1);
}

int pipe_write(int fd, const void *data, size_t len)
{
	struct io_quiet q;
	int rc;

	io_quiet_begin(&q);
	rc = io_write(fd, data, len);
	io_quiet_end(&q, rc == -EPIPE);
	return rc;
}

void pipe_lines_init(struct pipe_lines *l, int fd, size_t max)
{
	*l = (struct pipe_lines){.fd = fd, .max = max};
}

void pipe_lines_release(struct pipe_lines *l)
{
	free(l->data);
	*l = (struct pipe_lines){.fd = -1};
}

/* Room for a chunk behind what is held. */
static void make_room(struct pipe_lines *l)
{
	size_t most = l->max + 1 + CHUNK;

	if (l->start) {
		memmove(l->data, l->data + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	if (l->cap - l->end >= CHUNK)
		return;
	l->cap = l->cap * 2 < most ? l->cap * 2 : most;
	if (l->cap < 2 * CHUNK)
		l->cap = 2 * CHUNK;
	l->data = mem_realloc(l->data, l->cap, 1);
}

/* Bytes read; 0 at the end. */
static ssize_t fill(struct pipe_lines *l)
{
	ssize_t n;

	make_room(l);
	for (;;) {
		n = read(l->fd, l->data + l->end, CHUNK);
		if (n >= 0 || errno != EAGAIN)
			break;
		wait_for(l->fd, POLLIN);
	}
	if (n < 0)
		return -errno;
	l->end += (size_t)n;
	return n;
}

static int hand_out(struct pipe_lines *l, size_t len, size_t drop,
		    enum pipe_piece piece, const char **text, size_t *out)
{
	*text = l->data + l->start;
	*out = len;
	l->start += len + drop;
	l->in_part = piece == PIPE_PART;
	return piece;
}

int pipe_lines_next(struct pipe_lines *l, const char **text, size_t *len)
{
	size_t looked = 0;

	for (;;) {
		size_t held = l->end - l->start;
		char *from = held ? l->data + l->start : NULL;
		char *nl = NULL;
		ssize_t n;

		if (held > looked)
			nl = memchr(from + looked, '\n', held - looked);
		if (nl && (size_t)(nl - from) <= l->max)
			return hand_out(l, (size_t)(nl - from), 1, PIPE_LINE,
					text, len);
		if (held > l->max || (held && l->in_part && !nl))
			return hand_out(l, nl ? (size_t)(nl - from) : held, 0,
					PIPE_PART, text, len);
		looked = held;
		n = fill(l);
		if (n < 0)
			return (int)n;
		if (n)
			continue;
		if (!held && !l->in_part)
			return PIPE_END;
		return hand_out(l, held, 0, PIPE_UNENDED, text, len);
	}
}
