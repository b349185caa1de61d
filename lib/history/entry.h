/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commits of the history, read back. */
#ifndef SCHEDKIT_HISTORY_ENTRY_H
#define SCHEDKIT_HISTORY_ENTRY_H

#include "history/repo.h"

struct entry {
	char kind[HISTORY_KIND_LEN];
	char id[DOC_ID_LEN];
	git_oid commit;
};

/* From the trailers; false: not a commit of ours (a merge, a foreign one). */
bool entry_parse(const char *message, struct entry *e);

/*
 * Walks from a commit (zero: nothing there) towards the past, newest first and
 * without what until (NULL, zero: nothing) leads to, until fn returns non-zero,
 * which is then returned.  A document that two sides of a merge recorded comes
 * once, as its newest commit.
 */
int entry_walk(const struct history *h, const git_oid *from,
	       const git_oid *until,
	       int (*fn)(const struct entry *e, const git_commit *c, void *arg),
	       void *arg);

/*
 * The commit that recorded a document: 1, or 0 when there is none.  The cost
 * is the distance: what a document speaks of was mostly recorded just before.
 */
int entry_find(const struct history *h, const git_oid *from, const char *kind,
	       const char *id, struct entry *out);

#endif
