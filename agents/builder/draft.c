/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a policy is compiled, and what is kept of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/builder/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "policy/built.h"

#define MAX_FILE    (16u << 20)
#define MAX_OBJECTS 256

char *draft_path(const struct draft *d, const char *name)
{
	return mem_printf("%s/%s", d->temp.dir, name);
}

int draft_write(struct draft *d, const char *name, const void *data, size_t len)
{
	char *path = draft_path(d, name);
	int rc = path_write_atomic(path, data, len);

	free(path);
	return rc;
}

/* What the compiler has left there is only taken as a file: not by a link to
 * another, nor from a pipe that nobody writes to. */
static int open_file(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_set(EINVAL, "the compiler left no '%s': %s", name,
			       strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return err_set(EINVAL, "the compiler left '%s', but no regular file",
		       name);
}

int draft_check(const struct draft *d, const char *name)
{
	char *path = draft_path(d, name);
	int fd = open_file(path, name);

	free(path);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int draft_read(struct draft *d, const char *name, struct buf *out)
{
	char *path = draft_path(d, name);
	int fd = open_file(path, name), rc = fd;

	free(path);
	buf_init(out, MAX_FILE);
	if (fd < 0)
		return rc;
	rc = buf_read_fd(out, fd);
	close(fd);
	return rc ? err_prefix(rc, "'%s'", name) : 0;
}

/* The compiler gets copies of our headers: their names are the same wherever
 * we are installed, and so are the objects. */
static int copy_ours(struct draft *d)
{
	int rc = 0;

	for (size_t i = 0; !rc && built_files[i]; i++) {
		char *rel = mem_printf("bpf/%s", built_files[i]);
		char *from = path_lib(rel);
		struct buf b;

		buf_init(&b, MAX_FILE);
		rc = buf_read_file(&b, from);
		if (!rc)
			rc = draft_write(d, built_files[i], b.data, b.len);
		buf_release(&b);
		free(from);
		free(rel);
	}
	return rc;
}

int draft_open(struct draft *d)
{
	char *all = path_cache("drafts"), *bpf;
	int rc = temp_make(all, "", &d->temp);

	free(all);
	if (rc)
		return rc;
	bpf = draft_path(d, "bpf");
	rc = path_make_dirs(bpf);
	free(bpf);
	return rc ? rc : copy_ours(d);
}

void draft_close(struct draft *d)
{
	temp_remove(&d->temp);
}

struct aged {
	char *path;
	time_t at;
};

static int by_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static size_t list_folder(const char *path, struct aged **out)
{
	DIR *dir = opendir(path);
	struct aged *list = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir))) {
		char *one;

		if (e->d_name[0] == '.')
			continue;
		one = mem_printf("%s/%s", path, e->d_name);
		if (lstat(one, &st) < 0) {
			free(one);
			continue;
		}
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			list = mem_realloc(list, cap, sizeof(*list));
		}
		list[n++] = (struct aged){one, st.st_mtime};
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(list, n, sizeof(*list), by_age);
	*out = list;
	return n;
}

void draft_prune(void)
{
	char *objects = path_cache("objects");
	struct aged *list;
	size_t n = list_folder(objects, &list);

	/* An object and its digest are two files of about one age. */
	for (size_t i = 0; i < n; i++) {
		if (i + 2 * MAX_OBJECTS < n)
			unlink(list[i].path);
		free(list[i].path);
	}
	free(list);
	free(objects);
}
