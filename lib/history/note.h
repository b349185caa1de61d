/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Git notes: note_begin(), a note_append() for each object, note_end(),
 * note_release().
 */
#ifndef SCHEDKIT_HISTORY_NOTE_H
#define SCHEDKIT_HISTORY_NOTE_H

#include "history/repo.h"

#define NOTE_OBJECTS  2
#define NOTE_PATH_LEN (GIT_OID_HEXSZ + 2)

struct notes {
	const struct history *h;
	git_commit *commit; /* what the reference points to; NULL: nothing */
	git_tree *tree;
	struct {
		char path[NOTE_PATH_LEN];
		git_oid blob;
	} changed[NOTE_OBJECTS];
	size_t n;
};

int note_begin(const struct history *h, struct notes *n);
/*
 * Adds text to the note of an object unless it is in there already; at most
 * NOTE_OBJECTS objects, each once.
 */
int note_append(struct notes *n, const git_oid *object, const char *text);
/* Commits and moves the reference: as ref_move(). */
int note_end(struct notes *n, time_t when, const char *message);
void note_release(struct notes *n);

#endif
