/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-rollout.
 *
 * To add one: cmd/rollout-NAME.c with its struct cli_command, a word here, a
 * row in sched-rollout.c, and its options in man/sched-rollout.1.
 */
#ifndef SCHEDKIT_CMD_ROLLOUT_H
#define SCHEDKIT_CMD_ROLLOUT_H

#include "agents/rollout/rollouts.h"
#include "cmd/cli.h"

extern const struct cli_command rollout_start_command, rollout_halt_command,
	rollout_resume_command, rollout_status_command, rollout_prune_command,
	rollout_follow_command, rollout_key_command, rollout_sim_command;

/* Of every command that looks at a history. */
extern struct rollout_arg {
	const char *dir, *remote, *workload;
	double timeout_s;
	bool json;
} rollout_arg;

#define ROLLOUT_JSON                                             \
	{                                                        \
		.kind = OPT_FLAG, .letter = 'j', .name = "json", \
		.help = "lines of JSON, even on a terminal",     \
		.target = &rollout_arg.json                      \
	}

#define ROLLOUT_OPTIONS                                                            \
	ROLLOUT_JSON,                                                              \
		{.kind = OPT_STRING,                                               \
		 .name = "history",                                                \
		 .arg = "DIR",                                                     \
		 .help = "the repository; $SCHEDKIT_HISTORY, else the user's own", \
		 .target = &rollout_arg.dir},                                      \
		{.kind = OPT_STRING,                                               \
		 .letter = 'r',                                                    \
		 .name = "remote",                                                 \
		 .arg = "NAME",                                                    \
		 .help = "a remote of the history's, or an address",               \
		 .target = &rollout_arg.remote},                                   \
	{                                                                          \
		.kind = OPT_DOUBLE, .name = "timeout", .arg = "SECONDS",           \
		.help = "each talk with the remote ends after (300)",              \
		.target = &rollout_arg.timeout_s, .min = 1, .max = 1e6             \
	}

#define ROLLOUT_FOR                                                    \
	{                                                              \
		.kind = OPT_STRING, .letter = 'w', .name = "workload", \
		.arg = "NAME", .help = "the one for this workload",    \
		.target = &rollout_arg.workload                        \
	}

/* Cohorts where none are given. */
extern const char *const rollout_cohorts[];

/* Fills r's cohorts; usage error. */
void rollout_read_cohorts(const struct opt_tool *tool, const struct strs *given,
			  struct rollout *r);

struct rollout_world {
	struct history *h;
	struct trust *t;
	struct remote_opts remote;
};

/* Opens the history, which is made when it is not there, and the keys; runs fn;
 * the exit status. */
int rollout_with(const struct opt_tool *tool,
		 int (*fn)(const struct opt_tool *tool,
			   struct rollout_world *w));

/* The one rollout that is meant: CLI_YES, or what to exit with, which was
 * said. */
int rollout_the(const struct opt_tool *tool, struct rollout_world *w,
		struct rollout *out);

/* As cli_fail(), but a remote that cannot be reached is there later. */
int rollout_fail(const struct opt_tool *tool, int rc);

/* Prints the value as a line, and frees it. */
void rollout_put_line(struct json *v);

#endif
