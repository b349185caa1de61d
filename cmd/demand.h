/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-demand, a file each.
 *
 * To add one: cmd/demand-NAME.c with its struct cli_command, a word here, a row
 * in sched-demand.c, and its options in man/sched-demand.1.
 */
#ifndef SCHEDKIT_CMD_DEMAND_H
#define SCHEDKIT_CMD_DEMAND_H

#include "agents/demander/demander.h"
#include "cmd/cli.h"

extern const struct cli_command demand_show, demand_run;

/* Of every command. */
extern struct demander_opts demand_opts;
extern bool demand_json;

#define DEMAND_OPTIONS                                                  \
	{.kind = OPT_DOUBLE,                                            \
	 .letter = 'e',                                                 \
	 .name = "every",                                               \
	 .arg = "S",                                                    \
	 .help = "from one look to the next (1)",                       \
	 .target = &demand_opts.every_s,                                \
	 .min = 0.1,                                                    \
	 .max = 3600},                                                  \
		{.kind = OPT_DOUBLE,                                    \
		 .letter = 'l',                                         \
		 .name = "lead",                                        \
		 .arg = "S",                                            \
		 .help = "so far ahead (3)",                            \
		 .target = &demand_opts.lead_s,                         \
		 .min = 0,                                              \
		 .max = 3600},                                          \
	{                                                               \
		.kind = OPT_FLAG, .letter = 'j', .name = "json",        \
		.help = "write a note document", .target = &demand_json \
	}

/* The operands from argv[at] on, and the options, or a usage error. */
struct strs demand_groups(const struct opt_tool *tool, int at, int argc,
			  char **argv);
/* Prints what is in body, which it takes. */
int demand_tell(const struct opt_tool *tool, struct json *body);

#endif
