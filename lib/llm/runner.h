/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one program again and again for a process that has given up the right
 * to.  A small child is forked before; it passes bytes in and out and knows
 * nothing of what they mean.
 */
#ifndef SCHEDKIT_LLM_RUNNER_H
#define SCHEDKIT_LLM_RUNNER_H

#include <signal.h>

#include "base/buf.h"

struct runner;

struct runner_spec {
	char *const *argv; /* argv[0] is searched in PATH */
	char *const *env;  /* all of it */
	const char *cwd;   /* NULL: the caller's */
	double timeout_s;  /* of one run */
	size_t max_bytes;  /* that it may write to its standard output */
};

int runner_start(const struct runner_spec *s, struct runner **out);
/* Ends what runs, the child too. */
void runner_stop(struct runner *r);

struct run {
	int exit_status; /* as a shell reports it */
	char *out, *err; /* err: its last words; the caller's */
	size_t out_len;
};

/*
 * One run with text on its standard input.  0 when it ended by itself,
 * whatever it had to say; -ETIMEDOUT, -EMSGSIZE, -EINTR: its process group was
 * killed; -ENOENT and the like: it could not be started.
 */
int runner_run(struct runner *r, const char *text, size_t len,
	       const volatile sig_atomic_t *cancel, struct run *out);
void run_release(struct run *out);

#endif
