/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the loop share. */
#ifndef SCHEDKIT_AGENTS_LOOP_PARTS_H
#define SCHEDKIT_AGENTS_LOOP_PARTS_H

#include "agents/loop/loop.h"
#include "agents/program/program.h"
#include "agents/loop/state.h"

#define LOOP_BY "sched-loop"

struct loop {
	const struct loop_opts *o;
	struct loop_state state;
	struct stream *s;	   /* every document of the run */
	struct loop_round *rounds; /* of state.body's rounds, with figures */
	size_t n;
	struct loop_spent spent;
	double phase_start; /* clock_monotonic() */
	enum loop_stop stop;
	char why[LOOP_MAX_WHY];
	char place[96];
	bool deployed;
};

/* ---- read.c: what documents say ---- */

/* The profile of the run; NULL: not observed yet. */
const struct doc *loop_profile(const struct loop *l);
/* Reads l->rounds anew from the state and the stream. */
void loop_read_rounds(struct loop *l);
void loop_free_rounds(struct loop *l);
/* All there is to decide by. */
void loop_read_view(struct loop *l, struct loop_view *v);
/* Money and tokens that the notes among docs[from..] tell. */
void loop_read_cost(const struct stream *s, size_t from, double *usd,
		    double *tokens);
/* Runs on the target, and of policies in the simulator, that a stream's new
 * verdicts tell of. */
void loop_read_runs(const struct stream *s, size_t from, long *target,
		    long *simulated);

/* ---- state.c and loop.c: the state ---- */

struct json *loop_row(struct loop *l); /* of the round under way; lent */
double loop_now(void);		       /* seconds since the epoch */

/* ---- phase.c: each returns 0, or -errno with a message ---- */

int loop_observe(struct loop *l);
int loop_plan(struct loop *l, const struct loop_next *next);
/* What of the budget's rest a model may cost in the round that is planned. */
void loop_model_budget(const struct loop *l, double *usd, double *tokens);
int loop_verify(struct loop *l);
int loop_record(struct loop *l);
int loop_promote(struct loop *l, const struct loop_try *best);
/* Documents of a call that are new here: how many, or -errno. */
int loop_take(struct loop *l, const struct stream *from);
/* "--cpus" and the like of the guest. */
void loop_guest_args(const struct loop *l, struct strs *args, bool topology);

/* ---- deploy.c ---- */

int loop_deploy(struct loop *l, const struct loop_try *best);
/* What the last run of this state put in place is still there, is for what is
 * here, and young enough: 1; 0: no.  *attach: only that it is attached lacks.
 */
int loop_is_current(struct loop *l, bool *attach);

/* ---- note.c ---- */

/* The note of the run as it stands; NULL with a message. */
struct doc *loop_note(const struct loop *l, const char *status);

#endif
