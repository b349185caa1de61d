/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One of our own programs as a child: documents on its standard input,
 * documents from its standard output.
 */
#ifndef SCHEDKIT_AGENTS_LOOP_CALL_H
#define SCHEDKIT_AGENTS_LOOP_CALL_H

#include <signal.h>

#include "base/strs.h"
#include "doc/stream.h"

struct loop_call {
	const char *program; /* "sched-synth", of the same installation */
	struct strs args;
	const char *cwd; /* NULL: ours */
	/* What it reads, n documents; none at all: /dev/null. */
	const struct doc *const *in;
	size_t n;
	double timeout_s; /* 0: none */
	/* Standard error is the user's terminal: progress of its own, and its
	 * messages, go there.  Else they are kept for the message. */
	bool talks;
	const volatile sig_atomic_t *cancel;
};

struct loop_answer {
	struct stream *out; /* all it wrote; NULL: it did not run */
	int exit_status;
	bool timed_out, cancelled;
	double seconds;
	char *words; /* the last line it said on standard error, "" */
};

/*
 * Runs it to its end; it and all it starts end with this process.  0 however it
 * ended; -errno when it could not be started.  Release in any case.
 */
int loop_call(const struct loop_call *c, struct loop_answer *a);
void loop_answer_release(struct loop_answer *a);

#endif
