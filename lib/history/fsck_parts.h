/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the check share. */
#ifndef SCHEDKIT_HISTORY_FSCK_PARTS_H
#define SCHEDKIT_HISTORY_FSCK_PARTS_H

#include "doc/ids.h"
#include "history/fsck.h"
#include "history/repo.h"

struct fsck {
	struct history *h;
	void (*say)(void *arg, enum fsck_level level, const char *words);
	void *arg;
	struct fsck_result *result;
	struct ids seen;  /* objects, their names padded */
	struct ids noted; /* verdicts whose figures are in the notes */
	git_oid *queue;
	size_t first, n, cap;
};

void fsck_say(struct fsck *f, enum fsck_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Every object that a reference leads to, and all there are besides. */
int fsck_objects(struct fsck *f);
/*
 * ref_tree(); one that does not lead to a commit is damaged, and that is said
 * unless what is missing was.
 */
int fsck_ref(struct fsck *f, const char *name, git_commit **commit,
	     git_tree **tree);
/* The figures; before the documents. */
void fsck_notes(struct fsck *f);
/* The tree of the branch, and what points to it. */
int fsck_documents(struct fsck *f);

#endif
