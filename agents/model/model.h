/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A language model, reached through libexec/schedkit/ask-model: that process
 * has the network and the keys, this one has neither.
 *
 * Lines of JSON.  Up, once it is ready:
 *   {"name","backend","endpoints":[{"name","backend","model","slots","order",
 *    "requests_min","tokens_in_min","tokens_out_min","resume"}]}
 * Then down:
 *   {"role","system","messages","tools","schema","max_tokens"}
 * and up, for each:
 *   {"text","value","calls","finish","usage":{"in","cached","out"},
 *    "estimated","cost_usd","seconds","attempts","model","endpoint",
 *    "first_token_s","limits":{…}}
 * or the same with {"error":{"errno":NAME,"text":…},"again":bool,"after_s":S},
 * which may stand alone.  finish is "stop", "length", "calls" or "refused";
 * cost_usd is null where no price is known; estimated: nobody told the usage;
 * limits are what the endpoint said of its rate limits (rt_outcome_read()).
 * Shutting the way down while a call is under way cancels it.  One without an
 * id holds up the lines behind it until it is answered.
 *
 * A request with an "id" (a number) may be sent while others are under way,
 * and its answer, in any order, has that id.  It may also have
 *   "endpoint": the name of the one to ask; else the first that is well
 *   "attempts": at most so many (1: whoever asks tries again elsewhere)
 *   "progress_tokens": {"id","progress":{"tokens_out":N}} comes up after each
 *       so many tokens of a stream
 *   "resume": what {"id","suspended":{…},"usage":{…}} gave: go on from there
 *       (the rest of the request is the same), the answer is the whole one
 * Its usage, cost_usd, seconds and attempts, and those of "suspended", are of
 * all slices so far; "slices" and, of these, "restarts" (begun anew, since
 * there was no way to go on) are in both once there is more than one.
 * and down also go {"cancel":ID} (answered by an error ECANCELED with the
 * usage so far) and {"suspend":ID} (answered by "suspended", or by the answer
 * if that was quicker).  "resume" of an endpoint is the best of "slot" (its
 * state is saved and restored), "continue" (the assistant's turn goes on),
 * "turn" (a new turn that goes on exactly), "none".
 */
#ifndef SCHEDKIT_AGENTS_MODEL_MODEL_H
#define SCHEDKIT_AGENTS_MODEL_MODEL_H

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "doc/json.h"

struct model;

struct model_opts {
	const char *backend; /* "openai", "anthropic", "command:CMD", …; NULL:
				what SCHED_LLM says */
	const char *name;    /* of the model; NULL: the environment's */
	const char *record;  /* see lib/llm/llm.h; NULL */
	const char *budget;  /* "tokens=…,usd=…"; NULL: no limit */
	const char *run;     /* names this run in the ledger */
	bool stream;
	const volatile sig_atomic_t *cancel;
};

/*
 * Starts ask-model and takes the keys out of this process's environment.
 * To be called before sandbox_enter().  Errors as llm_open().
 */
int model_open(const struct model_opts *o, struct model **out);
void model_close(struct model *m);
const char *model_name(const struct model *m); /* as llm_name() */

struct model_request {
	const char *role, *system;
	const struct json *messages, *tools, *schema;
	long max_tokens;
};

/*
 * *answer: the object above, the caller's; also set when the call failed and
 * was billed.  Errors as llm_take(); -EPIPE: ask-model died.
 */
int model_ask(struct model *m, const struct model_request *r,
	      struct json **answer);

/*
 * A model that this process has no ask-model for: carry() takes a question to
 * one and gives the answer (its "error" included) back.
 */
typedef int model_carrier(void *arg, const struct json *question,
			  struct json **answer);
struct model *model_through(const char *name, model_carrier *carry, void *arg);

/* ---- many questions at once ------------------------------------------- */

/* The array of the first line; one slot of an endpoint of the model's name
 * where it says nothing.  Lent. */
const struct json *model_endpoints(const struct model *m);

/* To be polled: for POLLIN, and where it has something left to write for
 * POLLOUT. */
int model_fd(const struct model *m);
bool model_has_left(const struct model *m);
/* A line down, which it takes; never waits. */
int model_send(struct model *m, struct json *line);
/* A line up: 1 and *line (the caller's), or 0: none yet; never waits.  -EPIPE:
 * ask-model died. */
int model_receive(struct model *m, struct json **line);
/* Cancels all that is under way; nothing can be asked any more. */
void model_stop(struct model *m);
/* The message of its "error" as ours; 0: it has none. */
int model_error(const struct json *answer);

/* A backend, or what SCHED_LLM says, is a language model; NULL, "": none. */
static inline bool model_is_named(const char *backend)
{
	return backend && *backend && strcmp(backend, "builtin") &&
	       strcmp(backend, "rules");
}

#endif
