/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing everything, whatever write(2) makes of it at once. */
#ifndef SCHEDKIT_BASE_IO_H
#define SCHEDKIT_BASE_IO_H

#include <stddef.h>

/* 0, or -errno (no message: the caller knows what it wrote to). */
int io_write(int fd, const void *data, size_t len);

#endif
