/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds the policy of this host: a lock, and a record for others to read.
 *
 * Both are where path_run() says: one lock for root, whoever is root, and one
 * for each user, who can do no more than treat their own tasks.  Neither
 * outlives a boot.  The lock dies with its process;
 * the record may stay, so it counts only while its process lives.
 */
#ifndef SCHEDKIT_AGENTS_HOLDER_H
#define SCHEDKIT_AGENTS_HOLDER_H

#include "doc/json.h"

/* A descriptor that holds the lock until it is closed; -EBUSY names the
 * process that has it. */
int holder_lock(void);

/* Writes the record of this process; body is its deployment. */
int holder_write(const struct json *body);
void holder_clear(void);

/*
 * The record {"pid":…,"start":…,"policy":…,"verdict":…,"ops":…,"since":…} of
 * a process that still lives, with "program" of a deployment that has it; NULL:
 * nobody.  The caller's.
 */
struct json *holder_read(void);

/*
 * Asks the holder to let go and waits: 0; -ESRCH: there is none; -EPERM;
 * -ETIMEDOUT.
 */
int holder_stop(void);

#endif
