/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Annotated tags of git on the commits of documents.  git(1) itself makes and
 * verifies them, with the key and the format that its configuration names
 * (gpg.format, user.signingkey).
 */
#ifndef SCHEDKIT_HISTORY_TAG_H
#define SCHEDKIT_HISTORY_TAG_H

#include "history/history.h"

/* message NULL: the words of the document.  -EINVAL: no name for a tag;
 * -EEXIST: it is taken; -EIO: git could not make it, and said why. */
int tag_make(struct history *h, const char *name, const struct doc *d,
	     const char *message, bool sign);
/* -EKEYREJECTED: it has no signature, or not a good one. */
int tag_verify(struct history *h, const char *name);

#endif
