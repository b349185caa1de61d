/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: every request and every outcome, before anyone hears of it.
 *
 * A file of records, each with its length and checksum, appended in one write;
 * a record that a dying process cut short is left out at the next opening,
 * with all that follows it (nothing follows it: one process writes, under a
 * lock).  When most of the file is about requests that have ended and were
 * delivered, it is written anew beside itself and put in its place.  Results
 * that were billed are synced to the disk before they are delivered.
 */
#ifndef SCHEDKIT_RT_JOURNAL_H
#define SCHEDKIT_RT_JOURNAL_H

#include "rt/rt.h"

struct rt_journal;

/*
 * Opens or makes it (mode 0600, its folder too) and gives its content to r by
 * rt_restore().  -EAGAIN: another process has it; -ENOSPC, -EACCES, …;
 * -EUCLEAN: not a journal.  *lost: bytes at the end that were no whole record.
 */
int rt_journal_open(const char *path, struct rt *r, double now, size_t *lost,
		    struct rt_journal **out);
void rt_journal_close(struct rt_journal *j);

/* For ops->event: buffered until rt_journal_commit(). */
void rt_journal_add(struct rt_journal *j, const struct rt_event *e);
/* Writes what was added; to be called before the outside hears of it.  Syncs
 * when something with a cost ended.  After an error (a full disk) the records
 * stay buffered and the next commit tries again. */
int rt_journal_commit(struct rt_journal *j);
/* Rewrites the file when that pays. */
int rt_journal_compact(struct rt_journal *j, const struct rt *r, double now);

#endif
