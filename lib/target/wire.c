/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define CHUNK 65536

void wire_msg_release(struct wire_msg *m)
{
	json_free(m->head);
	free(m->data);
	*m = (struct wire_msg){0};
}

static int wait_writable(int fd, double until)
{
	struct pollfd p = {fd, POLLOUT, 0};
	double left = until - clock_monotonic();

	if (until <= 0)
		return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
	if (left <= 0)
		return err_set(ETIMEDOUT, "nobody takes the message");
	return poll(&p, 1, (int)(left * 1e3) + 1) < 0 && errno != EINTR ? -errno
									: 0;
}

/* A dead guest is an error code here, not a SIGPIPE. */
static ssize_t put(int fd, const char *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, data, len) : n;
}

static int write_all(int fd, const char *data, size_t len, double until)
{
	while (len) {
		ssize_t n = put(fd, data, len);
		int rc;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_set(errno, "cannot send a message: %s",
				       strerror(errno));
		rc = wait_writable(fd, until);
		if (rc)
			return rc;
	}
	return 0;
}

int wire_send(int fd, struct json *head, const void *data, size_t len,
	      double limit_s)
{
	double until = limit_s > 0 ? clock_monotonic() + limit_s : 0;
	char *line;
	int rc;

	json_set_number(head, "bytes", (double)len);
	line = json_canonical(head);
	json_free(head);
	rc = write_all(fd, line, strlen(line), until);
	if (!rc)
		rc = write_all(fd, "\n", 1, until);
	if (!rc)
		rc = write_all(fd, data, len, until);
	free(line);
	return rc;
}

int wire_pass(int fd, const void *data, size_t len)
{
	return write_all(fd, data, len, 0);
}

int wire_read(int fd, struct buf *in)
{
	char chunk[CHUNK];
	ssize_t n;
	int rc;

	do
		n = read(fd, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	rc = buf_add(in, chunk, (size_t)n);
	return rc ? rc : (int)n;
}

int wire_next(struct buf *in, struct wire_msg *out)
{
	char *nl = in->len ? memchr(in->data, '\n', in->len) : NULL;
	struct json *head;
	size_t head_len, len;
	double bytes;

	if (!nl)
		return 0;
	head_len = (size_t)(nl - in->data);
	/* Parsed anew with each chunk; the head is small beside the data. */
	head = json_parse(in->data, head_len);
	bytes = json_as_number(json_get(head, "bytes"), -1);
	if (!head || !(bytes >= 0 && bytes < WIRE_MAX)) {
		json_free(head);
		return err_set(EBADMSG, "a message that makes no sense");
	}
	len = (size_t)bytes;
	if (in->len - head_len - 1 < len) {
		json_free(head);
		return 0;
	}
	out->head = head;
	out->data = mem_zalloc(len + 1, 1);
	memcpy(out->data, nl + 1, len);
	out->len = len;
	in->len -= head_len + 1 + len;
	memmove(in->data, in->data + head_len + 1 + len, in->len);
	return 1;
}

int wire_receive(int fd, struct buf *in, struct wire_msg *out)
{
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		int rc = wire_next(in, out);

		if (rc)
			return rc;
		rc = wire_read(fd, in);
		if (rc == -EAGAIN)
			poll(&p, 1, -1);
		else if (rc <= 0)
			return rc;
	}
}
