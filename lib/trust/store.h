/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom to trust: the public keys of one or more folders, less what is revoked
 * there.  schedkit-keys(5).
 *
 * Each folder holds NAME.pub files and may hold a file `revoked`, of lines
 *   key|verdict|policy ID [reason]
 * Empty lines and those that begin with # are none.  What is revoked in one
 * folder is so for the keys of all.  A verdict goes by its id, or by its
 * statement's evidence_sha256, which stays when it is signed anew.
 */
#ifndef SCHEDKIT_TRUST_STORE_H
#define SCHEDKIT_TRUST_STORE_H

#include "trust/key.h"

struct trust;

struct trust *trust_new(void);
void trust_free(struct trust *t);

/*
 * The keys and revocations of a folder.  A folder that is not there holds
 * none.  Everything else that is wrong with it or with a file in it is an
 * error: -EACCES, -EBADMSG, with the path and the way out.
 */
int trust_add_folder(struct trust *t, const char *folder);
/* One key, as key_parse_public() has it; of the folder it does not check. */
void trust_add_key(struct trust *t, const struct key_info *k);
/* Revocations, text of len bytes.  -EBADMSG names the line. */
int trust_parse_revoked(struct trust *t, const char *text, size_t len);

/*
 * The caller's own folder, and /etc/schedkit/keys.d.  A process with more
 * privilege than its caller takes the latter alone.
 */
int trust_open(struct trust **out);

/* $XDG_CONFIG_HOME/schedkit/keys, the caller's to free: where sched-verify has
 * its own. */
char *trust_own_folder(void);

#define TRUST_SYSTEM_FOLDER "/etc/schedkit/keys.d"

/* Adds a line to the folder's `revoked`, in one piece.  -EINVAL: what is not
 * "key", "verdict" or "policy", or id not 64 lower-case digits. */
int trust_revoke(const char *folder, const char *what, const char *id);

/* Lent; NULL: it is not trusted. */
const struct key_info *trust_key(const struct trust *t, const char *id);
size_t trust_count(const struct trust *t);
const struct key_info *trust_at(const struct trust *t, size_t i);

/* Why this "key", "verdict" or "policy" is revoked ("no reason is given");
 * NULL: it is not.  Lent. */
const char *trust_revoked(const struct trust *t, const char *what,
			  const char *id);

#endif
