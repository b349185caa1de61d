/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the repository is whole: git's objects, each read and what it leads
 * to, and ours: documents, their places, the policies that are in a state, and
 * the figures in git's notes, which are to be those of the verdicts.
 */
#ifndef SCHEDKIT_HISTORY_FSCK_H
#define SCHEDKIT_HISTORY_FSCK_H

#include "history/history.h"

enum fsck_level {
	FSCK_SAID,  /* worth knowing; nothing is wrong */
	FSCK_WRONG, /* something is not what it should be, and can be mended */
	FSCK_DAMAGED, /* something is lost, unless another repository has it */
};

struct fsck_result {
	size_t objects, notes, documents;
	size_t count[FSCK_DAMAGED + 1];
};

/* say() is told of each finding, with the way out; the words are lent. */
int history_fsck(struct history *h,
		 void (*say)(void *arg, enum fsck_level level,
			     const char *words),
		 void *arg, struct fsck_result *out);

#endif
