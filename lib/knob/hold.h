/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy of the form "knobs" on what runs on this host already, and on what
 * that starts: set, followed by name as it goes, each change in the journal
 * before it is made.  Its end is knob_undo().
 */
#ifndef SCHEDKIT_KNOB_HOLD_H
#define SCHEDKIT_KNOB_HOLD_H

#include "base/strs.h"
#include "base/task.h"
#include "knob/journal.h"
#include "knob/share.h"
#include "policy/knobs.h"

#define KNOB_PATH_MAX 4096

enum knob_where {
	KNOB_TREE,	  /* a process and what descends from it */
	KNOB_CGROUP_TREE, /* what is in a cgroup and those below */
	KNOB_HOST,	  /* all, by their names: there is no rule for "*" */
	KNOB_SHARE,	  /* some processes of all: knob/share.h */
};

struct knob_scope {
	enum knob_where where;
	pid_t pid; /* of the tree */
	/* It is about to execute a command of this name, which ends with the
	 * deployment: nothing of it needs to be set back.  "": it is not. */
	char command[TASK_NAME];
	char cgroup[KNOB_PATH_MAX]; /* below the mount, or with it */
	struct knob_share share;
};

struct knob_hold;

/* Looks whether it could be: -EINVAL, -ENOTSUP, -ESRCH, -ENOENT name what is
 * not there.  j is lent. */
int knob_hold_open(const struct knobs *k, const struct knob_scope *s,
		   struct knob_journal *j, struct knob_hold **out);
void knob_hold_free(struct knob_hold *h); /* undoes nothing; NULL is fine */

/*
 * Sets what is not set yet, and is to be called again as long as the policy
 * lasts.  -EPERM: something cannot be set, or could not be set back; all of it
 * is named and nothing is changed; only the first look says so.  After another
 * error a part may be changed.
 */
int knob_hold_look(struct knob_hold *h);

/* Only names the changes that the next look would make. */
int knob_hold_plan(struct knob_hold *h, struct strs *changes);

/* On how many tasks a rule was set. */
size_t knob_hold_tasks(const struct knob_hold *h, size_t rule);

/* Why a task that came after the first look was left alone; NULL: none was. */
const char *knob_hold_missed(const struct knob_hold *h);

#endif
