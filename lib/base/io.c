/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"

#define LOCK_POLL_US 5000

static void wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	poll(&p, 1, -1);
}

int io_write(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EAGAIN)
			wait_writable(fd);
		else if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void pipe_signal(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGPIPE);
}

void io_quiet_begin(struct io_quiet *q)
{
	sigset_t pipe_only, pending;

	pipe_signal(&pipe_only);
	sigpending(&pending);
	q->pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &q->before);
}

void io_quiet_end(const struct io_quiet *q, bool broken)
{
	const struct timespec now = {0};
	sigset_t pipe_only;

	pipe_signal(&pipe_only);
	if (broken && !q->pending)
		sigtimedwait(&pipe_only, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

int io_lock(int fd, double patience_s)
{
	double end = clock_monotonic() + patience_s;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_monotonic() >= end)
			return -EAGAIN;
		usleep(LOCK_POLL_US);
	}
	return 0;
}

int io_keep_only(int fd)
{
	/* Out of the way of those that it is to become. */
	int back = fcntl(fd, F_DUPFD, 4), null = open("/dev/null", O_RDWR);

	if (back < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(back, 3) < 0 || close_range(4, ~0u, 0) < 0)
		return -errno;
	return 0;
}
