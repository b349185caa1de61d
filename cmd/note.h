/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program has to say: a document for programs, a line for people. */
#ifndef SCHEDKIT_CMD_NOTE_H
#define SCHEDKIT_CMD_NOTE_H

#include "cmd/cli.h"
#include "doc/json.h"

/* Prints a note of this body, which it takes; CLI_YES, or the status of a
 * failure. */
int note_put(const struct opt_tool *tool, struct json *body);

/* Prints a line that words of outsiders may be in. */
void note_line(const char *s);

#endif
