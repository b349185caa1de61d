/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process has a scheduler of sched_ext attached. */
#ifndef SCHEDKIT_SCX_LINK_H
#define SCHEDKIT_SCX_LINK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A descriptor of this process is a BPF link of a struct_ops, as
 * /proc/PID/fdinfo says: who attaches a scheduler has one, and as there is one
 * scheduler at a time nobody else does.  Needs the privilege to look there.
 */
bool link_held_by(pid_t pid);

#endif
