/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the switchboard share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_SWITCHBOARD_STATE_H
#define SCHEDKIT_AGENTS_SWITCHBOARD_STATE_H

#include <sys/types.h>

#include "agents/switchboard/switchboard.h"
#include "rt/client.h"
#include "rt/config.h"
#include "rt/wire.h"

/* A transcript is smaller, and so is a question. */
#define HAND_LINE (32u << 20)

/* What a question was billed beside the answer that counts. */
struct spent {
	double in, cached, out, cost_usd, attempts;
	bool cost_unknown;
};

struct question {
	struct question *next;
	struct seat *seat; /* who waits for it; NULL: this process, or nobody */
	struct hand_spec spec; /* whose it is; ops NULL: this process's own */
	uint64_t id;	       /* the runtime's */
	struct json *down;
	struct json *answer; /* the one that counts */
	bool answered;	     /* and it is a good one */
	struct spent spent;
	size_t calls; /* of it under way */
	bool ended;   /* for the runtime */
	int error;
	char *text;
};

/* A question that ask-model was asked, on one lease. */
struct call {
	struct call *next;
	struct question *q;
	uint64_t id, lease;
	char *endpoint, *checkpoint;
	double quantum;
	bool sent;
	bool to_cancel, to_suspend; /* it is to be told so */
};

/* A climb that waits for its lease or has it. */
struct climb {
	uint64_t id, lease; /* 0: none */
	int refused;	    /* -errno */
};

struct seat {
	struct seat *next;
	struct hand_spec spec;
	char *candidate; /* spec's */
	pid_t pid;
	struct rt_wire wire;
	struct climb climb;
	struct json *result;
	bool stopped, gone;
	double kill_at; /* when it was told to stop and does not; 0 */
};

struct switchboard {
	struct switchboard_opts o;
	struct rt_client *rt;
	struct rt_config config; /* of an engine of our own */
	struct model *through;
	struct ladder_gate gate; /* of this process's own climbs */
	struct climb climb;
	struct seat *seats;
	struct question *questions;
	struct call *calls;
	size_t endpoints;
	char *run;
	char *ours; /* what only our ask-model's endpoints can */
	long slots, asked;
	uint64_t last_call;
	int dead; /* -errno: ask-model is */
	char *death;
	bool stopping, hung_up;
	bool apart; /* no endpoint is known to be ours alone */
	bool busy;  /* there is more to be done at once */
};

/* call.c */
extern const struct rt_client_ops switchboard_ops;

/* Takes down.  seat NULL: this process asks. */
int question_new(struct switchboard *s, struct seat *seat, struct json *down,
		 struct question **out);
void question_free(struct switchboard *s, struct question *q);
/* Nobody waits for it any more; what it cost is told all the same. */
void question_orphan(struct switchboard *s, struct question *q);
/* What ask-model says. */
void calls_receive(struct switchboard *s);
/* What the runtime wants done. */
void calls_send(struct switchboard *s);
void call_free(struct switchboard *s, struct call *c);
/* Gives the answers that are there to who asked. */
void questions_finish(struct switchboard *s);

/* Asks for a core. */
int climb_begin(struct switchboard *s, struct climb *c, const char *candidate);
void climb_end(struct switchboard *s, struct climb *c);

/* switchboard.c */
void seat_put(struct seat *seat, const char *key, struct json *value);

#endif
