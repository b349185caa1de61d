/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Apart from the rest: who only has to know the place needs no libgit2. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "history/history.h"

/* Services and an administrator at a terminal have the same one. */
static bool is_of_the_system(void)
{
	const char *own = getenv("XDG_STATE_HOME");
	struct stat st;

	return !geteuid() && !(own && *own == '/') &&
	       !lstat(HISTORY_SYSTEM, &st) && S_ISDIR(st.st_mode) && !st.st_uid;
}

char *history_dir(const char *dir)
{
	const char *env = getenv("SCHEDKIT_HISTORY");

	if (dir)
		return mem_strdup(dir);
	if (env && *env)
		return mem_strdup(env);
	return is_of_the_system() ? mem_strdup(HISTORY_SYSTEM "/history")
				  : path_state("history");
}
