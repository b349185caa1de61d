/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was fetched and what is here become one: documents, figures and files
 * of both, without a loss.  Each is one move of one reference, and may be done
 * again.  prefix is where the references of theirs are,
 * "refs/schedkit/remote/NAME/".
 */
#ifndef SCHEDKIT_HISTORY_MERGE_H
#define SCHEDKIT_HISTORY_MERGE_H

#include "history/history.h"

/* What one merge did. */
struct merged {
	size_t taken; /* new to us */
	bool offer;   /* we have something that they lack */
};

/*
 * Documents.  on_top: where they lack something, what we have is to follow on
 * what they have, so that it can be pushed.  -EBADMSG.
 */
int merge_documents(struct history *h, const char *prefix, bool on_top,
		    struct merged *out);
/* The figures of git notes: each object's lines. */
int merge_notes(struct history *h, const char *prefix, bool on_top,
		struct merged *out);
/* Agents' files: the versions of theirs that we lack, on top of ours; the newer
 * of the two last ones is the last.  Shares stay where they were given. */
int merge_files(struct history *h, const char *prefix, bool on_top,
		struct merged *out);
/* Tags of theirs that lead into the history; *kept: ours are other ones. */
int merge_tags(struct history *h, const char *prefix, struct merged *out,
	       size_t *kept);

#endif
