/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back to how it was before: the one way, whether the deployment ends as
 * wanted, or its process died and another one comes upon the journal.
 *
 * What somebody else has changed meanwhile stays theirs.  It may be done again
 * from the beginning wherever it was cut short.
 */
#ifndef SCHEDKIT_KNOB_UNDO_H
#define SCHEDKIT_KNOB_UNDO_H

#include "base/strs.h"
#include "knob/journal.h"
#include "knob/look.h"

struct knob_count {
	size_t tasks;  /* that are as they were again; in force */
	size_t groups; /* files of cgroups, and cgroups that are gone again */
	size_t gone;   /* ended meanwhile */
	struct strs left; /* changed by others, each with what it is now */
};

void knob_count_release(struct knob_count *c);

/*
 * Undoes all that is in the journal, and what was born of its tasks since.
 * Other than 0: something could not be set back, and stays in the journal.
 */
int knob_undo(struct knob_journal *j, struct knob_count *out);

/* What is in force now, as the kernel tells. */
void knob_in_force(const struct knob_journal *j, struct knob_count *out);

/*
 * Whether t was forked by one that is in the journal, since that was set.  If
 * so *out is for knob_journal_add(): what it inherited was its parent's, and
 * before that what its parent had.
 */
bool knob_born(const struct knob_journal *j, const struct look *l,
	       const struct look_task *t, struct knob_entry *out);

#endif
