/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files: writing everything, whatever write(2) makes of it at once; locks. */
#ifndef SCHEDKIT_BASE_IO_H
#define SCHEDKIT_BASE_IO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* 0, or -errno (no message: the caller knows what it wrote to). */
int io_write(int fd, const void *data, size_t len);

/*
 * Around writes to a pipe whose reader may be gone: no SIGPIPE comes of them,
 * and what the program does about that signal stays as it is.  broken: a write
 * was -EPIPE.
 */
struct io_quiet {
	sigset_t before;
	bool pending;
};

void io_quiet_begin(struct io_quiet *q);
void io_quiet_end(const struct io_quiet *q, bool broken);

/*
 * A lock that one process alone may hold, by flock(2): 0, -EAGAIN, -errno.
 * A process that was killed may have left it, for as long as it takes to get
 * that far, to a child that was about to close it: hence the patience.
 */
int io_lock(int fd, double patience_s);

/*
 * For a child that is to reach nothing of its parent's: fd becomes 3, standard
 * error stays, 0 and 1 are /dev/null, all else is closed.  0, or -errno.
 */
int io_keep_only(int fd);

#endif
