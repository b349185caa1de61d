/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our programs, by the names that a person says: "observe" is sched-observe
 * in the folder of the running program, and nowhere else. */
#ifndef SCHEDKIT_REPL_TOOLS_H
#define SCHEDKIT_REPL_TOOLS_H

#include <stdbool.h>

#include "base/strs.h"

/* Small letters, digits and "-": no name leaves the folder. */
bool tools_is_name(const char *s);

/* The path of sched-NAME, the caller's; NULL: there is none. */
char *tools_find(const char *name);

/* The names of all, in order. */
int tools_list(struct strs *out);

#endif
