/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of counters from guests, in the build of "make coverage"
 * only (ld --wrap).  As lib/target/cell.c makes the tree that virtiofsd serves
 * read-only, one folder is left out: a new one for each guest, under the name
 * that all guests know.  Without it the guest does not count.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "tests/coverage/counters.h"

int __real_mount_setattr(int dir, const char *path, unsigned int flags,
			 struct mount_attr *a, size_t size);
int __wrap_mount_setattr(int dir, const char *path, unsigned int flags,
			 struct mount_attr *a, size_t size);

int __wrap_mount_setattr(int dir, const char *path, unsigned int flags,
			 struct mount_attr *a, size_t size)
{
	struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
	char own[PATH_MAX], known[PATH_MAX];
	bool bound;
	int rc;

	counters_path(own, COUNTERS_OF_GUEST "/XXXXXX");
	counters_path(known, COUNTERS_OF_GUEST);
	bound = mkdtemp(own) && mount(own, known, NULL, MS_BIND, NULL) == 0;
	rc = __real_mount_setattr(dir, path, flags, a, size);
	if (rc == 0 && bound)
		rc = __real_mount_setattr(AT_FDCWD, known, 0, &writable,
					  sizeof(writable));
	return rc;
}
