/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-sim, a file each.
 *
 * To add one: cmd/sim-NAME.c with its struct sim_command, a line here and one
 * in sched-sim.c, and its options in man/sched-sim.1.
 */
#ifndef SCHEDKIT_CMD_SIM_H
#define SCHEDKIT_CMD_SIM_H

#include "cmd/cli.h"

struct sim_command {
	const char *name;
	const char *purpose; /* one line of sched-sim --help */
	/* Its name is "sched-sim", its synopsis begins with the command. */
	const struct opt_tool *tool;
	/* argv[0] is the command; returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct sim_command sim_exec, sim_run_command, sim_export;

#endif
