/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commit that records a document. */
#ifndef SCHEDKIT_HISTORY_COMMIT_H
#define SCHEDKIT_HISTORY_COMMIT_H

#include "history/repo.h"

/* When the document was made; 0 when it does not say. */
time_t commit_time(const struct doc *d);

/* 1 when the tree (NULL: empty) has the document, else 0. */
int commit_exists(const struct history *h, const git_tree *root,
		  const char *kind, const char *id);

/* The tree root (NULL: empty) and the files of a document. */
int commit_tree(const struct history *h, git_tree *root, const struct doc *d,
		git_oid *out);

/* Writes the commit on top of head (NULL: the first one), whose tree is root;
 * no reference moves. */
int commit_make(const struct history *h, git_commit *head, git_tree *root,
		const struct doc *d, git_oid *out);

#endif
