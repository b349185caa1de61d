/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the merges of documents, figures and files share. */
#ifndef SCHEDKIT_HISTORY_MERGE_PARTS_H
#define SCHEDKIT_HISTORY_MERGE_PARTS_H

#include "history/merge.h"
#include "history/repo.h"

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
