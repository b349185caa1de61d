/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person wants, in plain words: for the planner, if there is a model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/model/model.h"
#include "cmd/repl.h"

int repl_wish(struct repl *r, const char *text)
{
	const char *words[] = {"synth", "--wish", text, NULL};
	int fd, status;

	if (!model_is_named(getenv("SCHED_LLM"))) {
		cli_note(&repl_tool,
			 "no command, and no model is set that could read "
			 "plain words: set SCHED_LLM before sched (see 'help "
			 "synth'), or ask the built-in search: last | synth");
		return CLI_CANNOT;
	}
	fd = repl_kept_profile(r);
	if (fd < 0) {
		cli_note(&repl_tool,
			 "what it is about has to be seen first: observe -- "
			 "COMMAND, or load FILE");
		return CLI_CANNOT;
	}
	if (r->prompt)
		fprintf(stderr, "asking the planner about the last profile\n");
	status = repl_run_words(r, words, fd);
	close(fd);
	return status;
}
