/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limits of an endpoint: three buckets (requests, input tokens, output
 * tokens a minute), from which a call takes at its start what it may use at
 * most and to which it gives back what it did not use.  What the endpoint says
 * of its limits overrules what was configured.
 */
#ifndef SCHEDKIT_RT_LIMIT_H
#define SCHEDKIT_RT_LIMIT_H

#include "rt/request.h"

#define RT_ROOMS 32

struct rt_bucket {
	double rate; /* a second; 0: no limit */
	double size; /* the most it holds */
	/* What is left if all that is reserved is used; below 0 after a call
	 * that used more than it had reserved, or than the size. */
	double level; /* at `at` */
	double at;
	double reserved; /* taken and not settled */
	/*
	 * Least room above the level since the reservation `ticket` or any
	 * before it, ascending: what a call may be given back without letting
	 * through more than the endpoint does, whose bucket takes no more when
	 * it is full.
	 */
	struct {
		uint64_t ticket;
		double room;
	} least[RT_ROOMS];
	size_t count;
};

struct rt_limit {
	struct rt_bucket requests, in, out;
	uint64_t ticket;      /* of the last reservation */
	double blocked_until; /* Retry-After, an exhausted limit */
};

/* Of a minute each; 0: no limit.  Buckets are full. */
void rt_limit_init(struct rt_limit *l, double requests, double in, double out,
		   double now);
/* When a call of so many tokens may start: now, or later.  More than the size
 * of a bucket may start when it is full. */
double rt_limit_when(const struct rt_limit *l, long in, long out, double now);
/* Returns the ticket by which it is settled, once. */
uint64_t rt_limit_reserve(struct rt_limit *l, long in, long out, double now);
/* A call that reserved `in` and `out` has used this. */
void rt_limit_settle(struct rt_limit *l, uint64_t ticket, long in, long out,
		     long used_in, long used_out, double now);
/* A call that reserved them was never sent. */
void rt_limit_undo(struct rt_limit *l, uint64_t ticket, long in, long out,
		   double now);
/* Told what is left is believed to within what is reserved, of which nobody
 * knows whether the endpoint has counted it.  Numbers that are none (below 0,
 * not finite) tell nothing. */
void rt_limit_learn(struct rt_limit *l, const struct rt_limits_told *t,
		    double now);
/* Nothing before then. */
void rt_limit_block(struct rt_limit *l, double until);

#endif
