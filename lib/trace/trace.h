/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observation of the scheduler: by BPF, or from /proc where BPF is not
 * allowed.  Both fill the same struct observed; what could not be seen stays
 * zero and is said in its notes.
 *
 *   trace_open → trace_start → (the workload runs) → trace_stop → observed
 */
#ifndef SCHEDKIT_TRACE_TRACE_H
#define SCHEDKIT_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strs.h"
#include "burst/bursts.h"
#include "stats/hist.h"

struct intent_rules;

enum trace_scope {
	TRACE_ALL,
	TRACE_COMMAND, /* what trace_root() names, and its descendants */
	TRACE_PID,     /* pid and its descendants */
	TRACE_CGROUP,
};

struct trace_opts {
	enum trace_scope scope;
	pid_t pid;	       /* TRACE_PID */
	const char *cgroup;    /* TRACE_CGROUP: a folder of a cgroup2 mount */
	const char *record;    /* file for a trace of every event; NULL: none */
	uint64_t record_max;   /* bytes of it */
	const char *bursts;    /* file that bursts are added to; NULL: none */
	uint64_t bursts_max;   /* bytes of it */
	uint32_t bursts_every; /* one of so many is recorded */
	/* With bursts: what is declared of tasks; lent, NULL: nothing. */
	const struct intent_rules *intents;
};

#define TRACE_NAME_LEN 16

struct observed_waker {
	char name[TRACE_NAME_LEN]; /* a group, "(interrupt)", "(other)" */
	uint64_t count;
};

struct observed_group {
	char name[TRACE_NAME_LEN]; /* as the tasks call themselves: data */
	bool kernel;
	uint64_t cgroup; /* id; 0 unless scope is TRACE_CGROUP */
	uint64_t tasks;
	uint64_t run_ns;
	uint64_t wait_ns;
	uint64_t wakeups;
	uint64_t voluntary;
	uint64_t preemptions;
	uint64_t migrations;
	uint64_t forks;
	uint64_t holder_wakes;
	int nice;
	struct hist burst, delay, sleep, block;
	struct observed_waker *wakers; /* most frequent first */
	size_t waker_count;
};

struct observed_identity {
	uint64_t hash;
	char name[TRACE_NAME_LEN];
	uint64_t execs;
	uint64_t run_ns;
	uint64_t whole_ns; /* run_ns, and that of all that it started */
	uint64_t max_ns;
};

struct observed {
	bool by_bpf;
	uint64_t duration_ns;
	struct observed_group *groups; /* most run time first */
	size_t group_count;
	struct observed_identity *identities; /* most run time first */
	size_t identity_count;
	/* Of the whole system; below 0: unknown. */
	double busy_pct;
	double depth_mean;
	double waiting_pct;
	double idle_while_waiting_pct;
	uint64_t events;
	uint64_t drops;
	uint64_t cpu_ns; /* spent on observing, estimated */
	uint64_t record_events, record_drops; /* in the trace, and not in it */
	struct bursts_written bursts;
	uint64_t burst_drops; /* that found no room on their way to the file */
	struct strs notes;
};

void observed_release(struct observed *o);

struct trace;

/*
 * By BPF.  -EPERM: not allowed; -ENOTSUP: this kernel lacks what it needs;
 * -ENOENT: no such pid, cgroup or object file.
 */
int trace_open_bpf(const struct trace_opts *o, struct trace **out);
/* From /proc.  Needs nothing. */
int trace_open_proc(const struct trace_opts *o, struct trace **out);

/* TRACE_COMMAND: the child that is about to execute the command. */
void trace_root(struct trace *t, pid_t pid);
int trace_start(struct trace *t);
/* Ends the observation and fills o (the caller releases it). */
int trace_stop(struct trace *t, struct observed *o);
void trace_free(struct trace *t); /* NULL is fine */

#endif
