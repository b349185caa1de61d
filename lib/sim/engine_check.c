/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be seen without knowing the class.
 *
 * Waiting beside idle CPUs.  While tasks that may run anywhere wait and CPUs
 * are free, min(tasks, CPUs) of them waste their time.  That is handed to the
 * waiting tasks in equal parts: s->idle_share is one part so far (in 2^-10
 * ns), and what it grew by during a wait is that wait's.  Waits too short to
 * mean anything (a wakeup takes its time) are left out.  A task that may not
 * run anywhere wastes the time of the CPU that takes it, if that was idle.
 *
 * Shares.  Every window, the tasks that wanted a CPU during all of it and may
 * run anywhere should have shared what they got by their weights; none can
 * have more than one CPU.  Compared within a cgroup.
 */
#include "sim/engine.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define SHORT_WAIT_NS	 50000
#define WINDOW_NS	 250000000
#define WEIGHT_ONE	 1024
#define WINDOWS		 4	    /* to judge a task by: a second */
#define DUE_NS		 20000000.0 /* … and so much CPU time */
#define UNFAIR		 0.25	    /* of its due, or less */
#define IDLE_SHARE	 20 /* a finding: over 1/20 of all CPU time … */
#define IDLE_NS		 10000000
#define KICKS_PER_SWITCH 50
#define KICKS		 1000

void check_touch(struct sim *s)
{
	uint64_t dt = s->now - s->share_at, n = s->nr_free;

	s->share_at = s->now;
	if (!dt || !n || !s->nr_waiting_free)
		return;
	if (n > s->nr_waiting_free)
		n = s->nr_waiting_free;
	s->idle_share += (dt * n << 10) / s->nr_waiting_free;
}

void check_wait_begins(struct sim *s, struct sim_task *t)
{
	t->check.free = t->nr_allowed == s->nr_cpus && !t->migration_disabled;
	if (!t->check.free)
		return;
	check_touch(s);
	s->nr_waiting_free++;
	t->check.share0 = s->idle_share;
}

/* A light task's turns are as far apart as its weight is small. */
static uint64_t allowance(const struct sim_task *t)
{
	return t->weight < WEIGHT_ONE ? WEIGHT_ONE / t->weight : 1;
}

static void starved(struct sim *s, const struct sim_task *t, uint64_t waited)
{
	uint64_t bound = s->o->starve_ns * allowance(t);
	const char *file = NULL;
	uint32_t line = 0;

	if (waited > s->r->longest_wait_ns)
		s->r->longest_wait_ns = waited;
	if (!bound || waited <= bound)
		return;
	if (s->cls->blame)
		s->cls->blame(s, t, &file, &line);
	sim_find(s, SIM_STARVATION, file, line,
		 SIM_TASK_FMT " waited %.0f ms for a CPU; %.0f ms are allowed",
		 SIM_TASK_ARG(t), (double)waited / 1e6, (double)bound / 1e6);
}

/* Nothing would ever happen any more, and t is runnable. */
static void lost(struct sim *s, const struct sim_task *t)
{
	const char *file = NULL;
	uint32_t line = 0;

	if (s->cls->blame)
		s->cls->blame(s, t, &file, &line);
	sim_find(s, SIM_LOST, file, line,
		 SIM_TASK_FMT " is runnable since %.3f ms, and no CPU will "
			      "ever run it",
		 SIM_TASK_ARG(t), (double)t->runnable_at / 1e6);
}

/* The task that wasted most speaks for them all. */
static void wasted(struct sim *s, const struct sim_task *t, uint64_t ns)
{
	s->r->idle_waiting_ns += ns;
	if (ns <= s->most_wasted)
		return;
	s->most_wasted = ns;
	if (s->cls->blame)
		s->cls->blame(s, t, &s->wasted_file, &s->wasted_line);
}

void check_wait_ends(struct sim *s, struct sim_task *t, uint64_t idle_since)
{
	uint64_t waited = s->now - t->runnable_at;

	if (t->check.free) {
		check_touch(s);
		s->nr_waiting_free--;
		if (waited > SHORT_WAIT_NS)
			wasted(s, t, (s->idle_share - t->check.share0) >> 10);
	} else if (idle_since != NEVER) {
		uint64_t both = s->now - idle_since;

		if (both > waited)
			both = waited;
		if (both > SHORT_WAIT_NS)
			wasted(s, t, both);
	}
	starved(s, t, waited);
}

/* ---- shares ----------------------------------------------------------- */

struct share {
	double exec, weight, tasks; /* of all of them */
	double capped, capped_weight;
	double rate; /* CPU time per weight */
};

static bool competes(const struct sim *s, const struct sim_task *t)
{
	return t->check.since <= s->window_at && t->nr_allowed == s->nr_cpus &&
	       !t->migration_disabled;
}

static double had(const struct sim_task *t)
{
	return (double)(t->sum_exec_ns - t->check.exec0);
}

