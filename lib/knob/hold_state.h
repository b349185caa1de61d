/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of knob/hold.h share. */
#ifndef SCHEDKIT_KNOB_HOLD_STATE_H
#define SCHEDKIT_KNOB_HOLD_STATE_H

#include "base/exec_id.h"
#include "knob/hold.h"
#include "knob/look.h"

/* What of a rule is a task's own. */
#define KNOB_OWN (KNOB_NICE | KNOB_POLICY | KNOB_SLICE | KNOB_CPUS)

/* A change to be made. */
struct knob_todo {
	struct knob_entry e; /* with what is to be */
	struct attr now;
	pid_t pid;
	char *into; /* the folder of a cgroup, for its process; NULL: none */
};

/* A cgroup of ours for the processes that a rule is for and that came from
 * `home`. */
struct knob_made {
	int rule;
	char *home, *dir;
	bool is_there;
};

struct knob_hold {
	struct knobs knobs;
	struct knob_scope scope;
	struct knob_journal *j;
	struct look now;
	struct knob_todo *todo;
	size_t todo_count, todo_cap;
	struct strs lacks; /* why it cannot be */
	bool looked;	   /* what comes from now on came later */
	char *missed;	   /* of that the first that it could not be for */
	size_t tasks[KNOBS_MAX_RULES];
	uint64_t cpus[KNOBS_CPU_WORDS]; /* that there are */
	struct exec_ids ids;		/* of the process that is looked at */
	char before[TASK_NAME]; /* the name of what will be the command */
	bool may_nice;		/* CAP_SYS_NICE */
	/* hold_groups.c */
	char *root;		    /* of the cgroups; NULL: not needed */
	char *cgroup;		    /* of the scope */
	struct knob_entry files[3]; /* of it, to be written */
	size_t file_count;
	struct knob_made *made;
	size_t made_count;
};

/* Adds to lacks what keeps this process from a change, or from undoing it. */
void knob_may_set(struct knob_hold *h, const struct knob_todo *t);
bool knob_may_nice(void);

/* Adds to out what it changes, for people. */
void knob_tell(const struct knob_todo *t, struct strs *out);

/* ---- cgroups ---- */

int knob_groups_open(struct knob_hold *h);
void knob_groups_close(struct knob_hold *h);
bool knob_groups_hold(const struct knob_hold *h, pid_t pid);
/* Finds out t->into for a process that had rule `from` and gets t->e.rule. */
void knob_groups_aim(struct knob_hold *h, struct knob_todo *t, int from);
/* The changes in the journal, then the changes. */
int knob_move(const struct knob_todo *t);
void knob_groups_note(struct knob_hold *h);
int knob_groups_set(struct knob_hold *h);
void knob_groups_tell(const struct knob_hold *h, struct strs *out);
/* Those that will not be made after all. */
void knob_groups_drop(struct knob_hold *h);

#endif
