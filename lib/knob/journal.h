/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was changed on this host for a policy of the form "knobs", and how it
 * was before: written, and on the disk, before it is changed.
 *
 * Lines, each whole only with its end mark, below one that names the boot: of
 * another boot nothing is left to be undone.  A later line on the same thing
 * replaces an earlier one.  The file is there as long as something is changed;
 * who has it open for writing holds a lock that dies with the process.
 */
#ifndef SCHEDKIT_KNOB_JOURNAL_H
#define SCHEDKIT_KNOB_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "knob/attr.h"

enum knob_kind {
	KNOB_TASK = 't',    /* a task's former attributes and ours */
	KNOB_FILE = 'f',    /* what a cgroup's file held, and ours */
	KNOB_GROUP = 'g',   /* a cgroup that we made, and where from */
	KNOB_CONTROL = 'c', /* a controller that we switched on below one */
};

struct knob_entry {
	enum knob_kind kind;
	/* a task */
	pid_t tid;
	uint64_t start; /* task_start() */
	uint64_t since; /* likewise, when it was first set: what it forks later
			   has inherited that */
	unsigned set;	/* enum knob_bits; none: it has a rule of cgroups */
	struct attr former, ours;
	struct attr prior; /* ours before that: it may still be in force */
	/* a cgroup: all the entry's own */
	char *dir;
	char *name;   /* of its file; the controller */
	char *was;    /* what it held; a group: the folder its processes had */
	char *is;     /* what we wrote */
	char *before; /* ours before that, likewise; NULL: none */
	/* Not in the file. */
	int rule;  /* that it has; -1: none */
	bool gone; /* a task that has ended */
	bool done; /* a file or a controller that was written */
};

/* Of a cgroup, with copies of all that it is told; no rule has it. */
struct knob_entry knob_entry_of(enum knob_kind kind, const char *dir,
				const char *name, const char *was,
				const char *is);

/* What a cgroup's file holds is as it was, or ours. */
bool knob_entry_holds(const struct knob_entry *e, const char *now);

struct knob_journal {
	char *path;
	int lock, fd;	/* -1: not open */
	struct buf out; /* added and not yet written */
	struct knob_entry *v;
	size_t count, cap;
	uint32_t *slots; /* tasks by their ids: an index of v and 1, or 0 */
	size_t slot_count;
	size_t dropped; /* lines that the file has and that count no more */
};

/*
 * Opens it, below the folder of path_run(), and reads what a dead process
 * left.  -EBUSY: another process has it open.
 */
int knob_journal_open(struct knob_journal *j);
/* Only reads it, or root's, whoever has it. */
int knob_journal_read(struct knob_journal *j, bool roots);
void knob_journal_close(struct knob_journal *j); /* a zeroed one is fine */

/* Takes e.  In the file with knob_journal_sync(). */
struct knob_entry *knob_journal_add(struct knob_journal *j,
				    const struct knob_entry *e);
/* e, which is in it, was altered. */
void knob_journal_put(struct knob_journal *j, const struct knob_entry *e);
/* After that it is on the disk.  -ENOSPC and the like. */
int knob_journal_sync(struct knob_journal *j);
/* Forgets the tasks that are `gone`; writes the file anew when that pays. */
int knob_journal_compact(struct knob_journal *j);
/* Everything is undone: the file is gone. */
void knob_journal_end(struct knob_journal *j);

/* The task of that id and start; NULL. */
struct knob_entry *knob_journal_task(const struct knob_journal *j, pid_t tid,
				     uint64_t start);

#endif
