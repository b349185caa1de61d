/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies below llm_start(): one call in one shape.  Private to lib/llm. */
#ifndef SCHEDKIT_LLM_PROVIDER_H
#define SCHEDKIT_LLM_PROVIDER_H

#include "base/buf.h"
#include "llm/llm.h"

/* How an answer with a schema is asked for, strictest first; whatever the
 * shape, the JSON comes back as the answer's text. */
enum llm_shape {
	SHAPE_STRICT, /* the endpoint's own strict JSON schema */
	SHAPE_CALL,   /* as the arguments of the one tool it has to call */
	SHAPE_JSON,   /* JSON mode, the schema in words */
	SHAPE_PLAIN,  /* words alone: the JSON is looked for in the text */
	SHAPE_COUNT,
};

/* The tool of SHAPE_CALL; its arguments become out->text. */
#define ANSWER_TOOL "answer"

/*
 * The system prompt of r in a shape: with the schema in words where the shape
 * has no other way to tell it.  The caller's; NULL: there is none.
 */
char *shape_system(const struct llm_request *r, enum llm_shape shape);

/* Puts the default where a limit is 0. */
void limits_fill(struct llm_limits *l);

/* What so many bytes are in tokens, where nobody tells. */
long tokens_guess(size_t bytes);

/* An answer of which nothing is known yet. */
struct llm_answer answer_none(void);

/* name and model may change with the first call, when the endpoint has told
 * what model it has; resume, when it has refused. */
struct provider {
	const struct provider_ops *ops;
	char *name;  /* for people */
	char *model; /* NULL: not known yet */
	enum llm_resume resume;
};

struct resume;

/* A call; all of it is lent until it is over. */
struct ask {
	const struct llm_request *r;
	enum llm_shape shape;
	long attempts;	     /* 0: the provider's limit */
	struct resume *from; /* where to go on; NULL: at the beginning */
	struct llm_answer *out;
	/* After an attempt: whether another may be made, with out->usage so
	 * far; NULL: it may. */
	bool (*another)(void *arg);
	void *arg;
};

struct exchange;

/*
 * One call with its retries.  *out need not be initialised and is the
 * caller's to release also when the call fails: usage counts every attempt.
 * out->value stays NULL: what the text means is the caller's to find out;
 * out->cost_usd stays below 0, the ledger knows prices.  -EOPNOTSUPP: the
 * endpoint does not know this shape; nothing was billed.  Other errors as
 * llm_take().
 *
 * A provider has call(), which stays until it is over, or start(), which only
 * begins, and step(): true, it is over, with its result in *rc; else *wake may
 * become the earlier time (clock_monotonic()) at which to step again whatever
 * happens.  halt() makes one that is under way end at the next steps, with
 * what came so far in ask.from (NULL: it is not kept) and -ERESTART.
 */
struct provider_ops {
	int (*call)(struct provider *p, const struct llm_request *r,
		    enum llm_shape shape, struct llm_answer *out);
	void (*free)(struct provider *p);
	struct exchange *(*start)(struct provider *p, const struct ask *a);
	bool (*step)(struct exchange *x, double *wake, int *rc);
	void (*halt)(struct exchange *x, struct resume *keep);
	long (*tokens)(const struct exchange *x); /* out, so far */
	void (*end)(struct exchange *x);
};

struct transfer_loop;

struct http_where {
	bool anthropic;
	const char *url, *key; /* key NULL: none */
	int resume;	       /* enum llm_resume; below 0: what is likely */
	long slots;
};

/* Each owns what it returns until ops->free; loop is lent until then. */
int http_provider_new(const struct http_where *w, const struct llm_opts *o,
		      struct transfer_loop *loop, struct provider **out);
int command_provider_new(const char *command, const struct llm_opts *o,
			 struct provider **out);
int replay_provider_new(const char *file, const struct llm_opts *o,
			struct provider **out);

#endif
