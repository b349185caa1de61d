/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy of the form "knobs" around one command: set before the command is
 * executed, inherited by what it starts, followed by name as it goes, undone
 * at its end.  For a process that has no other children.
 */
#ifndef SCHEDKIT_TARGET_KNOB_RUN_H
#define SCHEDKIT_TARGET_KNOB_RUN_H

#include <sys/types.h>

#include "doc/json.h"

struct knob_run;

/* Makes the cgroups that the rules need.  -EINVAL: rules that knobs_read()
 * refuses; else as knob_groups_make(). */
int knob_run_open(const struct json *body, struct knob_run **out);

/*
 * pid, a child that will execute `command` next, gets what the first rule
 * says that matches that name.  -EPERM, -ENOTSUP as attr_set().
 */
int knob_run_take(struct knob_run *k, pid_t pid, const char *command);

/*
 * Ends what is left of the command and undoes everything.  Other than 0: a
 * rule could not be set on some task.
 */
int knob_run_end(struct knob_run *k);

/* {"rules":[{"match":"cc1","tasks":12}]}: on how many tasks each was set. */
struct json *knob_run_report(const struct knob_run *k);

void knob_run_free(struct knob_run *k); /* NULL is fine */

#endif
