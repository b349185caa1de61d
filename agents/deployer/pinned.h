/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a policy that was attached to stay: nobody holds it, so somebody
 * else says how it ended.
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_PINNED_H
#define SCHEDKIT_AGENTS_DEPLOYER_PINNED_H

#include "doc/json.h"

/* The record of what is pinned and in force, by what ext_kernel_state() says;
 * NULL: nothing is.  The caller's. */
struct json *pinned_in_force(const struct json *kernel);

/* How what was pinned has ended by itself, as holder_last(); NULL: it has not,
 * or that was told.  The caller's. */
struct json *pinned_fallen(const struct json *kernel);

/*
 * Takes it off, or clears away what the kernel has dropped since, and tells its
 * end: in the record of ends, and in the history if that knows its beginning.
 * As pins_remove(); -ESRCH: there is none.
 */
int pinned_end(void);

#endif
