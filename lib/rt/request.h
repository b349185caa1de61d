/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request: one thing that an agent wants done, as a task with a resource
 * vector.  What is to be done stands in payload, which the runtime carries and
 * never reads.
 */
#ifndef SCHEDKIT_RT_REQUEST_H
#define SCHEDKIT_RT_REQUEST_H

#include "rt/vector.h"

enum rt_kind {
	RT_LLM,	    /* a question to a language model */
	RT_TOOL,    /* a program that a model or an agent runs */
	RT_MEMORY,  /* notes: add, search */
	RT_STORAGE, /* versioned files */
	RT_SIM,	    /* a climb up the ladder without a kernel */
	RT_GUEST,   /* a run in a guest */
	RT_KINDS,
};

const char *rt_kind_name(enum rt_kind k);	    /* "llm", … */
int rt_kind_read(const char *s, enum rt_kind *out); /* -EINVAL */

/* What becomes of a request when one that it waits for has failed. */
enum rt_edge {
	RT_EDGE_FAIL, /* it fails as well (the default) */
	RT_EDGE_SKIP, /* it is skipped: ended, neither done nor failed */
	RT_EDGE_RUN,  /* it runs all the same */
};

struct rt_dep {
	char *key; /* of the other request, of the same run */
	enum rt_edge on_failure;
};

/* Where it is carried out. */
enum rt_place {
	RT_WORKER, /* by a worker that can; payload is handed to it */
	RT_SELF,   /* by who submitted it, on a lease of a worker's resources:
		      the runtime says when, and where (which endpoint) */
};

#define RT_FEATURES	4
#define RT_PRIORITY_MAX 255
#define RT_NAME_MAX	128	   /* bytes of agent, run, candidate, key … */
#define RT_PAYLOAD_MAX	(4u << 20) /* bytes */
#define RT_DEPS_MAX	256
#define RT_ATTEMPTS_MAX 100

/* All strings are the request's own; "" where there is none, never NULL once
 * rt_request_init() was called. */
struct rt_request {
	enum rt_kind kind;
	enum rt_place place;
	char *agent; /* "sched-synth/coder" */
	char *run;   /* the program run that it belongs to: unit of fairness */
	char *candidate; /* within the run */
	char *key;	 /* idempotency: unique within the run; "": made up */
	char *worker;	 /* only this one; "": any */
	char **wants;	 /* capabilities, NULL-terminated; NULL: none */
	char *prefix;	 /* digest of what stands first in a prompt; "" */
	char *payload;	 /* JSON text; "" */
	char *within;	 /* key of one of the run that is under way, holds its
			    lease, and does not end before this one has: what
			    the detector of deadlocks goes by; and unless it
			    has deps, it is as urgent as that one; "" */
	long priority;	 /* 0 … RT_PRIORITY_MAX, higher is more urgent; 100 */
	double deadline; /* on the engine's clock; INFINITY: none.  Of two that
			    the policy would have alike, the earlier one goes
			    first; what ends after it is counted as late */
	struct vec need; /* from the beginning, all or nothing */
	struct vec most; /* what it may grow to; need where it is less */
	double predicted_s;	      /* the submitter's own guess; < 0: none */
	double features[RT_FEATURES]; /* for the predictor, 0: not told; for
					 llm: prompt tokens, max_tokens */
	long tokens_in, tokens_out;   /* at most, reserved in rate limits */
	long attempts;		      /* at most; 0: the default, 3 */
	bool idempotent;	      /* may be run again, or twice at once */
	bool preemptible;	      /* may be suspended and resumed */
	bool hedge;   /* a second one may be started when it is slow */
	bool expires; /* no attempt begins after the deadline: what waits
			 for one then fails with -ETIME, what waits for
			 that goes by its edges.  What was begun, or was
			 suspended, goes on */
	struct rt_dep *deps;
	size_t dep_count;
};

void rt_request_init(struct rt_request *q);
void rt_request_release(struct rt_request *q);
void rt_request_copy(struct rt_request *to, const struct rt_request *from);
/* To begin it again could do twice what it does besides giving a result. */
bool rt_request_once(const struct rt_request *q);
/* Memory that it takes, about. */
size_t rt_request_bytes(const struct rt_request *q);

/*
 * {"kind","agent","run","candidate","key","worker","wants":[…],"prefix",
 *  "payload":any JSON,"priority","deadline_s" (from now),"expires",
 *  "need":{…},"most":{…},"predicted_s","features":[…],"tokens_in",
 *  "tokens_out","attempts","idempotent","preemptible","hedge","place":"self"|"worker",
 *  "within","after":[KEY or {"key","on_failure":"fail"|"skip"|"run"}]}
 * now is what deadline_s counts from.  -EINVAL names the field, an unknown
 * one too; *out then holds nothing.
 */
int rt_request_read(const struct json *v, double now, struct rt_request *out);
struct json *rt_request_json(const struct rt_request *q, double now);

/* What doing it has used. */
struct rt_usage {
	double seconds;	     /* of holding its resources */
	double core_seconds; /* of CPU; seconds * cores where nobody measured */
	long tokens_in, tokens_cached, tokens_out;
	double cost_usd; /* 0 where no price is known */
};

void rt_usage_add(struct rt_usage *to, const struct rt_usage *x);
int rt_usage_read(const struct json *v, struct rt_usage *out);
struct json *rt_usage_json(const struct rt_usage *u);

/* What a rate-limited endpoint said about its limits; below 0: nothing. */
struct rt_limits_told {
	double requests_limit, requests_left, requests_reset_s;
	double in_limit, in_left, in_reset_s;	 /* input tokens a minute */
	double out_limit, out_left, out_reset_s; /* output tokens */
};

/* How an attempt ended. */
struct rt_outcome {
	int error;	/* 0, or -errno */
	bool again;	/* another attempt may do better */
	double after_s; /* but not sooner, the other side says; 0: nothing */
	char *text;	/* of the error, for people; may be NULL */
	char *result;	/* JSON text, carried and never read; may be NULL */
	struct rt_usage used;
	struct rt_limits_told limits;
};

void rt_outcome_init(struct rt_outcome *o);
void rt_outcome_release(struct rt_outcome *o);
void rt_outcome_copy(struct rt_outcome *to, const struct rt_outcome *from);
/* {"error":{"errno","text"},"again","after_s","result","usage":{…},
 *  "limits":{"requests_limit",…}} */
int rt_outcome_read(const struct json *v, struct rt_outcome *out);
struct json *rt_outcome_json(const struct rt_outcome *o);

#endif
