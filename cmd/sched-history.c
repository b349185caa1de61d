/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy history; each command parses its own options. */
#include "base/mem.h"
#include "cmd/history.h"

static const struct cli_command *const commands[] = {
	&history_add_command,	     &history_log_command,
	&history_show_command,	     &history_best_command,
	&history_search_command,     &history_diff_command,
	&history_lineage_command,    &history_note_command,
	&history_revert_command,     &history_restore_command,
	&history_promote_command,    &history_demote_command,
	&history_states_command,     &history_bisect_command,
	&history_tag_command,	     &history_push_command,
	&history_pull_command,	     &history_remote_command,
	&history_fsck_command,	     &history_learn_command,
	&history_neighbours_command,
};

int main(int argc, char **argv)
{
	return cli_commands("sched-history",
			    "the git-versioned history of scheduling policies",
			    commands, ARRAY_LEN(commands), argc, argv);
}
