/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

int owned_check(const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(EACCES,
			       "%s: it belongs to user %u: 'chown root' makes "
			       "it count",
			       path, st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(EACCES,
			       "%s: others may write to it: 'chmod go-w' makes "
			       "it count",
			       path);
	return 0;
}

int owned_open(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return errno == ELOOP
			       ? err_set(EACCES,
					 "%s: it is a link: put the file "
					 "itself there",
					 path)
			       : err_set(errno, "%s: %s", path,
					 strerror(errno));
	if (fstat(fd, st))
		rc = err_set(errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st->st_mode))
		rc = err_set(EACCES, "%s: it is no plain file", path);
	else
		rc = owned_check(path, st);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}
