/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define DEPTH 16

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	/* One that stays keeps its folder, not the others. */
	remove(path);
	return 0;
}

void temp_clear(const char *dir)
{
	nftw(dir, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS);
}

/* Below 0: another has it. */
static int hold(const char *dir, int how)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, how) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void remove_left(const char *parent, const char *prefix)
{
	DIR *d = opendir(parent);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *dir;
		int fd;

		if (e->d_name[0] == '.' ||
		    strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		dir = mem_printf("%s/%s", parent, e->d_name);
		fd = hold(dir, LOCK_EX | LOCK_NB);
		if (fd >= 0) {
			temp_clear(dir);
			close(fd);
		}
		free(dir);
	}
	if (d)
		closedir(d);
}

int temp_make(const char *parent, const char *prefix, struct temp *out)
{
	int rc = path_make_dirs(parent), busy;

	*out = TEMP_NONE;
	if (rc)
		return rc;
	/* Nobody takes a new one for one that was left. */
	busy = hold(parent, LOCK_EX);
	remove_left(parent, prefix);
	out->dir = mem_printf("%s/%sXXXXXX", parent, prefix);
	if (mkdtemp(out->dir)) {
		out->lock = hold(out->dir, LOCK_EX | LOCK_NB);
	} else {
		rc = err_set(errno, "cannot make a folder in '%s': %s", parent,
			     strerror(errno));
		free(out->dir);
		out->dir = NULL;
	}
	if (busy >= 0)
		close(busy);
	return rc;
}

void temp_remove(struct temp *t)
{
	if (t->dir)
		temp_clear(t->dir);
	if (t->lock >= 0)
		close(t->lock);
	free(t->dir);
	*t = TEMP_NONE;
}
