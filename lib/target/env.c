/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/env.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/strs.h"

char **env_clean(void)
{
	static const struct {
		const char *name, *dflt;
	} rows[] = {
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
			 "/sbin:/bin"},
		{"HOME", "/"},
		{"LANG", "C.UTF-8"},
		{"LC_ALL", NULL},
		{"TERM", "dumb"},
		{"USER", NULL},
		{"LOGNAME", NULL},
		{"SHELL", "/bin/sh"},
		{"TZ", NULL},
	};
	struct strs l = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *v = getenv(rows[i].name);

		v = v ? v : rows[i].dflt;
		if (v)
			strs_printf(&l, "%s=%s", rows[i].name, v);
	}
	return l.v;
}

void env_free(char **env)
{
	for (char **e = env; *e; e++)
		free(*e);
	free(env);
}
