/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process that may set knobs is told: numbers, the patterns of names
 * that rules are for, the id of a policy, and nothing of its text.
 *
 * Its asker writes one struct knob_request on a socket, and closes its side
 * when the deployment is to end; the answer is lines:
 *
 *     plan TEXT      a change that would be made
 *     no ERRNO TEXT  it cannot be, and nothing is changed
 *     held           it is in force
 *     left TEXT      changed by others meanwhile, and left as it is
 *     done TASKS GROUPS GONE RULE-TASKS...   everything is as it was
 *     fault ERRNO TEXT  something could not be set or set back
 *
 * After a request of KNOB_TUNE it may write any number of struct knob_tune,
 * each after the answer to the one before:
 *
 *     tuned          it is so
 *     refused ERRNO TEXT  it is not, or not all of it
 */
#ifndef SCHEDKIT_KNOB_REQUEST_H
#define SCHEDKIT_KNOB_REQUEST_H

#include <signal.h>

#include "knob/hold.h"

enum knob_verb { KNOB_PLAN, KNOB_HOLD, KNOB_UNDO, KNOB_TUNE };

struct knob_request {
	uint32_t size; /* of this */
	enum knob_verb verb;
	char policy[65];
	struct knobs knobs;
	struct knob_scope scope;
};

/* -EINVAL: not what an asker of this version writes. */
int knob_request_check(const struct knob_request *r);

/*
 * Reads one request from fd and carries it out; returns when the other side is
 * closed or *cancel becomes true, and all is undone.
 */
int knob_serve(int fd, const volatile sig_atomic_t *cancel);

#endif
