/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program and all that it starts, followed from system call to system call,
 * to try in the very process what the kernel lets it do: a call that is made
 * there meets its capabilities, its Landlock rules and its filters.
 *
 * One at a time in a process, which has no other children meanwhile.  What is
 * followed is killed at the end, and with its follower.
 */
#ifndef SCHEDKIT_BASE_TRACEE_H
#define SCHEDKIT_BASE_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tracee_spec {
	char *const *argv; /* argv[0] is a path */
	char *const *env;
	const char *cwd;
	const char *input; /* what its standard input, a socket, gives first */
	bool ends;	   /* and whether nothing follows; else it waits */
	int keep;	   /* a descriptor that it finds open, under KEPT */
};

/* Far from those that a program opens itself. */
#define TRACEE_KEPT 250

enum tracee_at {
	TRACEE_WAITS,	 /* for input, or for whatever may come */
	TRACEE_EXECUTED, /* a program, which has not done anything yet */
	TRACEE_ENDS,	 /* by exit(2) */
};

/* A process that is held right before it does that. */
struct tracee_stop {
	pid_t pid;
	enum tracee_at at;
	bool first;	  /* it is the one that was started */
	bool executed;	  /* a program; else it goes on as its parent was */
	char program[32]; /* of that, or its parent's */
};

struct tracees;

/* -ENOTSUP: not on this kind of machine; -EPERM: the kernel forbids it. */
int tracee_start(const struct tracee_spec *s, struct tracees **out);

/*
 * Lets them go on to the next moment of these; 1, or 0: all have ended.
 * -ETIMEDOUT: limit_s after the start.
 */
int tracee_next(struct tracees *t, double limit_s, struct tracee_stop *out);

/*
 * In the process of the last stop: a system call.  What it returns, as the
 * kernel has it (-EACCES and the like); after an execve() that succeeded 0, and
 * nothing more can be tried.  -ESRCH: it died of it.
 */
long tracee_call(struct tracees *t, long nr, long a, long b, long c, long d);

/* Data where such a call finds it; its address there, or -errno.  Each time the
 * same place, of a page. */
long tracee_put(struct tracees *t, const void *data, size_t len);

/* The last line that they said on standard error, to be freed. */
char *tracee_words(const struct tracees *t);

void tracee_end(struct tracees *t); /* NULL: nothing */

#endif
