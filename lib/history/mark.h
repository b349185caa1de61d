/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes that decide something: which lessons count, and which states policies
 * are in.  A note of an agent decides nothing. */
#ifndef SCHEDKIT_HISTORY_MARK_H
#define SCHEDKIT_HISTORY_MARK_H

#include "history/recall.h"

struct marks;

void marks_free(struct marks *m); /* NULL is fine */

/* All notes up to now, kept as long as the history is open. */
int marks_notes(struct history *h, const struct recall **out);

/*
 * Records a note that is the answer to another (after: its id; NULL: to none),
 * so that words said twice are two notes.  Takes body; *out is the caller's.
 */
int mark_note(struct history *h, struct json *body, const char *about,
	      const char *after, struct doc **out);

#endif
