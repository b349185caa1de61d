/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Apart from the rest: who only has to know the place needs no libgit2. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/path.h"
#include "history/history.h"

char *history_dir(const char *dir)
{
	const char *env = getenv("SCHEDKIT_HISTORY");

	if (dir)
		return mem_strdup(dir);
	return env && *env ? mem_strdup(env) : path_state("history");
}
