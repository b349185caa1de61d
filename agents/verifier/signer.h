/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signs accepted verdicts with a key of the caller's own, in
 * $XDG_CONFIG_HOME/schedkit/keys.  schedkit-keys(5) has the rules.
 *
 * The private key is read when the first verdict is to be signed, and
 * overwritten by signer_free(): nothing of it is in memory while code of others
 * is looked at or run.
 */
#ifndef SCHEDKIT_AGENTS_VERIFIER_SIGNER_H
#define SCHEDKIT_AGENTS_VERIFIER_SIGNER_H

#include "doc/doc.h"
#include "doc/stream.h"
#include "trust/key.h"

/* The name of a key that is not given one. */
#define SIGNER_FIRST "signing"

#define SIGNER_DAYS 30

struct signer;

struct signer_opts {
	const char *key; /* its name; NULL: the newest that may sign */
	double days;	 /* how long a signature is good for */
	/* Make a first key when there is none. */
	bool make_first;
};

struct signer *signer_new(const struct signer_opts *o);
void signer_free(struct signer *s);

/*
 * Puts a signature into an accepted verdict's body.  -ENOENT: there is no key;
 * otherwise what opening the key or making one says.
 */
int signer_sign(struct signer *s, struct json *verdict,
		const struct doc *policy);

/* The key to sign something else with, lent; as signer_sign(). */
int signer_private(struct signer *s, const struct sign_key **out);

/* The key that signed, lent; NULL: none yet. */
const struct key_info *signer_key(const struct signer *s);
/* That key was made by this signer: who reads of it should hear so. */
bool signer_made_key(const struct signer *s);

/*
 * A person vouches for a verdict that others, or an earlier time, accepted:
 * reads the stream to its end and emits the accepted verdict whose id begins
 * with id once more, signed.  -EBADMSG: a bad line; -ENODATA: no such verdict,
 * or its policy is not there; -EINVAL: not accepted, or the signature it has
 * is of a known key and does not hold.
 */
int signer_vouch(struct signer *s, struct stream *stream, const char *id);

#endif
