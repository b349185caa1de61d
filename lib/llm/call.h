/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of one struct llm.  Private to lib/llm. */
#ifndef SCHEDKIT_LLM_CALL_H
#define SCHEDKIT_LLM_CALL_H

#include "llm/ledger.h"
#include "llm/provider.h"
#include "llm/resume.h"

struct endpoint {
	struct llm_endpoint about; /* model and resume: the provider's */
	char *name;
	struct provider *provider;
	bool refused[SHAPE_COUNT]; /* by the endpoint; for good */
};

struct llm {
	struct endpoint *endpoints;
	size_t endpoint_count;
	struct transfer_loop *loop; /* NULL: none of them is asked over HTTP */
	struct ledger *ledger;
	struct recorder *recorder;
	const volatile sig_atomic_t *cancel;
	struct llm_call *first, **last;
	size_t settled; /* calls, so far */
	bool stayed;	/* in this step, for one that cannot be left alone */
};

struct llm_call {
	struct llm *l;
	struct llm_call *next;
	struct llm_request r;	 /* as it was asked for */
	struct llm_request turn; /* as it is asked now */
	struct json *messages;	 /* of the repair; NULL: it is none */
	struct endpoint *e;
	bool others; /* may be asked when this one cannot answer */
	long attempts;
	int shape; /* enum llm_shape */
	struct exchange *x;
	struct llm_answer a;	  /* of what is under way */
	struct llm_answer before; /* what else it has cost */
	bool any_before;
	struct ledger_hold hold;
	size_t settled; /* l's, when the ledger had no room */
	bool waiting;	/* for room */
	struct resume from;
	bool resumed; /* from says where to go on */
	bool cancel, suspend;
	bool done;
	int rc;
	char *words; /* of rc */
};

/* Errors as llm_start(). */
int ask_new(struct llm *l, const struct llm_request *r,
	    const struct llm_call_opts *o, struct llm_call **out);
/* What is under way is dropped. */
void ask_free(struct llm_call *c);
/* Moves it on; *wake: as provider_ops.step(). */
void ask_step(struct llm_call *c, double *wake);

#endif
