/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history learn: what the verdicts of a stream teach. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/learner/learner.h"
#include "base/err.h"
#include "cmd/history.h"

static const struct opt options[] = {
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "documents, even on a terminal",
	 .target = &history_arg.json},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "add a lesson for each verdict that has none",
	.synopsis = "learn [OPTION...] < DOCUMENTS",
	.options = options,
	.mixed = true,
};

static void show(const struct stream *s, size_t first)
{
	for (size_t i = first; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);

		if (strcmp(d->kind, "lesson"))
			continue;
		history_put_clean(json_text_at(d->body, "text"));
		putchar('\n');
	}
}

static int learn_from(struct stream *s, int status)
{
	struct learned learned;
	int rc = learner_learn(s, tool.name, &learned);

	if (rc)
		return cli_fail(&tool, rc);
	if (learned.untold)
		cli_note(&tool, "%zu verdict%s taught nothing; the last: %s",
			 learned.untold, learned.untold == 1 ? "" : "s",
			 err_text());
	return status;
}

static int learn(int argc, char **argv)
{
	struct stream *s;
	size_t first;
	int status;
	bool quiet;

	history_operands(&tool, argc, argv, 0, 0);
	quiet = !cli_wants_json(history_arg.json);
	s = stream_open(STDIN_FILENO, quiet ? -1 : STDOUT_FILENO, tool.name);
	if (history_read_all(&tool, s, &status)) {
		first = stream_count(s);
		status = learn_from(s, status);
		if (quiet)
			show(s, first);
	}
	stream_free(s);
	return status;
}

const struct cli_command history_learn_command = {
	.name = "learn",
	.purpose = "add a lesson for each verdict of the input",
	.tool = &tool,
	.run = learn,
};
