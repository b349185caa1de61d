/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of a test's, whole. */
#ifndef SCHEDKIT_TESTS_FILE_FIX_H
#define SCHEDKIT_TESTS_FILE_FIX_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

static inline struct buf file_content(const char *path)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(buf_read_file(&b, path), 0);
	return b;
}

/* In the place of what is in it. */
static inline void file_put(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

#endif
