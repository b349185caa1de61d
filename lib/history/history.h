/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history: every document becomes a commit in a bare git repository that
 * git itself can log, check and clone.  schedkit-history(5) has the layout.
 *
 * Any number of processes may add at once; a process that dies at any moment
 * leaves a whole repository behind: objects are written first, references
 * move last.  This room is the only user of libgit2.
 */
#ifndef SCHEDKIT_HISTORY_HISTORY_H
#define SCHEDKIT_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "doc/doc.h"

struct history;

#define HISTORY_KIND_LEN 16

#define HISTORY_SYSTEM "/var/lib/schedkit"

/*
 * dir, else $SCHEDKIT_HISTORY, else for root HISTORY_SYSTEM "/history", where
 * that folder is there, is root's, and $XDG_STATE_HOME does not say otherwise;
 * else path_state("history").  To be freed.
 */
char *history_dir(const char *dir);

/*
 * Root that writes into somebody's repository does so as that somebody: else
 * the owner could no longer write, and their links would lead root astray.
 * Before history_open(); for good.
 */
int history_become_owner(const char *dir);

/*
 * With write an absent repository is made.  -ENOENT: there is none and write
 * is false; -ENOTDIR, -EEXIST: something else is in the way; -EACCES, -EROFS,
 * -ENOSPC; -EUCLEAN: the repository is damaged.
 */
int history_open(const char *dir, bool write, struct history **out);
void history_close(struct history *h); /* NULL is fine */

/* A kind that the history keeps: every known one but `error`. */
bool history_keeps(const char *kind);

/*
 * Records documents in this order, all of them or none, and returns how many
 * were new: what is there already, and kinds that are not kept, add nothing.
 * On the way to the disk many take hardly longer than one.  -EAGAIN: another
 * writer did not let go in time; -ENOSPC, -EACCES, -EUCLEAN …: as above; what
 * was recorded before stays whatever happens.
 */
int history_add(struct history *h, const struct doc *const *docs, size_t n);

struct history_entry {
	char kind[HISTORY_KIND_LEN];
	char id[DOC_ID_LEN];
	time_t time;	     /* of the document */
	const char *subject; /* "policy: 'shared queue'"; lent for the call */
};

/* Newest first until fn returns non-zero, which is then returned. */
int history_log(struct history *h,
		int (*fn)(const struct history_entry *e, void *arg), void *arg);

struct history_key {
	char kind[HISTORY_KIND_LEN];
	char id[DOC_ID_LEN];
};

/*
 * The documents whose id begins with prefix (at least 4 hexadecimal digits,
 * else -EINVAL): how many there are; at most max of them are put into keys.
 */
int history_find(struct history *h, const char *prefix,
		 struct history_key *keys, size_t max);

/* One document, the caller's to free.  -ENOENT: it is not there. */
int history_read(struct history *h, const char *kind, const char *id,
		 struct doc **out);

/* What the history says about it in words, its README; added to out. */
int history_words(struct history *h, const char *kind, const char *id,
		  struct buf *out);

/* Its first line: "policy: 'shared queue'". */
int history_subject(struct history *h, const char *kind, const char *id,
		    struct buf *out);

/* Every document of a kind, in order of id, until fn returns non-zero, which
 * is then returned.  fn borrows the document. */
int history_each(struct history *h, const char *kind,
		 int (*fn)(const struct doc *d, void *arg), void *arg);

/*
 * The last word about a lesson is that it does not count: 1; it counts: 0.
 * That word is the last of the notes about it that belong to no agent and are
 * tagged `reverted` or `restored`; the first call reads the notes, later ones
 * what is new.
 */
int history_reverted(struct history *h, const char *id);
/*
 * Says so (or, with restore, the opposite) in a note, the caller's.  1: that is
 * how it is already.  why: NULL, or the reason.
 */
int history_revert(struct history *h, const struct doc *lesson, bool restore,
		   const char *why, struct doc **note);

/* The best accepted policy for a workload. */
struct history_best {
	char *workload; /* "" when the verdict names none */
	struct doc *verdict;
	struct doc *policy; /* NULL: the history has only its verdict */
};

/*
 * Per workload, sorted by name: of the policies whose latest verdict for it
 * accepts them, the one with the largest goal ratio; equal ratios are decided
 * by the lower end of their intervals.  workload NULL: all of them.  state:
 * only of those that are in it now ("trusted", see state.h), which is one for
 * each workload; NULL: of all.
 */
int history_best(struct history *h, const char *workload, const char *state,
		 struct history_best **out, size_t *n);
void history_best_free(struct history_best *b, size_t n);

#endif
