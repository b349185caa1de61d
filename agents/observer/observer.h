/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The observation agent: runs or watches a workload and makes the body of a
 * `profile` document, schedkit-profile(5).
 */
#ifndef SCHEDKIT_AGENTS_OBSERVER_OBSERVER_H
#define SCHEDKIT_AGENTS_OBSERVER_OBSERVER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "doc/json.h"
#include "target/target.h"
#include "trace/trace.h"
#include "workload/workload.h"

struct observer_opts {
	struct trace_opts trace;
	const struct workload *workload; /* with TRACE_COMMAND, else NULL */
	double seconds;			 /* 0 with a command: until it ends */
	double timeout_s;		 /* of the command; 0: none */
	const char *goal;		 /* NULL: derived */
	bool set_ids;			 /* run the command as uid and gid */
	uid_t uid;
	gid_t gid;
	int out_fd; /* receives what the command prints */
	/* Folder whose rules are told of in bursts; NULL: none. */
	const char *intents;
	const volatile sig_atomic_t *cancel;
	/* Seconds of those asked for; of a guest, target_opts has its own. */
	void (*progress)(void *arg, long done, long total, const char *words);
	void *progress_arg;
};

struct observation {
	struct json *body;
	char *missing;	/* why a metric has no value; NULL: all have one */
	bool timed_out; /* the command was ended at timeout_s */
};

void observation_release(struct observation *r);

/*
 * Observes on this machine.  BPF where it is allowed, else /proc, which the
 * body's source and notes say.  -ENOENT, -EACCES …: the command could not be
 * started, or there is no such pid or cgroup.
 */
int observer_run(const struct observer_opts *o, struct observation *r);

/*
 * Observes inside a guest: this very program runs there (argv: its options
 * and the command).  target.kind is "vm".
 */
int observer_run_guest(const struct observer_opts *o,
		       const struct target_opts *target, struct observation *r);

/* What the body says about the trace in a file. */
int observer_add_trace(struct json *body, const char *path, double events,
		       double drops);

/* The same of a file of bursts. */
int observer_add_bursts(struct json *body, const char *path,
			const struct bursts_written *sum, double drops);

/* "throughput", "latency" or "makespan": what to aim at by default. */
const char *observer_goal(const struct observer_opts *o);

#endif
