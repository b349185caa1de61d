/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repl/tools.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define PREFIX "sched-"

bool tools_is_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) &&
		    !isdigit((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

char *tools_find(const char *name)
{
	char *file, *path;

	if (!tools_is_name(name))
		return NULL;
	file = mem_printf(PREFIX "%s", name);
	path = path_bin(file);
	free(file);
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int is_tool(const struct dirent *e)
{
	return strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
	       tools_is_name(e->d_name);
}

int tools_list(struct strs *out)
{
	char *dir = path_bin("");
	struct dirent **entry;
	int n = scandir(dir, &entry, is_tool, alphasort);

	if (n < 0) {
		n = err_set(errno, "cannot read '%s': %s", dir,
			    strerror(errno));
		free(dir);
		return n;
	}
	free(dir);
	for (int i = 0; i < n; i++) {
		strs_add(out, entry[i]->d_name + strlen(PREFIX));
		free(entry[i]);
	}
	free(entry);
	return 0;
}
