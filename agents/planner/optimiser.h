/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A search of the template's parameter space that needs no model of anything:
 * a tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl
 * 2011) whose kernels are over whole points, as in BOHB (Falkner, Klein and
 * Hutter 2018), so that values which go together stay together.
 *
 * Told what points were worth and how far to believe it, it asks for those
 * that are likelier among the good than among the rest.  Numbers are compared
 * by their logarithms; the safety axis is taken over from the good point that
 * the proposal is made from.
 */
#ifndef SCHEDKIT_AGENTS_PLANNER_OPTIMISER_H
#define SCHEDKIT_AGENTS_PLANNER_OPTIMISER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "policy/policy.h"

struct optimiser;

struct optimiser *optimiser_new(void);
void optimiser_free(struct optimiser *o); /* NULL is fine */

/* p: normalised.  value: larger is better; weight > 0: 1 is a measurement of
 * the thing itself. */
void optimiser_tell(struct optimiser *o, const struct policy_params *p,
		    double value, double weight);
size_t optimiser_count(const struct optimiser *o); /* points told */

/* A point to try next, valid and normalised; nothing told: any point.  The
 * same tellings and rng give the same. */
void optimiser_ask(const struct optimiser *o, struct rng *rng,
		   struct policy_params *out);

/* Any point of the space, each value as likely as another (of a number: each
 * octave); valid and normalised. */
void optimiser_random(struct rng *rng, struct policy_params *out);

#endif
