/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-agents.
 *
 * To add one: cmd/agents-NAME.c with its function and its table of options,
 * their two lines here, a row in sched-agents.c, and its options in
 * man/sched-agents.1.
 */
#ifndef SCHEDKIT_CMD_AGENTS_H
#define SCHEDKIT_CMD_AGENTS_H

#include "cmd/cli.h"
#include "doc/json.h"

/* The name in each of them is "sched-agents", the synopsis begins with the
 * command. */
extern const struct opt_tool agents_top_tool, agents_queue_tool,
	agents_workers_tool, agents_metrics_tool, agents_policy_tool,
	agents_drain_tool, agents_cancel_tool, agents_audit_tool,
	agents_start_tool, agents_stop_tool, agents_note_tool, agents_file_tool,
	agents_sim_tool;

/* argv[0] is the command; each returns the exit status. */
int agents_top(int argc, char **argv);
int agents_queue(int argc, char **argv);
int agents_workers(int argc, char **argv);
int agents_metrics(int argc, char **argv);
int agents_policy(int argc, char **argv);
int agents_drain(int argc, char **argv);
int agents_cancel(int argc, char **argv);
int agents_audit(int argc, char **argv);
int agents_start(int argc, char **argv);
int agents_stop(int argc, char **argv);
int agents_note(int argc, char **argv);
int agents_file(int argc, char **argv);
int agents_sim(int argc, char **argv);

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
/* A field of v as a number or a text; 0 and "" where there is none. */
double agents_number(const struct json *v, const char *path);

#endif
