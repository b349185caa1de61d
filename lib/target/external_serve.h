/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process that starts an external scheduler on this host is told: the
 * name of an installed program, the digest that its file must have, and flags
 * of a strict set of characters.
 *
 * Its asker writes one struct external_request on a socket, and closes its side
 * when the deployment is to end; the answer is lines:
 *
 *     path TEXT         where the program is
 *     no ERRNO TEXT     it cannot be, and nothing runs
 *     held PID OPS      the kernel has its scheduler; a plan: PID is 0
 *     again COUNT       it attached anew by itself, that often by now
 *     gone TEXT         it is not attached any more, and why
 *     said TEXT         a line of what it printed last
 *     fault ERRNO TEXT  the kernel still has its scheduler
 *     done              it has not, and the program is gone
 */
#ifndef SCHEDKIT_TARGET_EXTERNAL_SERVE_H
#define SCHEDKIT_TARGET_EXTERNAL_SERVE_H

#include <signal.h>

#include "crypt/digest.h"
#include "policy/external.h"

enum external_verb { EXTERNAL_PLAN, EXTERNAL_HOLD };

struct external_request {
	uint32_t size; /* of this */
	uint32_t verb;
	char sha256[DIGEST_HEX_LEN];
	struct external what;
};

/* -EINVAL: not what an asker of this version writes, or not a program and
 * flags of the shape they must have. */
int external_request_check(const struct external_request *r);

/*
 * Reads one request from fd and carries it out; returns when the program is
 * gone: it ended, the other side is closed or *cancel became true.  Whatever
 * the program left is killed with it.
 */
int external_serve(int fd, const volatile sig_atomic_t *cancel);

#endif
