/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

#define CHUNK 65536

int lines_open(const char *path)
{
	int fd, rc = path_make_parent(path);

	if (rc)
		return rc;
	fd = open(path,
		  O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
			  O_NONBLOCK,
		  0600);
	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	return fd;
}

static int lock(int fd)
{
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int append_locked(int fd, const char *text, size_t len, bool sync)
{
	struct stat st;
	char last = '\n';
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return -EIO;
	/* text begins with a newline, which only a torn line needs. */
	if (last == '\n') {
		text++;
		len--;
	}
	rc = io_write(fd, text, len);
	if (!rc && sync && fsync(fd) < 0)
		rc = -errno;
	/* A full disk leaves no half line behind, if that can be helped. */
	if (rc)
		(void)!ftruncate(fd, st.st_size);
	return rc;
}

int lines_append(int fd, const char *line, bool sync)
{
	char *text = mem_printf("\n%s\n", line);
	int rc = lock(fd);

	if (!rc) {
		rc = append_locked(fd, text, strlen(text), sync);
		flock(fd, LOCK_UN);
	}
	free(text);
	if (rc)
		err_set(-rc, "cannot append a line: %s", strerror(-rc));
	return rc;
}

/* Gives the whole lines of b away; what is left of the last stays. */
static int give(struct buf *b, size_t max, bool *skip,
		int (*fn)(void *arg, const char *line, size_t len), void *arg)
{
	char *from = b->data, *end = b->data + b->len, *nl;
	int rc = 0;

	while (!rc && (nl = memchr(from, '\n', (size_t)(end - from)))) {
		if (!*skip && (size_t)(nl - from) <= max)
			rc = fn(arg, from, (size_t)(nl - from));
		*skip = false;
		from = nl + 1;
	}
	b->len = (size_t)(end - from);
	memmove(b->data, from, b->len);
	return rc;
}

int lines_read(int fd, off_t *at, size_t max,
	       int (*fn)(void *arg, const char *line, size_t len), void *arg)
{
	char *chunk = mem_zalloc(CHUNK, 1);
	bool skip = false; /* in the middle of one that is too long */
	off_t from = *at;
	struct buf b;
	ssize_t n;
	int rc = 0;

	buf_init(&b, max + CHUNK);
	while (!rc && (n = pread(fd, chunk, CHUNK, from)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = err_set(errno, "cannot read lines: %s",
				     strerror(errno));
			break;
		}
		from += n;
		buf_add(&b, chunk, (size_t)n);
		rc = give(&b, max, &skip, fn, arg);
		if (b.len > max) {
			skip = true;
			b.len = 0;
		}
		/* A line of which the end was not there yet is read again. */
		if (!skip)
			*at = from - (off_t)b.len;
	}
	buf_release(&b);
	free(chunk);
	return rc;
}
