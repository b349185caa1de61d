/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/history share. */
#ifndef SCHEDKIT_HISTORY_REPO_H
#define SCHEDKIT_HISTORY_REPO_H

#include <git2.h>

#include "history/history.h"

#define HISTORY_BRANCH "refs/heads/main"
#define HISTORY_NOTES  "refs/notes/metrics"

struct history {
	git_repository *repo;
	char *dir;
	int fd;		     /* of dir; flock(2) on it is the writers' queue */
	bool held;	     /* we are at its head, and it is one */
	struct marks *marks; /* mark.h; NULL: nobody asked yet */
};

/*
 * Turns libgit2's last error into an errno and a message about what was being
 * done; rc is what libgit2 returned.
 */
int repo_fail(const struct history *h, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One writer of ours at a time; -EAGAIN after half a minute. */
int repo_lock(struct history *h);
void repo_unlock(struct history *h);

/*
 * Everything written so far survives a power cut.  One call for the dozen
 * objects of a document: to sync each of them takes ten times as long.
 */
int repo_sync(const struct history *h);

/* Author and committer of everything.  NULL is not returned. */
git_signature *repo_signature(time_t when);

/* What name points to; the zero id when it does not exist. */
int ref_read(const struct history *h, const char *name, git_oid *out);

/* The names of all, sorted; the caller disposes of it after a 0. */
int ref_list(const struct history *h, git_strarray *out);

/*
 * Moves name from old (zero: it must not exist) to new: 0; 1 when it pointed
 * elsewhere meanwhile and nothing was done.  What it points to is to be synced
 * before.  A lock file that a dead process left behind is removed: at once when
 * it was one of ours, and its file system knows flock(2).
 */
int ref_move(const struct history *h, const char *name, const git_oid *old,
	     const git_oid *to);

/* Removes it, where it is there; with lock files as above. */
int ref_remove(const struct history *h, const char *name);

/* A line in its log: libgit2 logs nothing in a bare repository of its own
 * accord. */
int ref_log(const struct history *h, const char *name, const git_oid *to);

/*
 * Before git(1) moves references below prefix: it waits for no lock file, and
 * so would fail for ever where one was left.  -EAGAIN after half a minute.
 */
int ref_wait(const struct history *h, const char *prefix);

/*
 * The commit a reference points to and its tree; both NULL when it does not
 * exist.  The caller frees them.
 */
int ref_tree(const struct history *h, const char *name, git_commit **commit,
	     git_tree **tree);

#endif
