/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page of the manual says of one thing: a key, a parameter, a variable,
 * an option, a status. */
#ifndef SCHEDKIT_TERM_MDOC_FIND_H
#define SCHEDKIT_TERM_MDOC_FIND_H

#include "base/buf.h"

/*
 * Adds, as text, the items of lists that are about the word: those whose first
 * line names it ("--count" for an option).  Returns how many there are.
 */
size_t mdoc_items(struct buf *out, const char *source, const char *word);

/* Lines of a text that have the words in them, in capitals or not. */
size_t mdoc_mentions(const char *text, const char *words);

#endif
