/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a trace again, bpf/trace_abi.h: records and the tasks in them. */
#ifndef SCHEDKIT_TRACE_EVENTS_H
#define SCHEDKIT_TRACE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/trace_abi.h"

#define TRACE_MAX_CPUS 8192
#define TRACE_NOBODY   UINT32_MAX

struct trace_events {
	struct trace_header header; /* of this machine's byte order */
	const char *at;
	size_t left;
	uint64_t index; /* of the next record */
	bool whole;	/* its last record was there … */
	uint64_t lost;	/* … and counts what is missing */
	bool cut;	/* it ends within a record */
};

/* bytes are lent.  -EINVAL, -ENOTSUP: no trace that this reads. */
int trace_events_open(const void *bytes, size_t len, struct trace_events *e);

/* The next record, of this machine's byte order but for the value of a
 * REC_NAME, which is bytes; false at the end, REC_END is not handed out. */
bool trace_events_next(struct trace_events *e, struct trace_record *rec);

/* ---- tasks ---- */

struct trace_task {
	uint32_t pid;
	char name[17]; /* the last it was called; an outsider's bytes */
	bool kernel;
};

/* The tasks of a trace by pid; one pid is one task. */
struct trace_tasks {
	struct trace_task *v;
	uint32_t n;
	uint32_t *slot; /* open addressing; number + 1, 0: free */
	uint32_t slots;
};

/* The task's number, made if it is new. */
uint32_t trace_tasks_of(struct trace_tasks *t, uint32_t pid);
/* TRACE_NOBODY: there is none. */
uint32_t trace_tasks_find(const struct trace_tasks *t, uint32_t pid);
/* Takes the name of a REC_NAME. */
void trace_tasks_name(struct trace_tasks *t, const struct trace_record *rec);
void trace_tasks_release(struct trace_tasks *t);

#endif
