/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of sched-loop share. */
#ifndef SCHEDKIT_CMD_LOOP_H
#define SCHEDKIT_CMD_LOOP_H

#include "agents/loop/loop.h"
#include "cmd/cli.h"

extern const struct opt_tool loop_tool;

/* The story of a run, for people. */
void loop_show(const struct loop_result *r);
/* Where a loop is; w NULL: all of them.  The exit status. */
int loop_status(const struct workload *w, const char *target, bool json);

#endif
