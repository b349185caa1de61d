/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a failed attempt may be made again, and when. */
#ifndef SCHEDKIT_LLM_RETRY_H
#define SCHEDKIT_LLM_RETRY_H

#include <stdint.h>

#include "base/clock.h"
#include "llm/dialect.h"
#include "llm/transfer.h"

/* No endpoint is waited for longer, whatever it says. */
#define RETRY_AFTER_MAX_S 120

/* What an attempt failed of. */
struct failure {
	int error;	/* the call's, if there is no other attempt */
	bool again;	/* another may do */
	double after_s; /* not earlier, the endpoint says; below 0: nothing */
	char text[640];
};

/* An answer with a status other than 200. */
void failure_of_status(long status, const struct api_error *e,
		       const struct strs *headers, struct failure *out);
/* An error after status 200. */
void failure_of_error(const struct api_error *e, const struct strs *headers,
		      struct failure *out);
/* t->error: no answer, or a part of one. */
void failure_of_transfer(const struct transfer *t, struct failure *out);
/* The error slot's message. */
void failure_set(struct failure *f, int error, bool again);

/*
 * The seconds that retry-after-ms, Retry-After (seconds, or a date) or, with
 * status 429, the reset of an exhausted rate limit asks for; below 0: none,
 * or nonsense.
 */
double retry_after(long status, const struct strs *headers);

/* A header that holds a number, or the time until a limit is renewed, as a
 * duration ("6m0s") or a date, in seconds; below 0: none, or nonsense. */
double retry_number(const struct strs *headers, const char *name);
double retry_reset(const struct strs *headers, const char *name);

/* The budget of one call. */
struct retry {
	struct llm_limits limits;
	struct rng rng;
	double started; /* clock_monotonic() */
	double waited;
	long attempts; /* so far */
};

void retry_init(struct retry *r, const struct llm_limits *l, uint64_t seed);
/* Seconds left for the whole call. */
double retry_left(const struct retry *r);
/* After a failed attempt: 0, and how long to wait before the next one; else
 * the call's error with its message. */
int retry_next(struct retry *r, const struct failure *f, double *wait_s);

#endif
