/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: every request and every outcome, before anyone hears of it.
 *
 * A file to which each commit appends one batch of records in one write, with
 * its length and checksum: after a crash at any byte a batch is there as a
 * whole or not at all, so that a graph of requests is, too.  When most of the
 * file is about requests that have ended and were delivered, it is written
 * anew beside itself, synced, and put in its place.  What was billed is synced
 * to the disk before anyone hears of it; the rest survives the death of the
 * process, not that of the machine.
 *
 * Times are written down by the wall's clock, to the second, so that deadlines
 * hold over a restart.
 */
#ifndef SCHEDKIT_RT_JOURNAL_H
#define SCHEDKIT_RT_JOURNAL_H

#include "rt/rt.h"

struct rt_journal;

/*
 * Opens or makes it (mode 0600, its folder too) and gives its content to r by
 * rt_restore(), what its predictor knew as well.  *lost: bytes of a batch that
 * a dying process cut short; they are cut off, nobody has heard of them.
 *
 * -EAGAIN: another process has it; -ENOSPC, -EACCES, …; -EUCLEAN: not a
 * journal, one of another version, or one that is damaged somewhere in the
 * middle, with the place.  Such a file is left as it is, for a person to
 * decide: to go on without what was unreadable could do again what was done
 * and billed.  After an error r may hold a part and is to be freed.
 */
int rt_journal_open(const char *path, struct rt *r, double now, size_t *lost,
		    struct rt_journal **out);
void rt_journal_close(struct rt_journal *j); /* what was added is lost */

/* For ops->event: buffered until rt_journal_commit(). */
void rt_journal_add(struct rt_journal *j, const struct rt_event *e);
/* Writes what was added; to be called before the outside hears of it.  Syncs
 * when something with a cost ended.  After an error (a full disk) the records
 * stay buffered and the next commit tries again. */
int rt_journal_commit(struct rt_journal *j);
/* Rewrites the file when that pays: it holds more than 4 MiB and twice what
 * the last rewriting left.  After an error the old one goes on. */
int rt_journal_compact(struct rt_journal *j, const struct rt *r, double now);

#endif
