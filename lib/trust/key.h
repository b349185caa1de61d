/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of signing keys, schedkit-keys(5): FOLDER/NAME.key, which its owner
 * alone may read, and FOLDER/NAME.pub, which is for everybody.
 *
 * A key is called by its public half, 64 hexadecimal digits.
 */
#ifndef SCHEDKIT_TRUST_KEY_H
#define SCHEDKIT_TRUST_KEY_H

#include <time.h>

#include "base/clock.h"
#include "base/strs.h"
#include "crypt/sign.h"

#define KEY_FILE_MAX 4096
#define KEY_NAME_MAX 64
#define KEY_NEVER    "never"

struct key_info {
	char id[SIGN_KEY_HEX];
	char made[CLOCK_TEXT_LEN];
	char expires[CLOCK_TEXT_LEN]; /* or KEY_NEVER */
	char *path;		      /* of the file; the caller's */
};

/* Whether text is a time as clock_text() writes it: such ones are in the order
 * of strcmp(). */
bool key_is_time(const char *text);
/* Whether it was over at that time. */
bool key_expired(const struct key_info *k, time_t now);

/* A public key's file, text of len bytes; path stays NULL.  -EBADMSG names the
 * line. */
int key_parse_public(const char *text, size_t len, struct key_info *out);
/* The same of a private key's, which is to be in locked memory. */
int key_parse_private(const char *text, size_t len, struct key_info *out,
		      struct sign_key **key);

/*
 * Reads one.  -EACCES: others may write it, or it is neither ours nor root's;
 * the message has the way out.
 */
int key_read_public(const char *path, struct key_info *out);
/* -EACCES: others may read it, or it is not ours. */
int key_read_private(const char *path, struct key_info *out,
		     struct sign_key **key);

/*
 * Makes FOLDER/NAME.key (0600) and FOLDER/NAME.pub (0644), and the folder
 * (0700).  expires 0: never.  -EINVAL: no good name; -EEXIST: there is such a
 * key, and it stays as it is.  What fails leaves neither file behind.
 */
int key_make(const char *folder, const char *name, time_t expires,
	     struct key_info *out);

/*
 * Opens FOLDER/NAME.key.  -EACCES: it or its folder is not ours alone; the
 * message has the way out.  A missing NAME.pub is written again.
 */
int key_open(const char *folder, const char *name, struct key_info *info,
	     struct sign_key **key);

/* The names of the private keys in a folder, in order; no folder: none. */
int key_names(const char *folder, struct strs *out);

/*
 * The folder is there, a folder, ours or root's, and nobody else may write it
 * (alone: nor read it).  -ENOENT, -EACCES.
 */
int key_check_folder(const char *folder, bool alone);
/* The same of an open file. */
int key_check_file(int fd, const char *path, bool alone);

#endif
