/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs for an engine that others wrote and somebody else runs: Slurm, or GNU
 * parallel over ssh.  Where and when a job runs is the engine's business.
 *
 * Jobs go in, and for each comes out what it wrote, how it ended, and where.
 * Between here and the nodes stands a folder that all of them see (folder.h);
 * what an engine is handed is a path in there, and never more.  A job whose
 * node dies is begun anew, EXECUTOR_TRIES times in all, by whoever notices:
 * the engine, or we.
 */
#ifndef SCHEDKIT_EXECUTOR_EXECUTOR_H
#define SCHEDKIT_EXECUTOR_EXECUTOR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "executor/packet.h"

#define EXECUTOR_TRIES 3

struct executor;

/*
 * text: "slurm", "parallel,hosts=a;b", with KEY=VALUE behind commas; the keys
 * are those of sched-verify(1).  program: what jobs are to run, by its name
 * among our own; `program=` says where it is on the nodes.  Nothing is started
 * or asked yet.  -EINVAL: usage.
 */
int executor_open(const char *text, const char *program, struct executor **out);
void executor_close(struct executor *e); /* NULL is fine */

/* The program on the nodes: argv[0] of the jobs; lent. */
const char *executor_program(const struct executor *e);

enum executor_state {
	EXECUTOR_UNKNOWN, /* the call ended before */
	EXECUTOR_DONE,
	EXECUTOR_LOST, /* it was tried often enough */
};

struct executor_answer {
	enum executor_state state;
	char *why; /* of what was lost; else NULL */
	int exit_status;
	char *out; /* all it wrote, and a NUL */
	size_t out_len;
	char *said; /* the end of its standard error */
	char node[PACKET_NODE_LEN];
	double seconds;
};

struct executor_watch {
	const volatile sig_atomic_t *cancel; /* NULL: cannot be cancelled */
	/* Jobs done of all, and a sentence; NULL: silent. */
	void (*progress)(void *arg, long done, long total, const char *words);
	void *arg;
};

/*
 * Runs n jobs to their ends.  0: each is done or lost.  -ENOENT: the engine is
 * not installed here; -EAGAIN: it cannot be reached, the same call later goes
 * on from there; -EBUSY: another one is at these very jobs; -EINTR: cancelled,
 * and with it the jobs; another -errno: the engine refuses them.  answers has
 * what there is in any case; the caller releases all n.
 */
int executor_run(struct executor *e, const struct job_packet *jobs, size_t n,
		 const struct executor_watch *w,
		 struct executor_answer *answers);
void executor_answer_release(struct executor_answer *a);

#endif
