/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of sched-report share. */
#ifndef SCHEDKIT_CMD_REPORT_H
#define SCHEDKIT_CMD_REPORT_H

#include "agents/reporter/reporter.h"
#include "cmd/cli.h"
#include "doc/stream.h"
#include "history/history.h"

#define REPORT_MAX_TRACES 16

extern const struct opt_tool report_tool;

/* The documents, and what they are read from. */
struct report_docs {
	const struct doc **v;
	size_t n, cap;
	struct stream **streams;
	size_t stream_count;
	struct doc **owned;
	size_t owned_count;
	bool bad; /* a line was no document */
};

/* A file, or with path NULL standard input. */
int report_read(struct report_docs *d, const char *path);
/* The history, those that pick names; -ENODATA: nothing does. */
int report_recall(struct report_docs *d, const char *dir,
		  const struct reporter_pick *pick);
void report_docs_release(struct report_docs *d);

/* The traces that the documents name and that are what they say, and the one
 * at path (NULL: none) for the last of the profiles. */
struct report_traces {
	struct reporter_trace v[REPORT_MAX_TRACES];
	struct buf bytes[REPORT_MAX_TRACES];
	size_t n;
};
int report_traces_open(struct report_traces *t, const struct report_docs *d,
		       const char *path);
void report_traces_release(struct report_traces *t);

#endif
