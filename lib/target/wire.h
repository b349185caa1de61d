/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between a target and what runs its commands (guest-init, or the
 * host target's child): one line of JSON, whose "bytes" says how many raw
 * bytes follow.  Lengths, not separators: a command may print anything.
 */
#ifndef SCHEDKIT_TARGET_WIRE_H
#define SCHEDKIT_TARGET_WIRE_H

#include <stddef.h>

#include "base/buf.h"
#include "doc/json.h"

#define WIRE_MAX (64u << 20) /* bytes of one message */

struct wire_msg {
	struct json *head;
	char *data; /* NUL-terminated beyond len */
	size_t len;
};

void wire_msg_release(struct wire_msg *m);

/*
 * Writes a message; takes head.  On a non-blocking fd waits for at most
 * limit_s (0: for ever): -ETIMEDOUT; -EPIPE when nobody is there any more.
 */
int wire_send(int fd, struct json *head, const void *data, size_t len,
	      double limit_s);

/* Writes bytes that are a whole message already, blocking. */
int wire_pass(int fd, const void *data, size_t len);

/*
 * Reads what is there into in (made with max WIRE_MAX): the number of bytes,
 * 0 at the end, -EAGAIN, -errno.
 */
int wire_read(int fd, struct buf *in);

/* Takes the next whole message out of in: 1; 0: not yet; -EBADMSG. */
int wire_next(struct buf *in, struct wire_msg *out);

/* Blocks until a message is whole: 1; 0 at the end; -errno. */
int wire_receive(int fd, struct buf *in, struct wire_msg *out);

#endif
