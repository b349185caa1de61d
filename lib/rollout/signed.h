/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signed statements of rollouts:
 *   {"statement": {...}, "ed25519": "<128 digits>"}
 * The signature is over the RFC 8785 form of the statement.  Its `kind` says
 * what it is, so that nothing that was signed for another purpose is taken for
 * it; `key` and `issued` are as in a verdict's (trust/claim.h).
 */
#ifndef SCHEDKIT_ROLLOUT_SIGNED_H
#define SCHEDKIT_ROLLOUT_SIGNED_H

#include "crypt/sign.h"
#include "doc/json.h"
#include "trust/claim.h"

#define SIGNED_ROLLOUT "schedkit rollout 1"
#define SIGNED_REPORT  "schedkit report 1"

/* Takes statement, adds what is said above. */
struct json *signed_make(const struct sign_key *key, const char *kind,
			 struct json *statement, time_t issued);

/*
 * Form, revocation, key, signature.  STATEMENT_HOLDS, or the first fault, with
 * the reason in the error slot.  What the statement's own times mean is for
 * who asked.
 */
enum statement_fault signed_check(const struct trust *t, const char *kind,
				  const struct json *v, time_t now);

#endif
