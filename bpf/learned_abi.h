/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bpf/learned.bpf.c, the template that follows a model, and user space
 * agree on beside policy_abi.h.  Its maps:
 *
 *   models            array of 2: struct forecast
 *   model_generation  array of 1: uint32_t
 *   model_context     array of 1: struct feature_context
 *   model_report      array of 1: struct learned_report
 *
 * There are two models.  Whose turn it is says the generation: odd ones have
 * the second, 0 has none.  Who changes the model fills the other first, and
 * then counts on; the policy goes on meanwhile.
 *
 * A model is followed only while it misses by less than the exponential
 * average does, which is what the policy would go by without it.  Each
 * begins on trial: it foretells, is scored, and nobody follows.
 */
#ifndef SCHEDKIT_LEARNED_ABI_H
#define SCHEDKIT_LEARNED_ABI_H

#include "feature_abi.h"
#include "forecast_abi.h"

#define LEARNED_HALF(generation) ((generation)&1)

enum learned_state {
	LEARNED_NONE,	/* no model, or none with a part for bursts: plain
			   vruntime */
	LEARNED_TRIAL,	/* likewise plain, until enough bursts are scored */
	LEARNED_FOLLOW, /* followed */
	LEARNED_BRAKED, /* it missed by more than the average: plain, for a
			   while, then on trial again */
};

/* Of the generation that counts.  Written by the policy alone. */
struct learned_report {
	uint32_t generation;
	uint32_t state;	 /* enum learned_state */
	uint64_t since;	 /* of that state; the policy's clock, nanoseconds */
	uint64_t until;	 /* LEARNED_BRAKED: when it is on trial again */
	uint64_t bursts; /* scored */
	/* Sums over those of |log2 foretold - log2 ran|, in 1/256, each times
	 * its weight: the model's, and the exponential average's.  A burst
	 * weighs as much as it ran, in 1024 ns: what hardly runs is of no
	 * matter. */
	uint64_t error, average_error;
	uint64_t weight; /* of all of them */
	uint64_t trips;	 /* how often it was braked */
	uint64_t apart;	 /* bursts of tasks that it is not followed for, for it
			    has missed theirs */
	uint64_t follow; /* bursts for which it was followed */
};

#endif
