/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people declare about tasks; each command parses its own options. */
#include "base/mem.h"
#include "cmd/intent.h"

static const struct cli_command *const commands[] = {
	&intent_list,	 &intent_check,	 &intent_explain,
	&intent_propose, &intent_commit,
};

int main(int argc, char **argv)
{
	return cli_commands("sched-intent",
			    "rules for tasks, as people declare "
			    "them",
			    commands, ARRAY_LEN(commands), argc, argv);
}
