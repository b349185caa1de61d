/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/demander/demander.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agents/demander/parts.h"
#include "base/err.h"
#include "base/mem.h"

#define LINE_LEN 4096

void demander_say(const struct demander *m, const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	m->o->said(m->o->said_arg, line);
}

int demander_show(const struct demander_opts *o, const struct strs *groups,
		  struct json **body)
{
	struct demander m;
	bool better = false;
	int rc = demander_open(&m, o, groups);

	*body = NULL;
	while (!rc && demander_step(&m))
		;
	for (size_t i = 0; i < m.count && !rc; i++)
		better |= demand_is_better(&m.v[i].demand, 0);
	if (!rc)
		*body = demander_note(&m);
	demander_close(&m);
	return rc ? rc : better;
}

int demander_run(const struct demander_opts *o, const struct strs *groups,
		 struct json **body)
{
	struct demander m;
	int rc = demander_open(&m, o, groups), ended;
	char *why = NULL;

	*body = NULL;
	if (!rc)
		rc = demander_set_open(&m);
	if (rc)
		goto out;
	while (!rc && demander_step(&m))
		rc = demander_set(&m);
	if (rc)
		why = mem_strdup(err_text());
	ended = demander_set_close(&m);
	*body = demander_note(&m);
	/* What could not be put back is worse than why it ended. */
	if (!ended && rc)
		err_set(-rc, "%s", why);
	rc = ended ? ended : rc;
	free(why);
out:
	demander_close(&m);
	return rc;
}
