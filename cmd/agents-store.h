/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sched agents note and sched agents file share. */
#ifndef SCHEDKIT_CMD_AGENTS_STORE_H
#define SCHEDKIT_CMD_AGENTS_STORE_H

#include "base/strs.h"
#include "cmd/cli.h"
#include "doc/json.h"

extern struct agents_store_arg {
	const char *agent, *history;
	double expires_s;
	long max;
	bool json;
} agents_store_arg;

#define AGENTS_STORE_OPTIONS                                                        \
	{.kind = OPT_STRING,                                                        \
	 .letter = 'a',                                                             \
	 .name = "agent",                                                           \
	 .arg = "NAME",                                                             \
	 .help = "note, file: who asks (user)",                                     \
	 .target = &agents_store_arg.agent},                                        \
		{.kind = OPT_STRING,                                                \
		 .name = "history",                                                 \
		 .arg = "DIR",                                                      \
		 .help = "note, file: the repository; $SCHEDKIT_HISTORY, else the " \
			 "user's own",                                              \
		 .target = &agents_store_arg.history},                              \
		{.kind = OPT_DOUBLE,                                                \
		 .letter = 'e',                                                     \
		 .name = "expires",                                                 \
		 .arg = "S",                                                        \
		 .help = "note, file: share for so many seconds",                   \
		 .target = &agents_store_arg.expires_s,                             \
		 .min = 1,                                                          \
		 .max = 1e10},                                                      \
		{.kind = OPT_LONG,                                                  \
		 .letter = 'n',                                                     \
		 .name = "max",                                                     \
		 .arg = "N",                                                        \
		 .help = "note, file: at most so many",                             \
		 .target = &agents_store_arg.max,                                   \
		 .min = 1,                                                          \
		 .max = 1000},                                                      \
	{                                                                           \
		.kind = OPT_FLAG, .letter = 'j', .name = "json",                    \
		.help = "JSON, even on a terminal",                                 \
		.target = &agents_store_arg.json                                    \
	}

/* One of the verbs of a command. */
struct agents_verb {
	const char *name;
	int least, most; /* operands; most < 0: any number */
	int (*run)(struct json *payload, int argc, char **argv);
};

/* Parses options and the verb, in any order, and runs it; argv[0] is the
 * command.  verbs end with a NULL name. */
int agents_store_run(const struct opt_tool *tool, const char *kind,
		     const struct agents_verb *verbs, int argc, char **argv);

/* Asks and takes the payload; NULL: it failed, and *status is what to exit
 * with. */
struct json *agents_store_ask(const struct opt_tool *tool, struct json *payload,
			      int *status);

/* "with" and "expires_s". */
void agents_store_share(struct json *payload, const char *with);

/* Cells of a table. */
void agents_store_time(struct table *t, const struct json *seconds);

#endif
