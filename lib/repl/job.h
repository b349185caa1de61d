/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pipeline of programs in the foreground, as a shell runs it: a process group
 * of its own that has the terminal while it lives; afterwards the terminal is
 * as it was, whatever the programs did to its settings.  There are no
 * background jobs: ^Z does nothing, and a group that stops goes on.  A terminal
 * that goes away takes what runs on it along.
 */
#ifndef SCHEDKIT_REPL_JOB_H
#define SCHEDKIT_REPL_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct job_stage {
	const char *path; /* of the program */
	char *const *argv;
	const char *documents; /* file for them (doc/stream.h), or NULL */
};

/* The terminal of a prompt. */
struct job_terminal {
	int fd;
	pid_t group; /* ours */
	struct termios modes;
};

struct job {
	const struct job_stage *stages;
	size_t count;
	int in_fd, out_fd;		     /* -1: ours */
	const struct job_terminal *terminal; /* NULL: stay in our group */
	/* The terminal stays ours, and any input on it ends the job. */
	bool until_key;
	const volatile sig_atomic_t *stop; /* becomes true: end it */
};

struct job_result {
	int status; /* of the last stage, as a shell has it */
	int signal; /* that ended the last stage, or any by ^C; else 0 */
	bool keyed; /* a key ended it */
};

/*
 * Makes the prompt's process the leader of a group that has the terminal, and
 * deaf to what the terminal sends to groups.  -ENOTTY: there is no job control
 * on it; -EIO: in the background for ever.
 */
int job_terminal_take(struct job_terminal *t, int fd);

/* Keys one at a time and unseen; job_terminal_restore() undoes it. */
void job_terminal_keys(const struct job_terminal *t);
void job_terminal_restore(const struct job_terminal *t);
/* Its line was hung up, its window closed. */
bool job_terminal_gone(const struct job_terminal *t);

/* 0 once all have ended; -errno when one could not be started: none is left
 * then. */
int job_run(const struct job *j, struct job_result *res);

#endif
