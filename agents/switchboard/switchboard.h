/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the questions of many processes come together.
 *
 * Each draft is developed by a child of this process, a hand.  It has neither
 * the model's nor the runtime's connection, only a socket to its parent, over
 * which it asks.  The parent puts each question before the runtime, sends it
 * to ask-model when and where the runtime says, and hands the answer back.
 *
 * Lines of JSON.  Up from a hand:
 *   {"ask":QUESTION}     as down to ask-model; {"answer":…} comes back
 *   {"enter":MARK}       before a climb; {"go":true} comes back once there is
 *                        a core for it, or {"stop":WHY}: it has no use
 *   {"leave":true}       after it
 *   {"say":WORDS}        for people
 *   {"result":{…}}       the last
 */
#ifndef SCHEDKIT_AGENTS_SWITCHBOARD_SWITCHBOARD_H
#define SCHEDKIT_AGENTS_SWITCHBOARD_SWITCHBOARD_H

#include <signal.h>

#include "agents/program/ladder.h"
#include "agents/model/model.h"

struct switchboard;
struct hand;

struct switchboard_opts {
	struct model *model; /* lent */
	const char *agent, *run;
	bool stream; /* answers come in pieces */
	const volatile sig_atomic_t *cancel;
};

/* Before the sandbox: it looks for a runtime that is shared. */
int switchboard_open(const struct switchboard_opts *o,
		     struct switchboard **out);
/* Ends the hands that are left. */
void switchboard_close(struct switchboard *s);

/* Questions that the endpoints answer at once. */
long switchboard_slots(const struct switchboard *s);
/* The model, asked through the runtime by this process; lent. */
struct model *switchboard_model(const struct switchboard *s);
/* For climbs of this process's own; lent. */
const struct ladder_gate *switchboard_gate(const struct switchboard *s);

/* ---- the parent -------------------------------------------------------- */

struct hand_ops { /* from within switchboard_step(); i: of the hand */
	/* Why its climb has no use, or NULL. */
	const char *(*enter)(void *arg, size_t i, const char *mark);
	void (*say)(void *arg, size_t i, const char *words);
	/* Something was asked for it and paid; it may be gone. */
	void (*answered)(void *arg, size_t i, const char *role,
			 const struct json *answer);
	/* It has ended.  NULL: without a result; err_text() says how. */
	void (*ended)(void *arg, size_t i, const struct json *result);
};

/* What a hand does; its result, which is the parent's. */
typedef struct json *hand_work(void *arg, size_t i, struct hand *h);

struct hand_spec {
	const struct hand_ops *ops;
	void *arg;
	size_t i;
	const char *candidate; /* in the runtime; copied */
	hand_work *work;
};

int switchboard_begin(struct switchboard *s, const struct hand_spec *spec);
size_t switchboard_hands(const struct switchboard *s); /* that work */
/* Its questions are cancelled; it says what it has. */
void switchboard_stop(struct switchboard *s, size_t i);
/* Waits until something happens.  Once *cancel is set all are stopped. */
int switchboard_step(struct switchboard *s);
/* With no hand left: waits, not for long, for what cancelled questions cost. */
void switchboard_settle(struct switchboard *s);

/* ---- in a hand --------------------------------------------------------- */

model_carrier hand_ask; /* arg: the hand */
void hand_say(void *hand, const char *words);
/* For a climb. */
struct ladder_gate hand_gate(struct hand *h);

#endif
