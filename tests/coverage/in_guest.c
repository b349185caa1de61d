/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's side of counters from guests, in the build of "make coverage"
 * only (ld --wrap); linked into cmd/guest-init.c.
 *
 * All programs of a guest map their counters where those of the host do, but in
 * memory: no two kernels ever map one file.  Before each answer to the host,
 * which may kill the guest once it has it, PID 1 copies them to the folder that
 * in_cell.c left writable.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "target/inside.h"
#include "target/wire.h"
#include "tests/coverage/counters.h"

struct json *__real_inside_facts(void);
struct json *__wrap_inside_facts(void);
int __real_inside_new_root(const char *cwd);
int __wrap_inside_new_root(const char *cwd);
int __real_wire_pass(int fd, const void *data, size_t len);
int __wrap_wire_pass(int fd, const void *data, size_t len);

/* The host's folder, which the guest's hides; -1: nothing is counted. */
static int host = -1;

/* Before the compiler's own constructor opens the file of PID 1. */
static void __attribute__((constructor(101))) begin(void)
{
	char path[PATH_MAX];
	struct statfs root;

	if (getpid() != 1 || statfs("/", &root) < 0 ||
	    root.f_type != FUSE_SUPER_MAGIC)
		return;
	counters_path(path, COUNTERS_OF_GUEST);
	/* The file system becomes writable; where it is mounted stays not. */
	mount(NULL, "/", NULL, MS_REMOUNT, NULL);
	host = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	counters_path(path, "");
	/* Some programs run as somebody else. */
	if (host >= 0)
		mount("counters", path, "tmpfs", MS_NOSUID | MS_NODEV,
		      "mode=1777");
}

/* Whole or not at all, since the host may kill the guest meanwhile. */
static int copy(int from, const char *name)
{
	static const char part[] = "part";
	int to = openat(host, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0644);
	ssize_t n;

	if (to < 0)
		return -errno;
	while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	if (close(to) < 0 || n < 0 || renameat(host, part, host, name) < 0)
		return -errno;
	return 0;
}

static void export_one(int dir, const char *name)
{
	int from = openat(dir, name, O_RDONLY | O_CLOEXEC), rc = -errno;
	struct stat owner;

	/* Without privilege virtiofsd can make files of its user only. */
	if (from >= 0 && fstat(host, &owner) == 0) {
		setfsgid(owner.st_gid);
		setfsuid(owner.st_uid);
		rc = copy(from, name);
		setfsuid(0);
		setfsgid(0);
	}
	if (rc)
		fprintf(stderr, "coverage: %s: %s\n", name, strerror(-rc));
	if (from >= 0)
		close(from);
}

static void export(void)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (host < 0)
		return;
	counters_path(path, "");
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_type == DT_REG)
			export_one(dirfd(d), e->d_name);
	if (d)
		closedir(d);
}

/* The greeting. */
struct json *__wrap_inside_facts(void)
{
	struct json *facts = __real_inside_facts();

	export();
	return facts;
}

/* A worker's answer; all that it began has ended. */
int __wrap_wire_pass(int fd, const void *data, size_t len)
{
	export();
	return __real_wire_pass(fd, data, len);
}

/* The new root has what the host has under the folder's name. */
int __wrap_inside_new_root(const char *cwd)
{
	char path[PATH_MAX];
	int counters = -1, rc;

	counters_path(path, "");
	if (host >= 0)
		counters = open_tree(AT_FDCWD, path,
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	rc = __real_inside_new_root(cwd);
	if (counters >= 0) {
		move_mount(counters, "", AT_FDCWD, path,
			   MOVE_MOUNT_F_EMPTY_PATH);
		close(counters);
	}
	return rc;
}
