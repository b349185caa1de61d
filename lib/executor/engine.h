/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an engine is to executor.c; nobody else includes this. */
#ifndef SCHEDKIT_EXECUTOR_ENGINE_H
#define SCHEDKIT_EXECUTOR_ENGINE_H

#include "base/backoff.h"
#include "base/proc.h"
#include "executor/executor.h"
#include "executor/folder.h"

#define ENGINE_WHY_LEN 160

/* What is known of one job. */
struct engine_job {
	bool under_way; /* the engine still means to run it, or does */
	char why[ENGINE_WHY_LEN]; /* what it said of it last; "" */
};

struct engine {
	const char *name;
	/* A program of it without which nothing goes, and how to get it. */
	const char *program, *package;
	/* Between two looks. */
	struct backoff pause;
	/* 0; -EINVAL: an option is missing. */
	int (*check)(const struct executor *e);
	/* Begins with these jobs of the folder.  0; -EAGAIN: it cannot be
	 * reached now; another -errno: it will not. */
	int (*submit)(struct executor *e, const size_t *which, size_t n);
	/* Says of every job of the folder how it is. */
	int (*look)(struct executor *e, struct engine_job *jobs, size_t n);
	/* Whatever of it is still there is not wanted any more. */
	void (*end)(struct executor *e);
};

extern const struct engine engine_slurm, engine_parallel;

struct executor {
	const struct engine *engine;
	char *program; /* on the nodes */
	char *runner;  /* run-job, on the nodes */
	/* Of the options; NULL, 0: not given. */
	char *dir, *partition, *account, *time, *mem, *hosts, *hostfile;
	long cpus, at_once;
	double patience_s;
	/* Of one call. */
	struct folder folder;
	unsigned submissions;
	const volatile sig_atomic_t *cancel; /* of calls; NULL */
	/* Of parallel, which is one process: what it was given, in its order,
	 * and where it writes down what became of that. */
	struct proc *proc;
	struct strs args, env;
	volatile sig_atomic_t stop;
	struct buf said;
	size_t *which;
	size_t which_n;
	char *log;
};

/* options.c: -EINVAL names the key. */
int engine_options(struct executor *e, const char *text);

/*
 * calls.c: a program of the engine to its end, with nothing of our environment
 * that does not concern it: keys to language models are in there as well.
 * out NULL: it is of no interest.  0; -EAGAIN with its last words when it
 * failed.
 */
int engine_call(struct executor *e, char *const *argv, struct buf *out);
/* Its environment, for execve(2). */
void engine_environment(const struct executor *e, struct strs *env);
/* The last line of what it said, without the name in front; the caller's. */
char *engine_words(const struct buf *said);

/* "0-3,5": the numbers of a sorted list. */
void engine_ranges(const size_t *which, size_t n, struct buf *out);

/* What squeue says: "INDEX|STATE|NODES|REASON", a line each. */
void slurm_read_queue(const char *text, struct engine_job *jobs, size_t n);
/* A controller that cannot be reached, by the words of sbatch. */
bool slurm_is_away(const char *words);
/* What --joblog says of the jobs which[0..n), by their place in it. */
void parallel_read_log(const char *text, const size_t *which, size_t which_n,
		       struct engine_job *jobs, size_t n);

#endif
