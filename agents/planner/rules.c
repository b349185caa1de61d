/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define MAX_TRIES     1000
#define MAX_MUTATIONS 3
#define AHEAD_US      20000000 /* before everyone, the starving apart */

const char *const source_names[SOURCE_COUNT] = {
	[SOURCE_RULE] = "rule",		  [SOURCE_NEIGHBOUR] = "neighbour",
	[SOURCE_OPTIMISER] = "optimiser", [SOURCE_MODEL] = "model",
	[SOURCE_PERSON] = "person",
};

static void defaults(struct policy_params *p)
{
	policy_params_read(NULL, p);
}

static uint32_t clamp(double x, uint32_t lo, uint32_t hi)
{
	return x < lo ? lo : x > hi ? hi : (uint32_t)x;
}

/* ---- the rules -------------------------------------------------------- */

/* The longest known job first, and nothing in its way. */
static void longest_first(const struct features *f, struct policy_params *p)
{
	p->classify = CLASSIFY_IDENTITY;
	p->order = ORDER_LONGEST;
	/* It may have to wait for the disk, and then has lost its CPU. */
	p->preempt = PREEMPT_KEY;
	p->ahead_us = AHEAD_US;
	p->unknown_us = 200000;
	/* Rescuing the waiting would hold up the long one: not before the
	 * whole batch could have run twice. */
	p->starve_us = clamp(2 * f->longest_us, 5000000, 20000000);
}

static void shortest_first(const struct features *f, struct policy_params *p)
{
	longest_first(f, p);
	p->order = ORDER_SHORTEST;
}

/* Whoever has a CPU finishes his turn; one queue, so none idles. */
static void finish_turns(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->order = ORDER_FIFO;
	p->slice_us = 100000;
}

static void shared_fair(const struct features *f, struct policy_params *p)
{
	(void)f;
	(void)p;
}

static void shared_fifo(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->order = ORDER_FIFO;
}

static void long_turns(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->slice_us = 100000;
	p->lag_us = 100000;
}

/* Short bursts go ahead of long ones, at once. */
static void interactive_first(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->classify = CLASSIFY_BEHAVIOUR;
	p->order = ORDER_DEADLINE;
	/* By key, not by class: whoever uses more than his share waits. */
	p->preempt = PREEMPT_KEY;
	p->handover_us = 500;
	p->slice = SLICE_CLASS;
	p->slice_us = 5000;
	p->slice_interactive_us = 5000;
	p->slice_batch_us = 20000;
	p->ahead_us = 20000;
	p->preempt_min_us = 0;
}

static void short_turns(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->slice = SLICE_DEPTH;
	p->slice_us = 10000;
	p->order = ORDER_DEADLINE;
	p->preempt = PREEMPT_KEY;
}

static void near_waker(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->place = PLACE_WAKER;
}

static void per_cpu(const struct features *f, struct policy_params *p)
{
	(void)f;
	p->queue = QUEUE_CPU;
	p->slice_us = 10000;
}

#define ANY	 0
#define WANTS(t) (1u << (t))

static const struct rule {
	const char *title, *why;
	unsigned int traits; /* all of these are needed; ANY: none */
	bool saturated;	     /* only where tasks wait */
	void (*fill)(const struct features *f, struct policy_params *p);
} rules[] = {
	{"longest known job first",
	 "the long job starts at once and is never held up; the short ones "
	 "fill the other CPUs",
	 WANTS(TRAIT_LONG_TAILED), false, longest_first},
	/* Before the lock holders: beside a batch that just computes, whoever
	 * is waited for was mostly preempted by it. */
	{"short bursts first",
	 "tasks with short bursts are told apart by behaviour and need not "
	 "wait for those that compute",
	 WANTS(TRAIT_MIXED), false, interactive_first},
	{"finish turns, one queue",
	 "a task that holds something others wait for is left to finish, and "
	 "no CPU idles while a task waits",
	 WANTS(TRAIT_LOCK_HOLDER), false, finish_turns},
	{"finish turns, one queue",
	 "long turns in order of arrival: few switches, no CPU idles while a "
	 "task waits",
	 ANY, true, finish_turns},
	{"one fair queue",
	 "one queue for all CPUs, shared by weight: no CPU idles while a task "
	 "waits",
	 ANY, false, shared_fair},
	{"long fair turns",
	 "shared by weight over long turns: few switches, and who holds "
	 "something usually finishes",
	 ANY, true, long_turns},
	{"near the waker",
	 "work handed over stays in the cache of the one who handed it",
	 WANTS(TRAIT_WAKE_CHAIN), false, near_waker},
	{"order of arrival", "one queue for all CPUs, first come, first served",
	 ANY, false, shared_fifo},
	{"short turns by deadline",
	 "turns shrink with the number of waiting tasks, whose next burst is "
	 "shortest goes first",
	 ANY, false, short_turns},
	{"shortest known job first",
	 "most jobs end early; the longest ends last", WANTS(TRAIT_LONG_TAILED),
	 false, shortest_first},
	{"fair queue per CPU",
	 "a queue per CPU keeps caches warm; idle CPUs "
	 "take from the others",
	 ANY, false, per_cpu},
};

