/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One of our own programs as a child: documents on its standard input,
 * documents from its standard output.
 */
#ifndef SCHEDKIT_AGENTS_PROGRAM_PROGRAM_H
#define SCHEDKIT_AGENTS_PROGRAM_PROGRAM_H

#include <signal.h>

#include "base/strs.h"
#include "doc/stream.h"

struct program_call {
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

struct program_answer {
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
int program_run(const struct program_call *c, struct program_answer *a);
void program_answer_release(struct program_answer *a);

/* The documents in a file, from its start, each checked; by: who wrote it. */
struct stream *program_read_fd(int fd, const char *by);
/* The documents of what a program wrote, likewise.  NULL with a message. */
struct stream *program_read(const void *data, size_t len, const char *by);

/* A file in memory with these documents, at its start; -errno. */
int program_memory(const struct doc *const *docs, size_t n);

#endif
