/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "history/history.h"

int history_become_owner(const char *dir)
{
	struct stat st;

	if (geteuid() || stat(dir, &st) < 0 || !st.st_uid)
		return 0;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return err_set(errno, "cannot become the owner of '%s': %s",
			       dir, strerror(errno));
	return 0;
}
