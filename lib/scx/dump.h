/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says when it takes a sched_ext scheduler off: the dump of
 * scx_dump_state() (kernel/sched/ext.c, 6.12 to 7.3) as ops.exit() gets it,
 * as the tracepoint sched_ext_dump prints it, or in a system's journal; and
 * the two lines of the kernel's own log, which say less.
 *
 * The text is an outsider's: whoever names a task writes up to 15 bytes of it,
 * line breaks and brackets included.  A task counts only with the line of
 * figures that the kernel puts below its name, and a name ends at the last
 * bracket of its line.
 */
#ifndef SCHEDKIT_SCX_DUMP_H
#define SCHEDKIT_SCX_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* enum scx_exit_kind of the kernel. */
enum dump_kind {
	DUMP_NONE = 0, /* a dump that was asked for (SysRq-D) */
	DUMP_UNREG = 64,
	DUMP_ERROR = 1024,
	DUMP_ERROR_BPF = 1025, /* scx_bpf_error() */
	DUMP_ERROR_STALL = 1026,
};

#define DUMP_MAX_BYTES	(16u << 20)
#define DUMP_MAX_LINES	(1u << 18)
#define DUMP_MAX_LINE	2048 /* bytes; the rest of a longer one is left out */
#define DUMP_MAX_TASKS	8192
#define DUMP_MAX_CPUS	1024
#define DUMP_MASK_WORDS (DUMP_MAX_CPUS / 64)
#define DUMP_COMM_LEN	64 /* the kernel's 16, and room for what is broken */
#define DUMP_TEXT_LEN	1024
#define DUMP_NO_LINE	((size_t)-1)

/* enum scx_dsq_id_flags: what no policy made. */
#define DUMP_DSQ_BUILTIN  (1ULL << 63)
#define DUMP_DSQ_LOCAL_ON (1ULL << 62)
#define DUMP_DSQ_GLOBAL	  (DUMP_DSQ_BUILTIN | 1)
#define DUMP_DSQ_LOCAL	  (DUMP_DSQ_BUILTIN | 2)
#define DUMP_DSQ_BYPASS	  (DUMP_DSQ_BUILTIN | 3)

/* enum scx_ops_state: who has the task. */
enum dump_ops_state {
	DUMP_OPSS_NONE,	      /* the kernel */
	DUMP_OPSS_QUEUEING,   /* on its way to the policy */
	DUMP_OPSS_QUEUED,     /* the policy, in no queue of the kernel's */
	DUMP_OPSS_DISPATCHING /* on its way back */
};

struct dump_task {
	char comm[DUMP_COMM_LEN];
	int pid;
	bool running; /* on its CPU, at the time of the dump */
	char state;   /* as ps(1) shows it */
	long wait_ms; /* runnable for so long */
	size_t cpu;   /* of dump.cpu: whose run queue it is on */
	unsigned dsq_flags;
	long ops_state; /* enum dump_ops_state; -1: not in the dump */
	bool queued;	/* in the queue dsq */
	uint64_t dsq, vtime, slice;
	bool has_slice;
	unsigned weight; /* 0: not in the dump */
	/* Where it may run, bits by CPU; all 0: not in the dump. */
	uint64_t cpus[DUMP_MASK_WORDS];
	int no_mig;   /* migration is disabled; -1: not in the dump */
	bool kthread; /* by its stack */
	size_t line, last_line;
};

struct dump_cpu {
	int cpu;
	unsigned runnable; /* tasks of sched_ext there, the running included */
	char comm[DUMP_COMM_LEN]; /* what runs there */
	int pid;
	char class[32]; /* "rt_sched_class"; "": not in the dump */
	size_t line, class_line;
};

struct dump {
	/* Each line, without what logs put before it; NUL-terminated. */
	char **line;
	size_t lines;

	bool found;    /* an exit, or a dump that was asked for */
	bool has_kind; /* false: only the log's lines */
	int kind;
	char policy[128];	    /* the scheduler's name; "": not said */
	char reason[DUMP_TEXT_LEN]; /* "runnable task stall" */
	char message[DUMP_TEXT_LEN];
	int exit_cpu; /* -1: not said */
	size_t head_line, reason_line;

	/* Whom the message names; pid 0: nobody. */
	char comm[DUMP_COMM_LEN];
	int pid;
	double waited_s; /* below 0: not said */
	double late_s;	 /* the watchdog itself; below 0: not said */

	struct dump_cpu *cpu;
	size_t cpus;
	struct dump_task *task;
	size_t tasks;
	bool truncated; /* by the kernel, or here */
};

/*
 * Reads the last exit in text, of whatever bytes; never fails: found says
 * whether there was one.
 */
void dump_read(struct dump *d, const char *text, size_t len);
void dump_release(struct dump *d);

/* True for an exit by the watchdog of tasks that wait. */
bool dump_is_stall(const struct dump *d);

/* The task of this number, or NULL. */
const struct dump_task *dump_find(const struct dump *d, int pid);

/* Who has waited longest of those that do not run, or NULL. */
const struct dump_task *dump_longest(const struct dump *d);

/* CPUs that a task may run on: how many, and whether it is one of them. */
unsigned dump_allowed(const struct dump_task *t);
bool dump_may_run(const struct dump_task *t, int cpu);

#endif
