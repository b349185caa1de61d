/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the ladder is: a step for each stage of a policy that needs no run of
 * the command, and one for each run.  What lies ahead is an estimate, for who
 * drops out shows on the way.
 */
#include <stdarg.h>
#include <stdio.h>

#include "agents/verifier/rounds.h"
#include "agents/verifier/state.h"

#define MAX_WORDS 256

const char *verifier_title(const struct candidate *c)
{
	return json_as_string(json_get(c->policy->body, "title"), "?");
}

static void count_stages(const struct verifier *v, long *done, long *left)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct candidate *c = &v->all[i];

		for (enum stage_id id = 0; id < STAGE_RUN; id++) {
			if (!stage_wanted(v, id))
				continue;
			if (c->stages[id].status != STATUS_UNKNOWN)
				++*done;
			else if (candidate_alive(c))
				++*left;
		}
	}
}

/* Each pair is a run of the policy; beside all of them stands one of the
 * kernel's own scheduler. */
static long pairs_left(const struct verifier *v, const struct group *g)
{
	long sum = 0, most = 0, n = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct candidate *c = g->c[i];
		long left = v->o->pairs - (long)c->main.n;

		if (!rounds_in_play(c) || left <= 0 || c->ended != LOOK_ON)
			continue;
		if (++n > v->o->finalists && !c->main.n)
			continue;
		sum += left;
		most = left > most ? left : most;
	}
	return sum + most;
}

static long runs_left(const struct verifier *v, const struct group *g)
{
	bool confirmed = false, tried = false;
	long left = pairs_left(v, g);

	for (size_t i = 0; i < g->n; i++) {
		confirmed |= g->c[i]->confirmed;
		tried |= rounds_in_play(g->c[i]);
	}
	if (!g->has_workload || !tried || g->trouble)
		return 0;
	if (!g->target_runs)
		left += 2 + (long)g->n; /* to warm up */
	if (g->w.bound.len && g->bound_n < BOUND_RUNS)
		left += (long)(BOUND_RUNS - g->bound_n);
	if (v->o->confirm && !confirmed)
		left += 2 * CONFIRM_PAIRS;
	return left;
}

void run_progress(const struct verifier *v, const char *fmt, ...)
{
	long done = 0, left = 0;
	char words[MAX_WORDS];
	va_list ap;

	if (!v->o->progress)
		return;
	count_stages(v, &done, &left);
	for (size_t i = 0; i < v->group_count; i++) {
		done += (long)v->groups[i].target_runs;
		if (stage_wanted(v, STAGE_RUN))
			left += runs_left(v, &v->groups[i]);
	}
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	v->o->progress(v->o->progress_arg, done, done + left, words);
}
