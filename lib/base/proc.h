/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one program to its end, without a shell.
 *
 * The program gets a process group of its own.  At the time limit, or when
 * *cancel becomes true, the group gets SIGTERM, and SIGKILL two seconds later;
 * nothing of it is left behind when proc_run returns.
 */
#ifndef SCHEDKIT_BASE_PROC_H
#define SCHEDKIT_BASE_PROC_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/sandbox.h"

struct proc_spec {
	char *const *argv; /* argv[0] is searched in PATH */
	const char *cwd;   /* NULL: the caller's */
	char *const *env;  /* NULL: the caller's */
	int stdin_fd;	   /* 0: inherit; -1: /dev/null; else this fd */
	struct buf *out;   /* receives the LAST out->max bytes, or NULL */
	struct buf *err;   /* likewise; may equal out */
	int out_fd;	   /* also copied here (-1: nowhere); with out */
	int err_fd;	   /* == NULL the program writes to it directly */
	double timeout_s;  /* 0: none */
	uid_t uid;	   /* with set_ids: run as this user and group */
	gid_t gid;
	bool set_ids;
	bool with_us; /* it gets SIGTERM when the caller dies, killed or not */
	/* Entered right before the exec, which it must allow; NULL: none. */
	const struct sandbox *sandbox;
	/* Called in the parent right after the fork, before the exec. */
	void (*started)(pid_t pid, void *arg);
	void *started_arg;
	const volatile sig_atomic_t *cancel; /* NULL: cannot be cancelled */
};

struct proc_result {
	int exit_status; /* as a shell reports it: code, or 128 + signal */
	int signal;	 /* 0 when it exited by itself */
	bool timed_out;
	bool cancelled;
	double wall_s;
	double user_s; /* of the program and the children it waited for */
	double sys_s;
	long max_rss_kib;
};

/* All-default spec: inherits everything. */
#define PROC_SPEC_INIT ((struct proc_spec){.out_fd = 1, .err_fd = 2})

/*
 * 0 once the program ran, however it ended; -ENOENT, -EACCES … when it could
 * not be started (the message names it); -ENOTSUP when there is no such
 * sandbox.
 */
int proc_run(const struct proc_spec *spec, struct proc_result *res);

/*
 * The same by who has something else to do meanwhile: start, look now and then
 * (output is moved, the limit and cancel are minded then only), finish.
 *
 * On an error of proc_start() *out is NULL.  What spec points to stays until
 * proc_finish(), which waits for the end, and frees.
 */
struct proc;

int proc_start(const struct proc_spec *spec, struct proc **out);
/* Waits at most that long, below 0 for ever; true: the program has ended. */
bool proc_look(struct proc *p, int wait_ms);
/* As proc_run(). */
int proc_finish(struct proc *p, struct proc_result *res);

#endif
