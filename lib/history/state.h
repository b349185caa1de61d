/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which policy is in which state for a workload: candidate -> canary ->
 * trusted, one policy in each.
 *
 * Every step is a note; the references
 *     refs/schedkit/state/STATE/WORKLOAD
 * say the same to git, and are made from the notes.
 */
#ifndef SCHEDKIT_HISTORY_STATE_H
#define SCHEDKIT_HISTORY_STATE_H

#include <sys/types.h>

#include "history/history.h"

#define STATE_REFS "refs/schedkit/state/"

enum state {
	STATE_CANDIDATE,
	STATE_CANARY,
	STATE_TRUSTED,
	STATE_PREVIOUS, /* was trusted before that one: where demote returns */
	STATE_COUNT,
};

/* "candidate"; -1: there is none of that name that one can promote to. */
extern const char *const state_names[STATE_COUNT];
int state_of(const char *name);

struct history_state {
	char *workload;
	enum state state;
	char policy[DOC_ID_LEN];
	time_t since;
	bool forced;
};

/* By workload, trusted first; workload NULL: of all.  To be freed by
 * history_states_free(). */
int history_states(struct history *h, const char *workload,
		   struct history_state **out, size_t *n);
void history_states_free(struct history_state *s, size_t n);

/*
 * The steps of a workload that made a policy trusted or, where there is none
 * of that, canary: policies in the order in which they were in place, each
 * once in a row.  To be freed; *n of them.
 */
int history_placed(struct history *h, const char *workload,
		   char (**out)[DOC_ID_LEN], size_t *n);

struct history_step {
	const char *policy;   /* id; demote: NULL: the trusted one */
	const char *workload; /* NULL: the only one it was judged for */
	const char *why;      /* NULL */
	bool force;	      /* without the evidence; the note says so */
};

/*
 * One step upwards.  -EPERM: it lacks the evidence: a candidate needs that the
 * latest verdict on it for the workload accepts it, a canary that it is the
 * candidate, a trusted one that it is or was the canary.  -EINVAL: no
 * workload.  1: it is in that state already.  *note: the caller's.
 */
int history_promote(struct history *h, enum state to,
		    const struct history_step *step, struct doc **note);
/* Takes a policy out of its state; the trusted one before returns.  -ENOENT: it
 * is in none. */
int history_demote(struct history *h, const struct history_step *step,
		   struct doc **note);

/* Makes the references what the notes say. */
int states_publish(struct history *h);

#endif
