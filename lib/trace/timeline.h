/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which task ran when on which CPU, and how many waited, from a trace; in
 * columns of equal time, so that a picture of it is as large as it is wide,
 * however long the trace.
 */
#ifndef SCHEDKIT_TRACE_TIMELINE_H
#define SCHEDKIT_TRACE_TIMELINE_H

#include "trace/events.h"

struct timeline_turn {
	uint64_t from, to; /* ns */
	uint32_t task;
};

struct timeline_cpu {
	struct timeline_turn *turns; /* in order, not overlapping */
	size_t n, cap;
};

struct timeline_group {
	char name[17];
	uint64_t run_ns;
	uint32_t tasks;
};

struct timeline {
	uint64_t start, end; /* ns, of the first and the last record */
	uint64_t lost;	     /* records that are missing */
	bool whole;
	struct trace_tasks tasks;
	uint32_t *group_of;	       /* by task */
	struct timeline_group *groups; /* those that ran longest first */
	uint32_t group_count;
	bool by_task; /* nearly all is one name's: a group is one task */
	struct timeline_cpu *cpus;
	uint32_t cpu_count;
	struct timeline_wait {
		uint64_t at;
		int32_t delta;
	} * waits; /* tasks that begin or end to wait, by time */
	size_t wait_count, wait_cap;
};

/* -EINVAL, -ENOTSUP: no trace; -ENODATA: nothing ran in it. */
int timeline_read(const void *bytes, size_t len, struct timeline *t);
void timeline_release(struct timeline *t);

/*
 * The group that ran most in each of n columns of from … to on a CPU;
 * TRACE_NOBODY where it was idle for longer.
 */
void timeline_columns(const struct timeline *t, uint32_t cpu, uint64_t from,
		      uint64_t to, size_t n, uint32_t *group);
/* The mean number of waiting tasks in each column. */
void timeline_waiting(const struct timeline *t, uint64_t from, uint64_t to,
		      size_t n, double *mean);

/* Where a stretch of span_ns is in which tasks wait most. */
uint64_t timeline_busiest(const struct timeline *t, uint64_t span_ns);

#endif
