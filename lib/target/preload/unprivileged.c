/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For virtiofsd without privilege (LD_PRELOAD).
 *
 * overlayfs in the guest opens every file with O_NOATIME, which only a file's
 * owner may; the tree is mounted read-only anyway, so nothing is lost by
 * leaving it out.  And virtiofsd insists on dropping supplementary groups,
 * which a user namespace made without privilege forbids: it keeps those of
 * the user who started it, which are his own rights.
 */
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int __openat64_2(int dir, const char *path, int flags);

static int plain(int dir, const char *path, int flags, unsigned int mode)
{
	return (int)syscall(SYS_openat, dir, path, flags & ~O_NOATIME, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	unsigned int mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, unsigned int);
		va_end(ap);
	}
	return plain(dir, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
	__attribute__((alias("openat64")));

/* What _FORTIFY_SOURCE makes of openat() without a mode. */
int __openat64_2(int dir, const char *path, int flags)
{
	return plain(dir, path, flags, 0);
}

int setgroups(size_t n, const gid_t *groups)
{
	(void)n;
	(void)groups;
	return 0;
}
