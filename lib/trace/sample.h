/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All tasks of the machine at one moment, from /proc. */
#ifndef SCHEDKIT_TRACE_SAMPLE_H
#define SCHEDKIT_TRACE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/trace.h"

struct sample_task {
	pid_t tid;
	pid_t tgid;
	pid_t ppid;
	uint64_t started; /* clock ticks since boot */
	char name[TRACE_NAME_LEN];
	bool kernel;
	char state; /* 'R': it runs or would like to */
	int nice;
	uint64_t run_ns;
	uint64_t wait_ns;
	uint64_t slices;
	bool tracked;
	bool counted; /* among the tasks of its group */
};

struct sample {
	struct sample_task *tasks; /* by tid */
	size_t count;
	size_t cap;
	bool no_schedstat; /* some had run times in ticks only */
};

/* -errno when /proc cannot be read. */
int sample_take(struct sample *s);
void sample_release(struct sample *s);
struct sample_task *sample_find(const struct sample *s, pid_t tid);

/* Whether its process is root, or descends from it as far as that lives. */
bool sample_descends(const struct sample *now, const struct sample_task *task,
		     pid_t root);

/* Idle and all CPU time in clock ticks since boot, of /proc/stat. */
int sample_cpu(uint64_t *idle, uint64_t *all);

#endif
