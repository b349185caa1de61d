/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of sched-agents share: a question to the daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "cmd/agents.h"
#include "rt/ask.h"

#define ANSWER_S 10.0

struct agents_arg agents_arg;

struct json *agents_ask(const struct opt_tool *tool, struct json *line,
			int *status)
{
	struct json *value = NULL;
	int rc = rt_ask(agents_arg.socket, "sched-agents", line, ANSWER_S,
			&value);

	*status = CLI_YES;
	if (rc == -ENOENT) {
		cli_note(tool, "%s; 'sched agents start' starts one",
			 err_text());
		*status = CLI_NO;
	} else if (rc) {
		*status = cli_fail(tool, rc);
	} else if (!value) {
		value = json_object();
	}
	return value;
}

struct json *agents_look(const struct opt_tool *tool, const char *what,
			 int *status)
{
	struct json *line = json_object();

	json_set_string(line, "look", what);
	return agents_ask(tool, line, status);
}

void agents_put(const struct json *v)
{
	char *text = json_canonical(v);

	puts(text);
	free(text);
}

double agents_number(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}
