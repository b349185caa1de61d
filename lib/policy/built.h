/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that are compiled from a policy's `code`: what goes into one, and
 * where it is kept.
 *
 * An object is named by the digest of everything that determines it: the form
 * and the text, the files of ROOT/lib/schedkit/bpf, the compiler, and the
 * builder's rules.  Beside it lies its own digest, so that one that was damaged
 * is not taken for it.
 */
#ifndef SCHEDKIT_POLICY_BUILT_H
#define SCHEDKIT_POLICY_BUILT_H

#include <stdbool.h>

#include "crypt/digest.h"
#include "doc/json.h"

/* Names below path_lib("bpf") that a compilation reads; NULL-terminated. */
extern const char *const built_files[];

/* A policy whose object is compiled: "hooks", and "source" with its text. */
bool built_wanted(const struct json *body);

/* The whole path of the compiler, the caller's; NULL with a message that names
 * the way out.  BPF_CLANG in the environment, clang-16 … clang-21, clang. */
char *built_compiler(void);

/* -ENOENT: no compiler, or a file of ours is missing. */
int built_key(const struct json *body, char out[static DIGEST_HEX_LEN]);

/* Where the object and its digest are, or would be; the caller's. */
char *built_object(const char *key);
char *built_digest(const char *key);

/* The object is there and is what was built.  -ENOENT: it is not there;
 * -ESTALE: it is damaged. */
int built_check(const char *key, char digest[static DIGEST_HEX_LEN]);

#endif
