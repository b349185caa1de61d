/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signed verdicts: what exactly is signed, and whether it holds.
 *
 * A verdict's body has
 *   "signature": {"statement": {...}, "ed25519": "<128 digits>"}
 * and the signature is over the RFC 8785 form of the statement, whose members
 * schedkit-verdict(5) lists.  They repeat what a deployment rests on, so that
 * a checker needs the statement, the policy and the object, not the verdict;
 * image_sha256 is that of what is put into the object (policy/image.h), and
 * evidence_sha256, the SHA-256 of the RFC 8785 form of the body without its
 * signature, binds all the rest.  The verdict's id is that of its body, the
 * signature included: a signed verdict is another document than an unsigned.
 */
#ifndef SCHEDKIT_TRUST_STATEMENT_H
#define SCHEDKIT_TRUST_STATEMENT_H

#include <time.h>

#include "crypt/sign.h"
#include "doc/doc.h"
#include "trust/claim.h"

/*
 * Signs an accepted verdict's body about this policy, from issued until
 * expires, and puts the signature into it, in place of one that is there.
 * -EINVAL: it is not accepted, it is about another policy, or the policy's
 * parameters are out of their range.
 */
int statement_sign(const struct sign_key *key, struct json *verdict,
		   const struct doc *policy, time_t issued, time_t expires);

/*
 * Each of these returns STATEMENT_HOLDS, or the first fault it finds and
 * leaves the reason and the way out in the error slot.
 *
 * Of a signature alone: form, revocation, key, signature, times.
 */
enum statement_fault statement_check(const struct trust *t,
				     const struct json *signature, time_t now);
/* Whether the statement is about this verdict and this policy. */
enum statement_fault statement_match(const struct json *signature,
				     const struct json *verdict,
				     const struct doc *policy);
/* All of it, and whether the verdict is revoked by its id. */
enum statement_fault statement_judge(const struct trust *t,
				     const struct doc *verdict,
				     const struct doc *policy, time_t now);

/* The statement of a verdict's body, lent; NULL: it has none. */
const struct json *statement_of(const struct json *verdict);

/* Its members as fields.  STATEMENT_UNSIGNED or _DAMAGED: it is none. */
enum statement_fault statement_claim(const struct json *signature,
				     struct claim *out);

#endif
