/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ends of a tool's pipe.
 *
 * Both wait when the descriptor is a non-blocking one.
 */
#ifndef SCHEDKIT_DOC_PIPE_H
#define SCHEDKIT_DOC_PIPE_H

#include <stdbool.h>
#include <stddef.h>

/* All of it, or -errno; a reader that went away is -EPIPE, never SIGPIPE. */
int pipe_write(int fd, const void *data, size_t len);

enum pipe_piece {
	PIPE_END,     /* nothing is left */
	PIPE_LINE,    /* a line, or the rest of one that began with parts */
	PIPE_UNENDED, /* likewise, and the input ends without a newline */
	PIPE_PART,    /* of a line longer than max; more of it follows */
};

/* Takes lines from fd in memory bounded by max. */
struct pipe_lines {
	int fd;
	size_t max;
	char *data;
	size_t start, end; /* what was read and not yet handed out */
	size_t cap;
	bool in_part;
};

void pipe_lines_init(struct pipe_lines *l, int fd, size_t max);
void pipe_lines_release(struct pipe_lines *l);
/*
 * Lends the next piece, without a newline but followed by one in memory when
 * it is a PIPE_LINE, until the next call.  -errno; after -EINTR one can go on.
 */
int pipe_lines_next(struct pipe_lines *l, const char **text, size_t *len);

#endif
