/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on its way to a terminal.
 *
 * Strings that outsiders control (task names, command lines, cgroup names)
 * may hold anything; text_clean() is the only way such a string reaches a
 * terminal.  Tables and the progress line call it themselves.
 */
#ifndef SCHEDKIT_TERM_TEXT_H
#define SCHEDKIT_TERM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The locale of the environment (LC_ALL, LC_CTYPE, LANG) is a UTF-8 one. */
bool text_utf8(void);

/*
 * Adds s with everything that could act on a terminal made visible: control
 * characters as \n, \t, \xNN, bytes that are no UTF-8 as \xNN, marks that
 * change the writing direction as \u{NNNN}; where the locale is not UTF-8
 * every character beyond ASCII too.  More than columns (0: no limit) are cut
 * off, the last column then showing that something is missing.
 */
void text_clean(struct buf *out, const char *s, size_t columns);

/* Columns that s, as text_clean() makes it, takes on a terminal. */
size_t text_width(const char *s);

/* Columns of the terminal behind fd; $COLUMNS, else 80, when it is none. */
int text_columns(int fd);

#endif
