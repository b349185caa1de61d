/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process of our own at the other end of a stream socket, that serves as long
 * as we are there; proc.h runs a program to its end.
 */
#ifndef SCHEDKIT_BASE_CHILD_H
#define SCHEDKIT_BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid; /* 0: it was waited for */
	int fd;	   /* our end, for the caller to close */
};

/* Before a fork, if who forks is to know how the child ends: who started us may
 * have told the kernel that nobody wants to know, and that is inherited. */
void child_hear_ends(void);

/* In a child: signals are as programs expect to find them, and none is blocked,
 * whatever its parent makes of them. */
void child_usual_signals(void);

/* What a child does with its end; returning is exit status 1. */
typedef void child_main(int fd, void *arg);

/* with_us: it gets SIGTERM when this process dies, killed or not. */
int child_fork(child_main *start, void *arg, bool with_us, struct child *out);

/* A program whose standard input and output is the socket, and that has
 * nothing else of ours but standard error and the environment. */
int child_exec(const char *path, char *const *argv, bool with_us,
	       struct child *out);

/* Waits for its end at most patience_s, then kills it, if we may, and waits on;
 * its status as waitpid(2) has it.  0 if it was waited for before. */
int child_end(struct child *c, double patience_s);

#endif