/* Nobody gets more than the window: the rest goes to the others. */
static void rates(struct sim *s, struct share *shares, double window)
{
	for (int round = 0; round < 8; round++) {
		for (size_t i = 0; i < s->load->cgroup_count; i++) {
			struct share *h = &shares[i];
			double weight = h->weight - h->capped_weight;

			if (weight > 0.5 && h->exec > h->capped)
				h->rate = (h->exec - h->capped) / weight;
			h->capped = h->capped_weight = 0;
		}
		for (struct sim_task *t = s->tasks; t; t = t->next) {
			struct share *h = &shares[t->cgroup];

			if (!competes(s, t) || t->weight * h->rate < window)
				continue;
			h->capped += window;
			h->capped_weight += t->weight;
		}
	}
}

static void window_fires(struct sim *s, struct sim_event *e)
{
	double window = (double)(s->now - s->window_at);
	struct share *shares =
		mem_zalloc(s->load->cgroup_count, sizeof(*shares));

	for (uint32_t i = 0; i < s->nr_cpus; i++)
		sim_account(s, &s->cpus[i]);
	for (struct sim_task *t = s->tasks; t; t = t->next) {
		if (!competes(s, t))
			continue;
		shares[t->cgroup].exec += had(t);
		shares[t->cgroup].weight += t->weight;
		shares[t->cgroup].tasks++;
	}
	rates(s, shares, window);
	for (struct sim_task *t = s->tasks; t; t = t->next) {
		double due = t->weight * shares[t->cgroup].rate;

		if (competes(s, t)) {
			t->check.windows++;
			t->check.had += had(t);
			t->check.due += due < window ? due : window;
			t->check.equal += shares[t->cgroup].exec /
					  shares[t->cgroup].tasks;
		}
		t->check.exec0 = t->sum_exec_ns;
	}
	free(shares);
	s->window_at = s->now;
	sim_event_set(s, e, s->now + WINDOW_NS);
}

void check_share(struct sim *s, const struct sim_task *t)
{
	const char *file = NULL;
	uint32_t line = 0;
	double enough = t->check.due, error;

	if (t->check.windows < WINDOWS || t->check.due < DUE_NS)
		return;
	/* A policy may ignore weights: an equal part will do then. */
	if (t->check.equal < enough)
		enough = t->check.equal;
	error = fabs(t->check.had - t->check.due) / t->check.due;
	if (error > s->r->weight_error)
		s->r->weight_error = error;
	if (t->check.had > UNFAIR * enough)
		return;
	if (s->cls->blame)
		s->cls->blame(s, t, &file, &line);
	sim_find(s, SIM_UNFAIR, file, line,
		 SIM_TASK_FMT " of weight %u had %.0f ms of CPU time "
			      "where its weight is worth %.0f ms",
		 SIM_TASK_ARG(t), t->weight, t->check.had / 1e6,
		 t->check.due / 1e6);
}

void check_init(struct sim *s)
{
	s->window.background = true;
	s->window.fire = window_fires;
	sim_event_set(s, &s->window, WINDOW_NS);
}

/* ---- the end ---------------------------------------------------------- */

static void end_of_task(struct sim *s, struct sim_task *t)
{
	struct sim_group_result *g = &s->r->groups[t->group];
	const struct sim_cpu *c = &s->cpus[t->cpu];

	if (t->state == TASK_RUNNABLE) {
		if (s->r->outcome == SIM_STUCK)
			lost(s, t);
		g->wait_ns += s->now - t->runnable_at;
		check_wait_ends(s, t, c->curr ? NEVER : c->idle_since);
	}
	g->run_ns += t->sum_exec_ns;
	check_share(s, t);
	if (t->check.counted &&
	    t->def->ops[t->def->op_count - 1].what == LOAD_EXIT)
		s->r->unfinished++;
}

void check_end(struct sim *s)
{
	struct sim_result *r = s->r;
	uint64_t all = s->now * s->nr_cpus;

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		struct sim_cpu *c = &s->cpus[i];

		sim_account(s, c);
		/* Its task may just have ended. */
		if (c->online && !c->curr && !c->choosing)
			r->idle_ns += s->now - c->idle_since;
	}
	for (struct sim_task *t = s->tasks; t; t = t->next)
		end_of_task(s, t);
	r->end_ns = s->now;
	if (r->idle_waiting_ns > IDLE_NS &&
	    r->idle_waiting_ns > all / IDLE_SHARE)
		sim_find(s, SIM_IDLE, s->wasted_file, s->wasted_line,
			 "CPUs were idle for %.0f ms (%.0f %% of all CPU time) "
			 "while tasks waited that could have run there",
			 (double)r->idle_waiting_ns / 1e6,
			 100.0 * (double)r->idle_waiting_ns / (double)all);
	if (r->kicks > KICKS && r->kicks / KICKS_PER_SWITCH > r->switches)
		sim_find(s, SIM_KICKS, NULL, 0,
			 "%llu kicks for %llu context switches",
			 (unsigned long long)r->kicks,
			 (unsigned long long)r->switches);
}
