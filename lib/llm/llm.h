/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Language models: one question, one answer, whoever gives it.
 *
 * This room is the only user of libcurl and is linked into one program,
 * libexec/schedkit/ask-model, which has the network and what a model wrote and
 * no privilege.  Everything else talks to that program (agents/model/model.h).
 *
 * Addresses of endpoints come from SCHED_LLM, separated by white space, the
 * first the one that is asked before the others:
 *   [BACKEND:]URL[#MODEL][;OPTION…]
 *                           e.g. http://127.0.0.1:8080/v1#qwen3;slots=4,
 *                                openai:https://api.openai.com/v1#gpt-5
 *   command:CMD, replay:FILE     the last one, since all that follows is its
 * Options are slots=N, key=VARIABLE, rpm=N, itpm=N, otpm=N, name=NAME and
 * resume=slot|continue|turn|none.  The key is that of the variable (or of the
 * file that VARIABLE_FILE names), else SCHED_LLM_KEY (or …_FILE) where there is
 * one address only, else, for the vendors' own hosts only, OPENAI_API_KEY or
 * ANTHROPIC_API_KEY (or …_FILE).
 */
#ifndef SCHEDKIT_LLM_LLM_H
#define SCHEDKIT_LLM_LLM_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

struct llm;
struct ledger;

/* Separate clocks of one attempt; 0: the default of llm.c. */
struct llm_limits {
	double connect_s;    /* 10 */
	double first_byte_s; /* 120 */
	double idle_s;	     /* 60, between two bytes */
	double total_s;	     /* 600, of a call with all its attempts */
	long attempts;	     /* 4 */
	double retry_s;	     /* 120, of all waiting before a retry */
	size_t max_bytes;    /* 4 MiB of one answer, headers and all */
};

struct llm_opts {
	/* "openai", "anthropic", "command:CMD", "replay:FILE"; NULL: what
	 * SCHED_LLM says. */
	const char *backend;
	const char *model;  /* NULL: SCHED_LLM's, SCHED_LLM_MODEL, a default */
	const char *record; /* every exchange, redacted, goes here; NULL */
	bool stream;
	struct llm_limits limits;
	struct ledger *ledger; /* budgets and accounts; NULL: none */
	const volatile sig_atomic_t *cancel;
};

/*
 * Reads addresses and keys and, for `command`, starts what will run it: all
 * that has to be done before the process gives up its rights.  -EINVAL: an
 * address or backend that is none; -ENOKEY: no key; -EACCES: a key file that
 * others may read.
 */
int llm_open(const struct llm_opts *o, struct llm **out);
void llm_close(struct llm *l);
/* "openai gpt-5 at api.openai.com": for people, without secrets. */
const char *llm_name(const struct llm *l);
/* "openai", "anthropic", "command", "replay": that of the first. */
const char *llm_backend(const struct llm *l);

/* How a suspended answer can go on, the best that an endpoint has. */
enum llm_resume {
	LLM_RESUME_NONE,     /* anew, from its beginning */
	LLM_RESUME_TURN,     /* a new turn that is asked to go on exactly */
	LLM_RESUME_CONTINUE, /* the assistant's own turn goes on */
	LLM_RESUME_SLOT,     /* so, with its state saved and restored */
};

extern const char *const llm_resume_names[];

struct llm_endpoint {
	const char *name, *backend;
	const char *model; /* NULL: not known yet */
	size_t order;	   /* of being asked, from 0 */
	long slots;
	/* A minute, 0: not told. */
	long requests_min, tokens_in_min, tokens_out_min;
	enum llm_resume resume;
};

size_t llm_endpoints(const struct llm *l);
struct llm_endpoint llm_endpoint(const struct llm *l, size_t i);

/*
 * One form for all dialects.  messages is an array of
 *   {"role":"user","text":…}
 *   {"role":"assistant","text":…,"calls":[{"id","name","arguments":{…}}]}
 *   {"role":"tool","results":[{"id","name","text","error":bool}]}
 * and tools an array of {"name","description","parameters":JSON schema}.
 * What does not change from call to call stands first (system, tools, the
 * oldest messages), so that prompt caches hit.
 */
struct llm_request {
	const char *role; /* who asks: "planner", for the accounts */
	const char *system;
	const struct json *messages;
	const struct json *tools;  /* NULL: none */
	const struct json *schema; /* of the answer; NULL: free text */
	long max_tokens;
};

struct llm_usage {
	long in, cached, out; /* tokens; cached is part of in */
};

enum llm_finish {
	LLM_STOP,    /* it had said all */
	LLM_LENGTH,  /* max_tokens reached */
	LLM_CALLS,   /* it wants tools called */
	LLM_REFUSED, /* refusal, content filter */
};

/* What an endpoint said of its rate limits; below 0: nothing. */
struct llm_told {
	double requests_limit, requests_left, requests_reset_s;
	double in_limit, in_left, in_reset_s;	 /* input tokens a minute */
	double out_limit, out_left, out_reset_s; /* output tokens */
};

struct llm_answer {
	char *text;
	struct json *value; /* valid against schema; NULL without one */
	struct json *calls; /* array as above; empty: none */
	enum llm_finish finish;
	struct llm_usage usage; /* of all attempts and the repair turn */
	double cost_usd;	/* below 0: no price is known */
	double seconds;
	long attempts;
	char *model;	      /* as the endpoint names it */
	bool estimated;	      /* nobody told the usage: it is bytes / 4 */
	char *endpoint;	      /* that answered, or failed the last */
	double first_token_s; /* of the last attempt; below 0: not known */
	struct llm_told told;
	/* Of an error: another attempt may do better, but not sooner. */
	bool again;
	double after_s;		/* 0: nothing is said */
	struct json *suspended; /* it is not whole: what llm_start() resumes */
	long slices, restarts;	/* of these, begun anew */
};

void llm_answer_release(struct llm_answer *a);

/* ---- calls, many at once ---------------------------------------------- */

struct llm_call;

struct llm_call_opts {
	const char *endpoint; /* NULL: the first, and after it the others */
	long attempts;	      /* at most; 0: the limit of llm_open() */
	/* llm_answer.suspended of a call with the same request. */
	const struct json *resume;
};

/*
 * Begins a call: with retries, down the ladder of structured output (strict
 * schema, tool, JSON mode, extraction), always validated here, with one repair
 * turn.  The request is lent until llm_take().  -ENOENT: there is no such
 * endpoint; -EINVAL: what is to be resumed belongs to another request;
 * -ENOTSUP: the schema has a word that cannot be validated.
 */
int llm_start(struct llm *l, const struct llm_request *r,
	      const struct llm_call_opts *o, struct llm_call **out);
/*
 * Moves all calls on, waiting at most so many seconds for something to happen,
 * to them or to fds.  A program or a recording is asked within, one at a step.
 * Returns how many calls are not done.
 */
size_t llm_step(struct llm *l, double seconds, struct pollfd *fds, size_t n);
bool llm_done(const struct llm_call *c);
/* Output tokens so far, as far as can be seen. */
long llm_tokens(const struct llm_call *c);
/* It ends with -ECANCELED at the next step, if it has not ended before. */
void llm_cancel(struct llm_call *c);
/* The same, with 0 and out->suspended; but of a slice that begins where one
 * has lost what it had (a call of a tool, half said) the end is awaited. */
void llm_suspend(struct llm_call *c);
/*
 * The result of a call, which is over with that; one that is not done is
 * cancelled.
 *
 * -EDQUOT: a limit of the ledger is reached, nothing was sent (-ENODATA: it is
 * one on money, and no price is known); -EAGAIN: rate limited, overloaded or
 * down, later may do; -ETIMEDOUT; -EINTR: all are cancelled; -ECANCELED: this
 * one is; -EACCES: the key is refused or the account is empty; -EBADMSG: the
 * answer is none (truncated, not what the schema says, refused); -EMSGSIZE: an
 * answer over max_bytes; -EINVAL: the endpoint refuses the request; -EIO: a
 * program failed; -ENOENT: there is no such program, or no such request in a
 * recording.
 */
int llm_take(struct llm_call *c, struct llm_answer *out);

#endif
