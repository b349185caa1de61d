/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/external_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "policy/external.h"

static int check(int fd, const char *path, const char *wanted,
		 char sha256[static DIGEST_HEX_LEN])
{
	char magic[SELFMAG] = "";
	int rc;

	if (pread(fd, magic, sizeof(magic), 0) < 0)
		return err_set(errno, "cannot read '%s': %s", path,
			       strerror(errno));
	if (memcmp(magic, ELFMAG, SELFMAG))
		return err_set(ENOEXEC,
			       "external.program: '%s' is a script, or no "
			       "program: a verdict cannot name what it would "
			       "start",
			       path);
	rc = digest_fd_hex(fd, path, sha256);
	if (!rc && wanted && strcmp(sha256, wanted))
		rc = err_set(EACCES,
			     "'%s' is not the program that was measured "
			     "(%.12s, measured %.12s): verify again",
			     path, sha256, wanted);
	return rc;
}

int external_file_open(const char *path, const char *wanted,
		       char sha256[static DIGEST_HEX_LEN])
{
	int fd, rc = external_check_file(path);

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	rc = check(fd, path, wanted, sha256);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}
