/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How one of our processes asks another to do something and to go on with it:
 * it writes one struct on a stream socket, reads lines, and closes its side
 * when it has had enough.
 */
#ifndef SCHEDKIT_BASE_ANSWER_H
#define SCHEDKIT_BASE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* ---- who is asked ---- */

/* Reads all of a request.  -EINVAL: it is cut off, or the asker has stopped in
 * the middle of it. */
int answer_request(int fd, void *request, size_t size);

/* Writes a line; a control character in it becomes a space, too long a one is
 * cut.  The asker may be gone, which is no error. */
void answer_say(int fd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "WORD ERRNO-NAME MESSAGE", of the error slot. */
void answer_trouble(int fd, const char *word, int rc);

/* The asker has closed its side, or wrote more, which nobody does; waits for
 * that at most so long. */
bool answer_over(int fd, int wait_ms);

/* ---- who asks ---- */

struct answers {
	int fd;
	struct buf in; /* of the last line, what there is of it */
};

void answers_init(struct answers *a, int fd);
void answers_release(struct answers *a); /* fd stays the caller's */

/* Sends all of it: 0; -errno, without a message, and without a signal where the
 * other side is closed. */
int answers_send(const struct answers *a, const void *data, size_t len);

/* Takes apart what answer_trouble() says behind its word, unless *rc has an
 * error already: -errno, and its message, the caller's. */
void answers_trouble(const char *text, int *rc, char **why);

/* Waits for more and gives each whole line to fn; false: the other side is
 * closed. */
bool answers_take(struct answers *a, void (*fn)(void *arg, const char *line),
		  void *arg);
/* The same, but waits at most so long; true, too, where nothing came. */
bool answers_poll(struct answers *a, int wait_ms,
		  void (*fn)(void *arg, const char *line), void *arg);

#endif
