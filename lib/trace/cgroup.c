/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/err.h"
#include "base/mem.h"
#include "trace/backend.h"

#define CGROUP2_MAGIC 0x63677270

static bool on_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_MAGIC;
}

/* Folders up to the mount's root, which is the first whose parent is not. */
static unsigned depth_of(const char *path)
{
	char up[PATH_MAX];
	unsigned level = 0;
	char *cut;

	snprintf(up, sizeof(up), "%s", path);
	while ((cut = strrchr(up, '/')) && cut != up) {
		*cut = '\0';
		if (!on_cgroup2(up))
			break;
		level++;
	}
	return level;
}

static char *resolve(const char *path)
{
	static const char *const roots[] = {"", "/sys/fs/cgroup/",
					    "/sys/fs/cgroup/unified/"};

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		char *full = mem_printf("%s%s", roots[i], path);
		char *real = realpath(full, NULL);

		free(full);
		if (real && on_cgroup2(real))
			return real;
		free(real);
	}
	return NULL;
}

int cgroup_lookup(const char *path, uint64_t *id, unsigned *level)
{
	char *real = resolve(path);
	struct stat st;

	if (!real || stat(real, &st)) {
		free(real);
		return err_set(ENOENT,
			       "'%s' is no cgroup: give a folder of the "
			       "cgroup2 mount",
			       path);
	}
	/* On 64-bit kernels a cgroup's id is its folder's inode number. */
	*id = st.st_ino;
	*level = depth_of(real);
	free(real);
	return 0;
}
