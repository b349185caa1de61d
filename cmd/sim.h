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

extern const struct cli_command sim_exec, sim_run_command, sim_export;

#endif
