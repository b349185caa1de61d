/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that sets knobs on this host, as its asker sees it: a program of
 * its own, that gets numbers and names and undoes everything when its asker
 * dies.  If it dies itself another one undoes what it did.
 */
#ifndef SCHEDKIT_AGENTS_ATTACHER_SETTER_H
#define SCHEDKIT_AGENTS_ATTACHER_SETTER_H

#include "base/answer.h"
#include "base/child.h"
#include "base/strs.h"
#include "doc/json.h"
#include "knob/request.h"
#include "knob/tune.h"

struct setter {
	struct child child;
	struct answers answers;
	bool held, done;
	bool answered; /* the last tuning; refused: other than as asked */
	int refused;
	int rc; /* what it could not do, and why */
	char *why;
	struct strs plan;
	struct strs left; /* changed by others, and left as it is */
	size_t tasks, groups, gone;
	size_t rules; /* how many of these are told; 0: it was killed */
	size_t rule_tasks[KNOBS_MAX_RULES];
};

/*
 * Starts it and waits until the knobs are set, or planned.  On an error
 * nothing is set; setter_release() in any case.
 */
int setter_start(struct setter *s, const struct knob_request *r);

/*
 * Of one that was started with KNOB_TUNE: sets a cgroup, as knob_tune_look()
 * and knob_tune_set() have it.  -EPIPE: the process is gone.
 */
int setter_tune(struct setter *s, const struct knob_tune *t);

/* Whether it still lives; waits for its end at most that long. */
bool setter_alive(struct setter *s, int wait_ms);

/* Has everything set back.  Other than 0: something could not be. */
int setter_end(struct setter *s);

/* Undoes what a dead one left; nothing is no error. */
int setter_clear(struct setter *s);

/*
 * What is in force of what was set and not yet undone, as the kernel tells:
 * {"tasks":…,"groups":…,"gone":…,"left":[…]}, the caller's; NULL: nothing was.
 * roots: of what root has set, for another user.
 */
struct json *setter_in_force(bool roots);

void setter_release(struct setter *s);

#endif
