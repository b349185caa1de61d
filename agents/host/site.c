/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/host/site.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

/* A pipe in a copy is not waited for, a link does not lead out of it. */
static int open_at(const struct site *s, const char *path, unsigned flags)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (!s->other)
		return open(path, (int)how.flags);
	return (int)syscall(SYS_openat2, s->root, path, &how, sizeof(how));
}

int site_open(struct site *s, const char *root)
{
	*s = (struct site){.root = -1, .other = root != NULL};
	s->root = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0)
		return err_set(errno, "cannot look into '%s': %s",
			       root ? root : "/", strerror(errno));
	return 0;
}

void site_close(struct site *s)
{
	if (s->root >= 0)
		close(s->root);
	s->root = -1;
}

static int open_file(const struct site *s, const char *path)
{
	int fd = open_at(s, path, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

int site_read(const struct site *s, const char *path, struct buf *out)
{
	int fd = open_file(s, path), rc;

	if (fd < 0)
		return fd;
	rc = buf_read_fd(out, fd);
	close(fd);
	return rc;
}

bool site_word(const struct site *s, const char *path,
	       char out[static SITE_WORD])
{
	int fd = open_file(s, path);
	ssize_t n;

	out[0] = '\0';
	if (fd < 0)
		return false;
	n = read(fd, out, SITE_WORD - 1);
	close(fd);
	if (n < 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

DIR *site_dir(const struct site *s, const char *path)
{
	int fd = open_at(s, path, O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

void site_release(const struct site *s, char out[static SITE_WORD])
{
	if (!site_word(s, "/proc/sys/kernel/osrelease", out) ||
	    strchr(out, '/'))
		out[0] = '\0';
}
