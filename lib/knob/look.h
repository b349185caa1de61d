/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All tasks of this machine but the kernel's own, as they are now. */
#ifndef SCHEDKIT_KNOB_LOOK_H
#define SCHEDKIT_KNOB_LOOK_H

#include <stddef.h>

#include "base/task.h"

struct look_task {
	pid_t tid, pid;
	struct task_stat stat;
};

struct look {
	struct look_task *v; /* by tid */
	size_t count, cap;
};

/* -errno: no /proc. */
int look_take(struct look *out);
void look_release(struct look *l);

const struct look_task *look_find(const struct look *l, pid_t tid); /* NULL */
/* What it was forked from, as far as that still lives: the first thread of its
 * process, or its process's parent.  NULL. */
const struct look_task *look_parent(const struct look *l,
				    const struct look_task *t);

#endif
