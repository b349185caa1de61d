/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds the policy of this host: a lock, and a record for others to read.
 *
 * Both are where path_run() says: one lock for root, whoever is root, and one
 * for each user, who can do no more than treat their own tasks.  Neither
 * outlives a boot.  The lock dies with its process;
 * the record may stay, so it counts only while its process lives.
 */
#ifndef SCHEDKIT_AGENTS_HOST_HOLDER_H
#define SCHEDKIT_AGENTS_HOST_HOLDER_H

#include "doc/json.h"

/* A descriptor that holds the lock until it is closed; -EBUSY: another process
 * has it. */
int holder_lock(void);

/*
 * Writes the record of this process; body is its deployment, as attached.
 *
 *     {"pid":…,"start":… (of the process, in ticks),"uid":…,"user":…,
 *      "login":… (who logged in to become that user),"enable_seq":… (of the
 *      kernel's sched_ext, by now)}
 *
 * and of the body policy, verdict, title, ops, since, events, scope, canary,
 * guards and pinned, as far as it has them.  What is pinned has a record of its
 * own, which needs nobody who lives.
 */
int holder_write(const struct json *body);
void holder_clear(void);

/* The record of what was pinned last, in force or not; NULL: there is none.
 * The caller's. */
struct json *holder_pinned(void);
void holder_unpin(void);

/*
 * Which rules the policy follows: {"generation":N (0: none, "why" says it),
 * "since","folder","lacking":N (cgroups and files beyond what there is room
 * for),"rules":[{"name","words"}]}.  NULL: none, or nobody holds a policy.
 */
void holder_declare(const struct json *rules);
struct json *holder_declared(void);

/*
 * Which model the policy follows, and how it gets on: the members of a note's
 * `model` but for event, "since" (of its state, or of retiring it), "file"
 * that is followed, "alarm" while it does more harm than good, "trouble" with
 * the file.  NULL: none, or nobody holds a policy.
 */
void holder_learn(const struct json *model);
struct json *holder_learned(void);

/* A record has the name of what is attached, as ext_kernel_state() says; and is
 * of this very attachment, not of one before it. */
bool holder_names(const struct json *record, const struct json *kernel);
bool holder_is_of(const struct json *record, const struct json *kernel);

/* The record of a process that still lives; NULL: nobody.  The caller's. */
struct json *holder_read(void);
/* Of one that is gone and cleared nothing away: it was killed. */
struct json *holder_left(void);

/*
 * Writes down how a deployment ended, its body, for those who have no history;
 * and reads it back, with "until", and "counts" of all ends by their state:
 * NULL: nothing has ended since the machine began.
 */
void holder_ended(const struct json *body);
struct json *holder_last(void);

/*
 * Asks the holder to let go and waits: 0; -ESRCH: there is none; -EPERM;
 * -ETIMEDOUT.
 */
int holder_stop(void);

#endif
