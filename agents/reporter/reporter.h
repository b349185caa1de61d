/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reporting agent: documents in, a page that tells their story out.
 *
 * Whatever the documents hold is data: it is escaped, cut to a length, and
 * only so much of it is drawn; sizes are bounded however many there are.
 */
#ifndef SCHEDKIT_AGENTS_REPORTER_REPORTER_H
#define SCHEDKIT_AGENTS_REPORTER_REPORTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "doc/doc.h"

#define REPORTER_MAX_BYTES (64u << 20) /* of a page; far above any */

struct reporter_trace {
	const char *profile; /* id of the profile it is of; NULL: any */
	const char *name;    /* for people */
	const void *bytes;
	size_t len;
};

struct reporter_opts {
	const char *title; /* NULL: from the workloads */
	const struct reporter_trace *traces;
	size_t trace_count;
};

/*
 * Appends the page to out.  -ENODATA: there is nothing to tell about in the
 * documents; -EFBIG: out is too small.
 */
int reporter_page(const struct doc *const *docs, size_t n,
		  const struct reporter_opts *o, struct buf *out);

/* The same in brief for a terminal of so many columns (at least 20). */
int reporter_text(const struct doc *const *docs, size_t n,
		  const struct reporter_opts *o, size_t columns,
		  struct buf *out);

/* What of a history a report is to be about; all NULL: everything. */
struct reporter_pick {
	const char *run;      /* loop.run of its notes */
	const char *policy;   /* id, or the beginning of one */
	const char *workload; /* name */
};

/*
 * Moves what belongs to it, with what that descends from and what was made of
 * it, to the front of docs, in the order it had; returns how many.
 */
size_t reporter_choose(const struct doc **docs, size_t n,
		       const struct reporter_pick *pick);

#endif
