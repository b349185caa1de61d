/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of notes. */
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
	size_t unsaved; /* commits that the copy does not cover */
	struct ids ids;
	struct word_index *index;
};

#endif
