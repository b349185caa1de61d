/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines that were typed at the prompt: a file of the user's own, mode 0600,
 * oldest first, each line once, of several prompts at a time.  A line is on
 * the disk when past_add() returns.
 */
#ifndef SCHEDKIT_REPL_PAST_H
#define SCHEDKIT_REPL_PAST_H

#include "base/strs.h"

#define PAST_LINES	2000
#define PAST_LINE_BYTES 4096
#define PAST_FILE_BYTES (16u << 20)

/* A file that is not there has no lines. */
int past_read(const char *path, struct strs *out);

/*
 * Moves the line to the end, or adds it; the oldest of too many go.  Lines that
 * are empty, begin with a blank, have line ends in them or more than
 * PAST_LINE_BYTES are not kept.
 */
int past_add(const char *path, const char *line);

#endif
