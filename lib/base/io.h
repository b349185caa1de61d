/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing everything, whatever write(2) makes of it at once. */
#ifndef SCHEDKIT_BASE_IO_H
#define SCHEDKIT_BASE_IO_H

#include <stddef.h>

/* 0, or -errno (no message: the caller knows what it wrote to). */
int io_write(int fd, const void *data, size_t len);

/*
 * For a child that is to reach nothing of its parent's: fd becomes 3, standard
 * error stays, 0 and 1 are /dev/null, all else is closed.  0, or -errno.
 */
int io_keep_only(int fd);

#endif
