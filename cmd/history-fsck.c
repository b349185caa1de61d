/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history fsck: whether the repository is whole. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/history.h"
#include "history/fsck.h"

static const struct opt options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "whether the repository is whole",
	.synopsis = "fsck [OPTION...]",
	.options = options,
	.mixed = true,
};

static const char *const levels[] = {"said", "wrong", "damaged"};

static void say(void *arg, enum fsck_level level, const char *words)
{
	struct json *v;
	char *line;

	(void)arg;
	if (!cli_wants_json(history_arg.json)) {
		printf("%s: ", levels[level]);
		history_put_clean(words);
		putchar('\n');
		return;
	}
	v = json_object();
	json_set_string(v, "level", levels[level]);
	json_set_string(v, "text", words);
	line = json_canonical(v);
	puts(line);
	free(line);
	json_free(v);
}

static int check(struct history *h)
{
	struct fsck_result r;
	int rc = history_fsck(h, say, NULL, &r);

	if (rc)
		return cli_fail(&tool, rc);
	cli_note(&tool,
		 "%zu objects, %zu notes, %zu documents: %zu damaged, %zu "
		 "wrong",
		 r.objects, r.notes, r.documents, r.count[FSCK_DAMAGED],
		 r.count[FSCK_WRONG]);
	return r.count[FSCK_DAMAGED] ? CLI_CANNOT
	       : r.count[FSCK_WRONG] ? CLI_NO
				     : CLI_YES;
}

static int run(int argc, char **argv)
{
	history_operands(&tool, argc, argv, 0, 0);
	return history_with(&tool, check);
}

const struct cli_command history_fsck_command = {
	.name = "fsck",
	.purpose = "whether the repository is whole",
	.tool = &tool,
	.run = run,
};
