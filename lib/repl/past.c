/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repl/past.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

#define PATIENCE_S 2.0

int past_read(const char *path, struct strs *out)
{
	struct buf b;
	char *next;
	int rc = 0;

	buf_init(&b, PAST_FILE_BYTES);
	if (access(path, F_OK) == 0)
		rc = buf_read_file(&b, path);
	for (char *s = b.len && !rc ? b.data : NULL; s && *s; s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		if (*s)
			strs_add(out, s);
	}
	buf_release(&b);
	return rc;
}

/* Renaming needs a lock that is not the file itself. */
static int lock(const char *path)
{
	char *name = mem_printf("%s.lock", path);
	int rc = path_make_parent(name), fd;

	if (rc) {
		free(name);
		return rc;
	}
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rc = err_set(errno, "cannot open '%s': %s", name,
			     strerror(errno));
		free(name);
		return rc;
	}
	free(name);
	rc = io_lock(fd, PATIENCE_S);
	if (!rc)
		return fd;
	close(fd);
	return err_set(-rc, "cannot lock '%s': %s", path, strerror(-rc));
}

static int write_with(const char *path, const struct strs *old,
		      const char *line)
{
	size_t first = old->len >= PAST_LINES ? old->len - PAST_LINES + 1 : 0;
	struct buf b;
	int rc;

	buf_init(&b, PAST_FILE_BYTES);
	for (size_t i = first; i < old->len; i++)
		if (strcmp(old->v[i], line))
			buf_printf(&b, "%s\n", old->v[i]);
	buf_printf(&b, "%s\n", line);
	rc = b.truncated ? err_set(EFBIG, "'%s' is too large", path)
			 : path_write_atomic(path, b.data, b.len);
	buf_release(&b);
	return rc;
}

int past_add(const char *path, const char *line)
{
	struct strs old = {0};
	int fd, rc;

	if (!*line || isspace((unsigned char)*line) || strchr(line, '\n') ||
	    strlen(line) > PAST_LINE_BYTES)
		return 0;
	fd = lock(path);
	if (fd < 0)
		return fd;
	rc = past_read(path, &old);
	if (!rc)
		rc = write_with(path, &old, line);
	strs_release(&old);
	close(fd);
	return rc;
}
