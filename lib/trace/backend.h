/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two ways of observing have in common; private to lib/trace. */
#ifndef SCHEDKIT_TRACE_BACKEND_H
#define SCHEDKIT_TRACE_BACKEND_H

#include "trace/cgroup.h"
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

#endif
