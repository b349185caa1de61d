/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an index knows of each document, kept in a file of the repository's
 * folder that git does not look at, so that a new process need not read them
 * one by one.
 *
 * A line of JSON says up to which commit it goes and the digest of the lines
 * that follow.  A copy that is torn, of another version, or of another
 * repository is left alone and written anew.
 */
#ifndef SCHEDKIT_HISTORY_COPY_H
#define SCHEDKIT_HISTORY_COPY_H

#include "doc/json.h"
#include "history/repo.h"

struct copy {
	const char *name; /* of the file */
	int version;	  /* of what the lines say */
};

/* Gives each line to take(), which owns it, and sets *head; nothing where
 * there is no copy, or it is of no use. */
void copy_load(const struct history *h, const struct copy *c, git_oid *head,
	       void (*take)(void *arg, struct json *line), void *arg);

/* False: it could not be written, which is no error: it is a copy. */
bool copy_save(const struct history *h, const struct copy *c,
	       const git_oid *head, struct json *const *lines, size_t n);

#endif
