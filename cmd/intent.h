/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-intent, a file each.
 *
 * To add one: cmd/intent-NAME.c with its struct cli_command, a word here, a row
 * in sched-intent.c, and its options in man/sched-intent.1.
 */
#ifndef SCHEDKIT_CMD_INTENT_H
#define SCHEDKIT_CMD_INTENT_H

#include "cmd/cli.h"
#include "doc/json.h"

extern const struct cli_command intent_list, intent_check, intent_explain,
	intent_commit, intent_propose;

/* Of every command. */
extern struct intent_arg {
	const char *folder;
	bool json;
} intent_arg;

#define INTENT_FOLDER_OPTION                                      \
	{                                                         \
		.kind = OPT_STRING, .letter = 'd', .name = "dir", \
		.arg = "DIR",                                     \
		.help = "the folder of rules "                    \
			"(/etc/schedkit/intent.d)",               \
		.target = &intent_arg.folder                      \
	}

#define INTENT_JSON_OPTION                                                  \
	{                                                                   \
		.kind = OPT_FLAG, .letter = 'j', .name = "json",            \
		.help = "write a note document", .target = &intent_arg.json \
	}

/* Says what is wrong with files. */
void intent_say_problems(const struct opt_tool *tool, const struct json *v);
/* The table of rules. */
void intent_show_rules(const struct json *rules);

#endif
