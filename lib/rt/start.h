/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting sched-agentd from a program that wants it. */
#ifndef SCHEDKIT_RT_START_H
#define SCHEDKIT_RT_START_H

/*
 * Makes sure that a daemon answers at the socket, and waits until it does:
 * several may try at once, one of them wins.  What it started outlives the
 * caller.  -ETIMEDOUT: none answers after wait_s; other errors: no folder for
 * the socket, no program.
 */
int rt_daemon_start(const char *socket, double wait_s);

#endif
