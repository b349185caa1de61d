/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two ways of observing have in common; private to lib/trace. */
#ifndef SCHEDKIT_TRACE_BACKEND_H
#define SCHEDKIT_TRACE_BACKEND_H

#include "trace/trace.h"

struct trace_ops {
	void (*root)(struct trace *t, pid_t pid);
	int (*start)(struct trace *t);
	int (*stop)(struct trace *t, struct observed *o);
	void (*free)(struct trace *t);
};

/* First member of each backend's own struct. */
struct trace {
	const struct trace_ops *ops;
};

/* Drops groups that did nothing, sorts by run time. */
void observed_finish(struct observed *o);

/* A folder of a cgroup2 mount: its id and its depth below the root. */
int cgroup_lookup(const char *path, uint64_t *id, unsigned *level);
/* The same folder as /proc/PID/cgroup names it ("/a/b", "/" the root), the
 * caller's to free; NULL when there is none. */
char *cgroup_relative(const char *path);
/* pid is in that cgroup or below it. */
bool cgroup_holds(const char *relative, pid_t pid);

#endif
