/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-intent commit: a person puts a file of rules in place. */
#include <stdio.h>
#include <unistd.h>

#include "agents/intents/intents.h"
#include "cmd/intent.h"
#include "cmd/note.h"

static struct {
	bool yes;
} arg;

static const struct opt options[] = {
	INTENT_FOLDER_OPTION,
	{.kind = OPT_FLAG,
	 .letter = 'y',
	 .name = "yes",
	 .help = "do not ask",
	 .target = &arg.yes},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-intent",
	.purpose = "rules for tasks, as people declare them",
	.synopsis = "commit [--dir DIR] [--yes] FILE",
	.options = options,
	.mixed = true,
	.epilogue = "exit status: 0 it is in place, 1 it was not wanted",
};

/* 1: yes, 0: no, -1: there is nobody to ask. */
static int ask(void)
{
	int c, first;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return -1;
	fprintf(stderr, "put it in place? [y/N] ");
	first = c = getchar();
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}

static int put(const struct intents_change *c)
{
	int wanted = arg.yes ? 1 : ask(), rc;

	if (wanted < 0)
		cli_usage(&tool, "nobody can be asked here: read what changes, "
				 "then say --yes");
	if (!wanted) {
		cli_note(&tool, "nothing is changed");
		return CLI_NO;
	}
	rc = intents_commit(c);
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), rc;
	struct intents_change c;

	if (argc - at != 1)
		cli_usage(&tool, "commit takes one FILE");
	rc = intents_plan(intent_arg.folder, argv[at], &c);
	if (rc)
		return cli_fail(&tool, rc);
	for (size_t i = 0; i < c.words.len; i++)
		note_line(c.words.v[i]);
	for (size_t i = 0; i < c.problems.len; i++)
		cli_note(&tool, "%s", c.problems.v[i]);
	if (!c.words.len)
		cli_note(&tool, "no rule changes");
	fflush(stdout);
	rc = put(&c);
	intents_change_release(&c);
	return cli_finish(&tool, rc);
}

const struct cli_command intent_commit = {
	.name = "commit",
	.purpose = "put a file of rules in place",
	.tool = &tool,
	.run = run,
};
