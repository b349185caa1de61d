/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A statement (statement.h) as fields of fixed size, and whether it holds:
 * for who must not read JSON, and for everybody else.
 */
#ifndef SCHEDKIT_TRUST_CLAIM_H
#define SCHEDKIT_TRUST_CLAIM_H

#include <stddef.h>
#include <time.h>

#include "crypt/digest.h"
#include "crypt/sign.h"
#include "trust/store.h"

/* What other texts might be signed, now or later, is not taken for this. */
#define CLAIM_KIND "schedkit verdict 1"

/* How far clocks of two machines may be apart. */
#define STATEMENT_SKEW_S 300

enum statement_fault {
	STATEMENT_HOLDS,
	STATEMENT_UNSIGNED, /* there is no signature */
	STATEMENT_DAMAGED,  /* it is not of this form */
	STATEMENT_FOREIGN,  /* the key is not trusted */
	STATEMENT_FORGED,   /* the key did not sign this */
	STATEMENT_REVOKED,  /* the key, the verdict or the policy is */
	STATEMENT_ALTERED,  /* other things were signed than stand there */
	STATEMENT_FUTURE,   /* issued after now */
	STATEMENT_EXPIRED,  /* it, or its key */
};

#define CLAIM_WORD 32

/* The members of a statement; one that is left out is "".  Zeroed first. */
struct claim {
	char kind[CLAIM_WORD];
	char key[SIGN_KEY_HEX];
	char issued[CLOCK_TEXT_LEN], expires[CLOCK_TEXT_LEN];
	char policy[DIGEST_HEX_LEN];
	char decision[CLAIM_WORD], target[CLAIM_WORD];
	char kernel[128];
	char accelerator[CLAIM_WORD];
	char workload[1024];
	char configuration[DIGEST_HEX_LEN];
	char object_sha256[DIGEST_HEX_LEN];
	char form[CLAIM_WORD];
	char params_sha256[DIGEST_HEX_LEN];
	char image_sha256[DIGEST_HEX_LEN];
	char evidence_sha256[DIGEST_HEX_LEN];
};

/* The members by their names, in the order of RFC 8785; NULL: that was all. */
const char *claim_member(size_t i);
/* Of a member, and its size; NULL: there is none of that name. */
char *claim_field(struct claim *c, const char *name, size_t *size);

/* Every field ends inside itself, and holds nothing that a terminal obeys. */
bool claim_is_text(const struct claim *c);

/* The RFC 8785 form, the caller's: what is signed. */
char *claim_text(const struct claim *c);

/*
 * Of one that claim_is_text(): form, revocation, key, signature, times.
 * STATEMENT_HOLDS, or the first fault, with the reason and the way out in the
 * error slot.
 */
enum statement_fault claim_check(const struct trust *t, const struct claim *c,
				 const char *ed25519, time_t now);

#endif
