/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-agents that have a file of their own.  argv[0] is the
 * command's name; what is returned is an exit status, as main()'s.
 */
#ifndef SCHEDKIT_CMD_AGENTS_H
#define SCHEDKIT_CMD_AGENTS_H

int agents_sim(int argc, char **argv);

#endif
