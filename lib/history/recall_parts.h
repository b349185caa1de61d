/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of notes, and the copy of it on the disk. */
#ifndef SCHEDKIT_HISTORY_RECALL_PARTS_H
#define SCHEDKIT_HISTORY_RECALL_PARTS_H

#include "doc/ids.h"
#include "history/recall.h"
#include "history/repo.h"
#include "search/words.h"

struct recall {
	struct history *h;
	git_oid head; /* all up to there was taken in */
	struct recall_note *notes;
	struct json **kept; /* what each lends from */
	size_t count, cap;
	size_t unsaved; /* of them, not in the copy */
	struct ids ids;
	struct word_index *index;
};

/* Takes kept; false: the note is there already. */
bool recall_take(struct recall *r, const char *id, struct json *kept);

/* Sets head and takes in what the copy has; nothing when there is none, or it
 * is of no use. */
void recall_load(struct recall *r);
/* Writes it anew when that pays.  That it cannot is no error: it is a copy. */
void recall_save(struct recall *r);

#endif
