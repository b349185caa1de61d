/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define SCRATCH	     "/run"
#define SCRATCH_SIZE "size=60%,mode=0755"
#define MAX_MIRRORED 4096

static const struct inside_fs root_table[] = {
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
	{"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
	{"proc", "/proc", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"sysfs", "/sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"bpf", "/sys/fs/bpf", "mode=0700", MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV},
	{"debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV},
};

static int overlay(void)
{
	if (mkdir(SCRATCH "/upper", 0755) < 0 ||
	    mkdir(SCRATCH "/work", 0755) < 0 ||
	    mkdir(SCRATCH "/root", 0755) < 0)
		return err_set(errno, "cannot make a scratch: %s",
			       strerror(errno));
	if (mount("root", SCRATCH "/root", "overlay", 0,
		  "lowerdir=/,upperdir=" SCRATCH "/upper,workdir=" SCRATCH
		  "/work") < 0)
		return err_set(errno, "cannot mount the overlay: %s",
			       strerror(errno));
	return 0;
}

/* udev's part, without which a shell's <(…) and tee /dev/stderr fail. */
static int dev_links(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			return err_set(errno, "cannot make '%s': %s",
				       links[i][1], strerror(errno));
	return 0;
}

/* pivot_root(2) with both names alike stacks the old root on the new one. */
static int enter(void)
{
	if (chdir(SCRATCH "/root") < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set(errno, "cannot enter the new root: %s",
			       strerror(errno));
	return 0;
}

/* The entry of the same name, seen through a mount or copied as a link. */
static int mirror_entry(const char *from, const char *to)
{
	char link[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	if (lstat(from, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		n = readlink(from, link, sizeof(link) - 1);
		if (n < 0)
			return -errno;
		link[n] = '\0';
		return symlink(link, to) < 0 ? -errno : 0;
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(to, 0755) < 0)
			return -errno;
	} else {
		fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

static int mirror_entries(DIR *d, const char *dir, const char *copy)
{
	struct dirent *e;
	int rc = 0;

	for (int n = 0; n < MAX_MIRRORED && !rc && (e = readdir(d)); n++) {
		char *from = mem_printf("%s/%s", dir, e->d_name);
		char *to = mem_printf("%s/%s", copy, e->d_name);

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = mirror_entry(from, to);
		free(from);
		free(to);
	}
	return rc;
}

/*
 * For kernels without overlayfs: a folder in memory takes the place of dir,
 * with what is in dir still seen, read-only.
 */
static int mirror(const char *dir, const char *copy)
{
	DIR *d = opendir(dir);
	struct stat st;
	int rc = d ? 0 : -errno;

	if (!rc && (fstat(dirfd(d), &st) < 0 || mkdir(copy, 0755) < 0))
		rc = -errno;
	if (!rc)
		rc = mirror_entries(d, dir, copy);
	if (!rc && (chmod(copy, st.st_mode & 07777) < 0 ||
		    chown(copy, st.st_uid, st.st_gid) < 0 ||
		    mount(copy, dir, NULL, MS_BIND | MS_REC, NULL) < 0))
		rc = -errno;
	if (d)
		closedir(d);
	return rc ? err_set(-rc, "cannot make '%s' writable: %s", dir,
			    strerror(-rc))
		  : 0;
}

static int mirrors(const char *cwd)
{
	int rc = mirror("/tmp", SCRATCH "/tmp");

	if (!rc && access(cwd, F_OK) < 0)
		rc = path_make_dirs(cwd);
	if (!rc && strcmp(cwd, "/") != 0 && strcmp(cwd, "/tmp") != 0)
		rc = mirror(cwd, SCRATCH "/cwd");
	return rc;
}

int inside_new_root(const char *cwd)
{
	int rc;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(errno, "cannot make a mount namespace: %s",
			       strerror(errno));
	if (mount("scratch", SCRATCH, "tmpfs", MS_NOSUID, SCRATCH_SIZE) < 0)
		return err_set(errno, "cannot make a scratch: %s",
			       strerror(errno));
	if (inside_has_overlay()) {
		rc = overlay();
		if (!rc)
			rc = enter();
	} else {
		rc = mirrors(cwd);
	}
	if (!rc)
		rc = inside_mount(root_table, ARRAY_LEN(root_table));
	if (!rc)
		rc = dev_links();
	if (!rc && access(cwd, F_OK) < 0)
		rc = path_make_dirs(cwd);
	return rc;
}