static bool applies(const struct rule *r, const struct features *f)
{
	if (r->saturated && !f->saturated)
		return false;
	for (unsigned int t = 0; t < TRAIT_COUNT; t++)
		if ((r->traits & WANTS(t)) && !f->trait[t])
			return false;
	return true;
}

/* ---- the search ------------------------------------------------------- */

bool rules_known(const struct proposal *out, size_t n,
		 const struct policy_params *p)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&out[i].params, p, sizeof(*p)))
			return true;
	return false;
}

/* A step that is felt: another choice, or half or twice the number. */
static void mutate_one(struct policy_params *p, struct rng *rng)
{
	const struct param *row;
	uint32_t *at;

	do
		row = &policy_param_table[rng_below(rng, policy_param_count)];
	while (!strcmp(row->axis, "safety") || policy_param_span(row) == 1);
	at = (uint32_t *)((char *)p + row->offset);
	if (row->kind != PARAM_NUMBER) {
		*at = (uint32_t)rng_below(rng, policy_param_span(row));
		return;
	}
	if (rng_below(rng, 2))
		*at = clamp(*at * 2.0, row->min, row->max);
	else
		*at = clamp(*at / 2.0, row->min, row->max);
}

static bool needs_identities(const struct policy_params *p)
{
	return p->classify == CLASSIFY_IDENTITY;
}

bool rules_step(const struct features *f, struct rng *rng,
		const struct proposal *parent, struct proposal *next)
{
	uint64_t steps = 1 + rng_below(rng, MAX_MUTATIONS);

	*next = (struct proposal){.title = "a variant",
				  .source = SOURCE_OPTIMISER,
				  .of = parent->of ? parent->of : parent->title,
				  .params = parent->params};
	while (steps--)
		mutate_one(&next->params, rng);
	policy_params_normalise(&next->params);
	snprintf(next->why, sizeof(next->why),
		 "a step away from '%s', in case the rule's own numbers are "
		 "off",
		 next->of);
	return !policy_params_check(&next->params) &&
	       (!needs_identities(&next->params) || f->identity_count > 0);
}

size_t rules_vary(const struct features *f, struct rng *rng,
		  struct proposal *out, size_t n, size_t max)
{
	size_t parents = n;

	for (int tries = 0; n < max && parents && tries < MAX_TRIES; tries++) {
		const struct proposal *parent = &out[rng_below(rng, parents)];

		if (rules_step(f, rng, parent, &out[n]) &&
		    !rules_known(out, n, &out[n].params))
			n++;
	}
	return n;
}

size_t rules_propose(const struct features *f, struct proposal *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules) && n < max; i++) {
		struct proposal *next = &out[n];

		if (!applies(&rules[i], f))
			continue;
		*next = (struct proposal){.title = rules[i].title};
		snprintf(next->why, sizeof(next->why), "%s", rules[i].why);
		defaults(&next->params);
		rules[i].fill(f, &next->params);
		policy_params_normalise(&next->params);
		if (!rules_known(out, n, &next->params))
			n++;
	}
	return n;
}
