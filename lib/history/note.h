/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Git notes: note_begin(); for each document note_append() per object and
 * note_commit(); note_move() at the end; note_release().
 */
#ifndef SCHEDKIT_HISTORY_NOTE_H
#define SCHEDKIT_HISTORY_NOTE_H

#include "history/repo.h"

#define NOTE_OBJECTS  2
#define NOTE_PATH_LEN (GIT_OID_HEXSZ + 2)

struct notes {
	const struct history *h;
	git_oid at;	    /* of the reference at the beginning */
	git_commit *commit; /* the last one; NULL: there are no notes */
	git_tree *tree;	    /* of commit */
	struct {
		char path[NOTE_PATH_LEN];
		git_oid blob;
	} changed[NOTE_OBJECTS];
	size_t n;
	bool moved; /* commit is not where the reference is */
};

int note_begin(const struct history *h, struct notes *n);
/* One of the lines of text is this one. */
bool note_has_line(const struct buf *text, const char *line, size_t len);
/* The note of an object, "" when there is none; path: where it is, or goes. */
int note_find(const struct notes *n, const git_oid *object,
	      char path[static NOTE_PATH_LEN], struct buf *old);
/*
 * Adds text to the note of an object unless it is in there already, or the note
 * is as long as one may be; at most NOTE_OBJECTS different objects before each
 * note_commit().
 */
int note_append(struct notes *n, const git_oid *object, const char *text);
int note_commit(struct notes *n, time_t when);
/* Once all is synced: as ref_move(). */
int note_move(const struct notes *n);
void note_release(struct notes *n);

#endif
