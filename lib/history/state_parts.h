/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the states share. */
#ifndef SCHEDKIT_HISTORY_STATE_PARTS_H
#define SCHEDKIT_HISTORY_STATE_PARTS_H

#include "base/strs.h"
#include "history/recall.h"
#include "history/state.h"

/* A policy in its place. */
struct placed {
	char policy[DOC_ID_LEN];
	time_t since;
	bool forced;
};

/* What the notes make of a workload. */
struct places {
	char *workload;
	char last[DOC_ID_LEN];		  /* note; "": none */
	struct placed in[STATE_PREVIOUS]; /* policy "": nobody */
	struct placed *before;		  /* trusted ones, the latest last */
	size_t befores;
	struct placed *row; /* see history_placed() */
	size_t rows;
	bool trusted;		 /* one was, ever: they are such alone */
	struct strs were_canary; /* ids */
};

struct board {
	struct places *v;
	size_t n;
};

/* All steps of all workloads, or of one, played. */
int board_make(struct history *h, const char *workload, struct board *out);
void board_release(struct board *b);
/* NULL: nothing was ever said of this workload. */
struct places *board_find(const struct board *b, const char *workload);
/* The place of a policy; STATE_COUNT: in none. */
enum state places_of(const struct places *p, const char *policy);
/* Who is in a state; NULL: nobody. */
const struct placed *places_in(const struct places *p, enum state s);

#endif
