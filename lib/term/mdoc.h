/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manual page of ours as plain text, for who can start no program that would
 * show it.  Knows the macros of mdoc(7) that our pages use; what it does not
 * know is shown as it is written.
 */
#ifndef SCHEDKIT_TERM_MDOC_H
#define SCHEDKIT_TERM_MDOC_H

#include "base/buf.h"

/* source: UTF-8, with a NUL.  Added to out, filled to 78 columns. */
void mdoc_text(struct buf *out, const char *source);

/* What stands behind .Nd, "" without one; the caller's. */
char *mdoc_purpose(const char *source);

#endif
