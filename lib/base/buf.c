/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->truncated = false;
	if (b->data)
		b->data[0] = '\0';
}

static void reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 256;

	while (cap < len + 1)
		cap *= 2;
	if (cap != b->cap) {
		b->data = mem_realloc(b->data, cap, 1);
		b->cap = cap;
	}
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	size_t room = b->max > b->len ? b->max - b->len : 0;
	size_t take = len < room ? len : room;

	reserve(b, b->len + take);
	if (take)
		memcpy(b->data + b->len, data, take);
	b->len += take;
	b->data[b->len] = '\0';
	if (take == len)
		return 0;
	b->truncated = true;
	return err_set(EFBIG, "more than %zu bytes", b->max);
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_set(ENOMEM, "out of memory");
	rc = buf_add(b, s, (size_t)n);
	free(s);
	return rc;
}

char *buf_take(struct buf *b)
{
	char *s;

	reserve(b, b->len);
	b->data[b->len] = '\0';
	s = b->data;
	*b = (struct buf){.max = b->max};
	return s;
}

int buf_read_fd(struct buf *b, int fd)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		int rc;

		if (n == 0)
			return 0;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_set(errno, "cannot read: %s",
				       strerror(errno));
		}
		rc = buf_add(b, chunk, (size_t)n);
		if (rc)
			return rc;
	}
}

int buf_read_file(struct buf *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	rc = buf_read_fd(b, fd);
	close(fd);
	return rc ? err_prefix(rc, "'%s'", path) : 0;
}
