/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing byte buffer that is born with a ceiling.
 *
 * data is always NUL-terminated once anything was added (the NUL is not in
 * len).  Past max the buffer keeps what it has, sets truncated and every
 * further add returns -EFBIG; it never grows without bound.
 */
#ifndef SCHEDKIT_BASE_BUF_H
#define SCHEDKIT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool truncated;
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* safe on a zeroed buffer */
void buf_reset(struct buf *b);	 /* empty, memory kept */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The text, owned by the caller (never NULL); the buffer is left empty. */
char *buf_take(struct buf *b);

/* Reads fd to its end.  -EFBIG past b->max. */
int buf_read_fd(struct buf *b, int fd);
/* Reads a whole file; the message names the path. */
int buf_read_file(struct buf *b, const char *path);

#endif
