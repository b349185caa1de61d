/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/answer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"

#define LINE_LEN    8192
#define PATIENCE_MS 10000
#define CHUNK	    65536
#define WORDS_MAX   (64u << 20)

int answer_request(int fd, void *request, size_t size)
{
	struct pollfd p = {fd, POLLIN, 0};
	size_t got = 0;
	ssize_t n;

	while (got < size && poll(&p, 1, PATIENCE_MS) > 0 &&
	       (n = read(fd, (char *)request + got, size - got)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	return got == size ? 0 : err_set(EINVAL, "half a request");
}

void answer_say(int fd, const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[n] = '\n';
	io_write(fd, line, (size_t)n + 1);
}

void answer_trouble(int fd, const char *word, int rc)
{
	answer_say(fd, "%s %s %s", word, err_name(-rc), err_text());
}

bool answer_over(int fd, int wait_ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, wait_ms) > 0;
}

void answers_init(struct answers *a, int fd)
{
	*a = (struct answers){.fd = fd};
	buf_init(&a->in, WORDS_MAX);
}

void answers_release(struct answers *a)
{
	buf_release(&a->in);
}

int answers_send(const struct answers *a, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(a->fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

void answers_trouble(const char *text, int *rc, char **why)
{
	char name[32] = "";
	int at = 0;

	if (*rc || sscanf(text, "%31s %n", name, &at) < 1)
		return;
	*rc = -err_number(name);
	*why = mem_strdup(text + at);
}

static void take_lines(struct answers *a,
		       void (*fn)(void *arg, const char *line), void *arg)
{
	char *at = a->in.data, *end = at + a->in.len, *nl;

	while (at < end && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		*nl = '\0';
		fn(arg, at);
		at = nl + 1;
	}
	a->in.len = (size_t)(end - at);
	if (a->in.len)
		memmove(a->in.data, at, a->in.len);
}

bool answers_take(struct answers *a, void (*fn)(void *arg, const char *line),
		  void *arg)
{
	char chunk[CHUNK];
	ssize_t n = read(a->fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR;
	if (!n)
		return false;
	buf_add(&a->in, chunk, (size_t)n);
	take_lines(a, fn, arg);
	return true;
}

bool answers_poll(struct answers *a, int wait_ms,
		  void (*fn)(void *arg, const char *line), void *arg)
{
	struct pollfd p = {a->fd, POLLIN, 0};

	return poll(&p, 1, wait_ms) <= 0 || answers_take(a, fn, arg);
}
