/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Language models: one question, one answer, whoever gives it.
 *
 * This room is the only user of libcurl and is linked into one program,
 * libexec/schedkit/ask-model, which has the network and what a model wrote and
 * no privilege.  Everything else talks to that program (agents/model.h).
 *
 * An address of an endpoint comes from SCHED_LLM:
 *   [BACKEND:]URL[#MODEL]   e.g. http://127.0.0.1:8080/v1#qwen3,
 *                                openai:https://api.openai.com/v1#gpt-5
 *   command:CMD, replay:FILE
 * Keys come from SCHED_LLM_KEY or the file that SCHED_LLM_KEY_FILE names, else,
 * for the vendors' own hosts only, from OPENAI_API_KEY or ANTHROPIC_API_KEY
 * (or …_FILE).
 */
#ifndef SCHEDKIT_LLM_LLM_H
#define SCHEDKIT_LLM_LLM_H

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
/* "openai", "anthropic", "command", "replay". */
const char *llm_backend(const struct llm *l);

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

struct llm_answer {
	char *text;
	struct json *value; /* valid against schema; NULL without one */
	struct json *calls; /* array as above; empty: none */
	enum llm_finish finish;
	struct llm_usage usage; /* of all attempts and the repair turn */
	double cost_usd;	/* below 0: no price is known */
	double seconds;
	long attempts;
	char *model;	/* as the endpoint names it */
	bool estimated; /* nobody told the usage: it is bytes / 4 */
};

/*
 * Asks, with retries, down the ladder of structured output (strict schema,
 * tool, JSON mode, extraction), always validated here, with one repair turn.
 *
 * -EDQUOT: a limit of the ledger is reached, nothing was sent (-ENODATA: it is
 * one on money, and no price is known); -EAGAIN: rate limited, overloaded or
 * down, later may do; -ETIMEDOUT; -EINTR: cancelled; -EACCES: the key is
 * refused or the account is empty; -EBADMSG: the answer is none (truncated,
 * not what the schema says, refused); -EMSGSIZE: an answer over max_bytes;
 * -EINVAL: the endpoint refuses the request; -EIO: a program failed; -ENOENT:
 * there is no such program, or no such request in a recording.
 */
int llm_ask(struct llm *l, const struct llm_request *r, struct llm_answer *out);
void llm_answer_release(struct llm_answer *a);

#endif
