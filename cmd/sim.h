/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-sim, a file each.
 *
 * To add one: cmd/sim-NAME.c with its struct cli_command, a line here and one
 * in sched-sim.c, and its options in man/sched-sim.1.
 */
#ifndef SCHEDKIT_CMD_SIM_H
#define SCHEDKIT_CMD_SIM_H

#include "cmd/cli.h"
#include "sim/sim.h"

extern const struct cli_command sim_exec, sim_run_command, sim_export,
	sim_judge;

/* clang-format off */
#define SIM_KERNEL(to)                                                      \
	{.kind = OPT_STRING, .letter = 'k', .name = "kernel",               \
	 .arg = "SERIES", .help = "whose kernel functions there are (6.18)",\
	 .target = (to)}
#define SIM_SEED(to)                                                        \
	{.kind = OPT_LONG, .letter = 's', .name = "seed", .arg = "N",       \
	 .help = "of all random numbers (1)", .target = (to), .min = 0,     \
	 .max = 9007199254740991.0}
#define SIM_JSON(to)                                                        \
	{.kind = OPT_FLAG, .letter = 'j', .name = "json",                   \
	 .help = "a document, even on a terminal", .target = (to)}
/* clang-format on */

/* "slice_us=500" into params; numbers, words, true and false. */
int sim_set_param(struct json *params, const char *text);
/* Prints a note of this body, which it takes.  -EINVAL. */
int sim_put_note(struct json *body);
/* A load's costs, and over these a file's if there is one. */
int sim_read_costs(const char *path, const struct load *l, struct sim_costs *c);
/* What the load was recorded on, if it says so. */
void sim_take_machine(const struct load *l, struct sim_machine *m);

#endif
