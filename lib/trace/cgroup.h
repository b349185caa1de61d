/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroup of version 2 is meant, and who is in it. */
#ifndef SCHEDKIT_TRACE_CGROUP_H
#define SCHEDKIT_TRACE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A folder of a cgroup2 mount: its id and its depth below the root. */
int cgroup_lookup(const char *path, uint64_t *id, unsigned *level);
/* The same folder as /proc/PID/cgroup names it ("/a/b", "/" the root), the
 * caller's to free; NULL when there is none. */
char *cgroup_relative(const char *path);
/* pid is in that cgroup or below it. */
bool cgroup_holds(const char *relative, pid_t pid);

#endif
