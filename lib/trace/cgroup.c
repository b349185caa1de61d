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

static int no_cgroup(const char *path)
{
	return err_set(ENOENT,
		       "'%s' is no cgroup: give a folder of the cgroup2 mount",
		       path);
}

int cgroup_lookup(const char *path, uint64_t *id, unsigned *level)
{
	char *real = resolve(path);
	struct stat st;

	if (!real || stat(real, &st)) {
		free(real);
		return no_cgroup(path);
	}
	/* On 64-bit kernels a cgroup's id is its folder's inode number. */
	*id = st.st_ino;
	*level = depth_of(real);
	free(real);
	return 0;
}

char *cgroup_relative(const char *path)
{
	char *real = resolve(path), *relative, *cut;

	if (!real) {
		no_cgroup(path);
		return NULL;
	}
	cut = real + strlen(real);
	for (unsigned level = depth_of(real); level > 0; level--)
		while (*--cut != '/')
			;
	relative = mem_strdup(*cut ? cut : "/");
	free(real);
	return relative;
}

bool cgroup_holds(const char *relative, pid_t pid)
{
	char *path = mem_printf("/proc/%d/cgroup", (int)pid);
	size_t len = strlen(relative);
	FILE *f = fopen(path, "re");
	char line[PATH_MAX + 8];
	bool holds = false;

	while (f && !holds && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3))
			continue;
		holds = len == 1 || (!strncmp(line + 3, relative, len) &&
				     strchr("/\n", line[3 + len]));
	}
	if (f)
		fclose(f);
	free(path);
	return holds;
}
