/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The provider behind both dialects, and its exchanges.  Private to lib/llm. */
#ifndef SCHEDKIT_LLM_HTTP_H
#define SCHEDKIT_LLM_HTTP_H

#include "base/strs.h"
#include "llm/dialect.h"
#include "llm/reader.h"
#include "llm/resume.h"
#include "llm/retry.h"
#include "llm/transfer.h"

#define HTTP_SLOTS 256
/* Of saving and restoring a slot, and of asking how many there are. */
#define HTTP_ASIDE_S 10.0

struct http_provider {
	struct provider base;
	const struct dialect *d;
	struct dialect_opts known; /* of the endpoint */
	char *url, *models_url;
	char *root; /* of the paths that are not of the dialect */
	char *host;
	char *key;
	struct llm_limits limits;
	const volatile sig_atomic_t *cancel;
	struct transfer_loop *loop;
	/* Whoever finds out what all have to know; the others wait. */
	const struct exchange *asking;
	long slots; /* 0: not known */
	bool taken[HTTP_SLOTS];
};

enum http_state {
	HTTP_BEGIN,
	HTTP_LIST,    /* what models there are */
	HTTP_PROPS,   /* how many slots there are */
	HTTP_RESTORE, /* the state of a slot */
	HTTP_ASK,
	HTTP_SAVE, /* the state of a slot */
	HTTP_PAUSE,
	HTTP_OVER,
};

/* A call. */
struct exchange {
	struct http_provider *p;
	struct ask a;
	enum http_state state;
	double wake; /* end of the pause */
	int rc;	     /* once it is over */
	char nonce[33];
	struct strs headers;
	struct retry retry;
	double started; /* the attempt; clock_monotonic() */
	/* What is under way. */
	struct transfer *t;
	char *text;
	struct reader reader;
	bool reading;
	struct dialect_opts sent;
	size_t said;  /* bytes, in this attempt */
	bool renamed; /* the limit on tokens */
	/* Going on. */
	enum llm_resume means;
	bool lowered;  /* the endpoint has refused better ones */
	bool restored; /* its state is in the slot, or will never be */
	long slot;     /* from 1; 0: any */
	bool halted;
	struct resume *keep;
};

/* 1: the refusal is of something that is not asked for again; else 0. */
int http_learn(struct exchange *x, const struct transfer *t);
/* The list of models, or nothing of the kind, to x->p: 0, or an error in *f. */
int http_list_done(struct exchange *x, const struct transfer *t,
		   struct failure *f);
/* The error of a status other than 200, in *f. */
int http_refused(struct exchange *x, const struct transfer *t,
		 struct failure *f);
/* An error of which the body came only in part is that error all the same. */
bool http_is_refusal(const struct transfer *t);
void http_set_name(struct http_provider *p);

/* Sends x->text to url, or asks for what is there without one. */
int http_send(struct exchange *x, const char *url, double seconds);
/* Whatever is under way is not any more. */
void http_drop(struct exchange *x);
/* It has ended; rc has its message in the error slot. */
void http_over(struct exchange *x, int rc);

/* x->slot becomes one that no other call has, if there is one. */
void http_take_slot(struct exchange *x);
void http_begin_slot(struct exchange *x, enum http_state state,
		     const char *file);
void http_props_done(struct exchange *x);
void http_restore_done(struct exchange *x);
void http_save_done(struct exchange *x);

/* ops->start and so on. */
struct exchange *http_start(struct provider *base, const struct ask *a);
bool http_step(struct exchange *x, double *wake, int *rc);
void http_halt(struct exchange *x, struct resume *keep);
long http_tokens(const struct exchange *x);
void http_end(struct exchange *x);

#endif
