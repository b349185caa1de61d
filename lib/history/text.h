/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for commits and files of the history.  Whatever comes out of documents
 * is data: it gets neither control characters nor line breaks through, so it
 * can fake no trailer and no terminal command.  Always UTF-8, whatever the
 * locale: equal documents give equal commits.
 */
#ifndef SCHEDKIT_HISTORY_TEXT_H
#define SCHEDKIT_HISTORY_TEXT_H

#include "base/buf.h"
#include "doc/json.h"

/* Adds s on one line, at most max characters of it. */
void text_line(struct buf *out, const char *s, size_t max);

/* Adds s in lines of at most 72 characters and a line break at the end. */
void text_wrap(struct buf *out, const char *s);

/* v as indented JSON with a line break at the end; to be freed. */
char *text_json(const struct json *v);

#endif
