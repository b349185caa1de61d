/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define FILE_MAX     (1u << 20)
#define PERIOD_US    100000
#define REMOVE_TRIES 100
#define REMOVE_NS    10000000

char *cgroup_root(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	char *root = NULL;

	while (f && !root && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			root = mem_strdup(m->mnt_dir);
	if (f)
		endmntent(f);
	return root;
}

char *cgroup_of(const char *root, pid_t pid)
{
	char path[64], *at, *out = NULL;
	struct buf b;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	buf_init(&b, FILE_MAX);
	if (!buf_read_file(&b, path) && b.len) {
		at = !strncmp(b.data, "0::/", 4) ? b.data
						 : strstr(b.data, "\n0::/");
		if (at) {
			at = strchr(at, '/');
			at[strcspn(at, "\n")] = '\0';
			out = mem_printf("%s%s", root, at[1] ? at : "");
		}
	}
	buf_release(&b);
	return out;
}

static bool goes_up(const char *path)
{
	for (size_t n; *path; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n == 2 && !strncmp(path, "..", n))
			return true;
	}
	return false;
}

char *cgroup_folder(const char *root, const char *said)
{
	size_t n = strlen(root);
	char *path;

	if (!strncmp(said, root, n) && (said[n] == '/' || !said[n]))
		path = mem_strdup(said);
	else
		path = mem_printf("%s%s%s", root, *said == '/' ? "" : "/",
				  said);
	for (n = strlen(path); n && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	if (!goes_up(path) && !access(path, F_OK))
		return path;
	err_set(ENOENT, "there is no cgroup '%s'", path);
	free(path);
	return NULL;
}

char *cgroup_parent(const char *root, const char *dir)
{
	size_t n = strlen(root);
	const char *slash = strrchr(dir, '/');

	if (strncmp(dir, root, n) || dir[n] != '/')
		return NULL;
	return mem_strndup(dir, (size_t)(slash - dir));
}

char *cgroup_read(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name), *out = NULL;
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (!buf_read_file(&b, path)) {
		if (b.len && b.data[b.len - 1] == '\n')
			b.data[--b.len] = '\0';
		out = buf_take(&b);
	}
	buf_release(&b);
	free(path);
	return out;
}

int cgroup_write(const char *dir, const char *name, const char *word)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	/* Nothing written would change nothing. */
	if (!*word)
		word = "\n";
	if (fd < 0 || write(fd, word, strlen(word)) < 0)
		rc = err_set(errno, "cannot write '%s' to '%s': %s", word, path,
			     strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

char *cgroup_all_cpus(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	char *up = slash ? mem_strndup(dir, (size_t)(slash - dir)) : NULL;
	char *all = up ? cgroup_read(up, "cpuset.cpus.effective") : NULL;

	free(up);
	return all;
}

int cgroup_write_back(const char *dir, const char *name, const char *was)
{
	int rc = cgroup_write(dir, name, was);
	char *all;

	if (rc != -ENOSPC || *was)
		return rc;
	all = cgroup_all_cpus(dir);
	rc = all ? cgroup_write(dir, name, all) : rc;
	free(all);
	return rc;
}

bool cgroup_has(const char *dir, const char *name, const char *word)
{
	char *text = cgroup_read(dir, name), *save = NULL;
	bool has = false;

	for (char *w = text ? strtok_r(text, " ", &save) : NULL; w && !has;
	     w = strtok_r(NULL, " ", &save))
		has = !strcmp(w, word);
	free(text);
	return has;
}

void cgroup_quota(char word[static CGROUP_WORD], double pct)
{
	snprintf(word, CGROUP_WORD, "%.0f %d", pct * PERIOD_US / 100,
		 PERIOD_US);
}

int cgroup_remove(const char *dir)
{
	const struct timespec nap = {.tv_nsec = REMOVE_NS};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (rmdir(dir) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&nap, NULL);
	}
	return err_set(errno, "cannot remove the cgroup '%s': %s", dir,
		       strerror(errno));
}
