/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-agents.
 *
 * To add one: cmd/agents-NAME.c with its struct cli_command, a word here, a row
 * in sched-agents.c, and its options in man/sched-agents.1.
 */
#ifndef SCHEDKIT_CMD_AGENTS_H
#define SCHEDKIT_CMD_AGENTS_H

#include "cmd/cli.h"
#include "doc/json.h"

extern const struct cli_command agents_top, agents_queue, agents_workers,
	agents_metrics, agents_policy, agents_drain, agents_cancel,
	agents_audit, agents_start, agents_stop, agents_note, agents_file,
	agents_sim;

/* Of every command that asks the daemon. */
extern struct agents_arg {
	const char *socket;
	bool json;
} agents_arg;

#define AGENTS_OPTIONS                                                         \
	{.kind = OPT_STRING,                                                   \
	 .letter = 's',                                                        \
	 .name = "socket",                                                     \
	 .arg = "PATH",                                                        \
	 .help = "of the daemon; $SCHEDKIT_RUNTIME, else the user's own",      \
	 .target = &agents_arg.socket},                                        \
	{                                                                      \
		.kind = OPT_FLAG, .letter = 'j', .name = "json",               \
		.help = "JSON, even on a terminal", .target = &agents_arg.json \
	}

/* The daemon's answer to a line (taken); to be freed.  NULL: *status is what
 * to exit with, and why was said; CLI_NO where no daemon runs. */
struct json *agents_ask(const struct opt_tool *tool, struct json *line,
			int *status);
/* {"look":WHAT} */
struct json *agents_look(const struct opt_tool *tool, const char *what,
			 int *status);
void agents_put(const struct json *v); /* as one line */
/* A field of v as a number; 0 where there is none. */
double agents_number(const struct json *v, const char *path);

#endif
