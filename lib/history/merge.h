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

/* ---- of the files above ------------------------------------------------ */

#include <git2.h>

/*
 * What a reference is to become whose content is tree, which is the content of
 * ours unless it changed: zero, where it is; theirs, where that says the same;
 * else a merge.  on_top: it has to follow on theirs.
 */
int merge_point(const struct history *h, git_commit *ours, git_commit *theirs,
		const git_tree *tree, bool changed, bool on_top, git_oid *to);
/* The commit of tree on ours and theirs; parents that are NULL are none. */
int merge_commit(const struct history *h, git_commit *ours, git_commit *theirs,
		 const git_oid *tree, git_oid *out);
/* a is, or descends from, b. */
bool merge_has(const struct history *h, const git_commit *a,
	       const git_commit *b);

#endif
