/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A string as RFC 8785 writes it.  Knows of no JSON library: who must not read
 * any JSON may still write some. */
#ifndef SCHEDKIT_DOC_QUOTE_H
#define SCHEDKIT_DOC_QUOTE_H

#include "base/buf.h"

/* Adds s, in its quotation marks. */
void quote_add(struct buf *b, const char *s);

#endif
