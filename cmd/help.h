/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched help: files cmd/help-*.c, one program with cmd/sched.c. */
#ifndef SCHEDKIT_CMD_HELP_H
#define SCHEDKIT_CMD_HELP_H

#include "base/opt.h"

/*
 * Shows the page of that name by man(1) or what there is of its kind, else what
 * the pages say of such a key, parameter, variable, option or status, else
 * which pages have the words; returns the exit status, or never.
 */
int help_show(const struct opt_tool *tool, const char *what);

#endif
