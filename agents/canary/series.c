/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is measured in each window, and from where on a change matters. */
#include <math.h>
#include <stdlib.h>

#include "agents/canary/state.h"
#include "base/mem.h"

/* Of the CPU time that it could have had, used for its own work.  What others
 * took it could not have had; what the policy took is no use to it.  Who waits
 * less than so much of a CPU is well served. */
#define FLOOR_CPU 0.1

static double served(const struct canary_window *w, const struct canary_side *s)
{
	double floor = FLOOR_CPU * w->seconds;
	double own = s->run_s - (s == &w->canary ? w->policy_s : 0);
	double lost = fmin(s->wait_s, w->idle_s);

	return 100 * (fmax(own, 0) + floor) / (s->run_s + lost + floor);
}

static double delay(const struct canary_window *w, const struct canary_side *s)
{
	(void)w;
	return s->active_s > 0 ? 1e6 * s->wait_s / s->active_s : 0;
}

static double longest(const struct canary_window *w,
		      const struct canary_side *s)
{
	(void)w;
	return 1e6 * s->longest_s;
}

/*
 * An emulated machine may be idle for 3 % of the time where a real one is not,
 * for each hand that a policy lays on a task takes it longer.
 *
 * A tail is a matter of chance, and whoever waits a millisecond in a second,
 * or once for the length of some long turns, is well served.
 */
static const struct {
	struct canary_metric metric;
	double (*of)(const struct canary_window *w,
		     const struct canary_side *s);
	bool steady; /* enough so that the control's is a yardstick */
} figures[] = {
	{{"cpu_served", "%", true, true, 0, 4, 6}, served, true},
	{{"delay", "us/s", false, false, 1000, 25, 50}, delay, true},
	{{"longest_wait", "us", false, false, 100000, 100, 200},
	 longest,
	 false},
};

/* Of each task by itself: who always wants to run, and who sleeps at times. */
static const struct canary_metric worst[] = {
	{"worst_share", "%", true, false, 0, 25, 50},
	{"worst_task", "%", true, false, 0, 100, 150},
};

static const struct canary_metric pressure = {"pressure", "us/s", false, false,
					      10000,	  25,	  50};

/* The user's own count as the first of these do. */
#define PROBE_LEAST_PCT	 2
#define PROBE_MARGIN_PCT 5

void canary_series_init(struct canary_step *s, const struct canary_opts *o)
{
	s->count = 0;
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		s->series[s->count++].metric = figures[i].metric;
	for (size_t i = 0; i < ARRAY_LEN(worst); i++)
		s->series[s->count++].metric = worst[i];
	for (size_t i = 0; i < o->probe_count; i++) {
		const struct metric *m = &o->probes[i].metric;

		s->series[s->count++].metric = (struct canary_metric){
			.name = m->name,
			.unit = m->unit,
			.higher_is_better = m->higher_is_better,
			.least_pct = PROBE_LEAST_PCT,
			.margin_pct = PROBE_MARGIN_PCT,
		};
	}
	if (s->scope->kind == CANARY_CGROUP || s->scope->kind == CANARY_ALL)
		s->series[s->count++].metric = pressure;
}

static struct canary_value *value_at(struct canary_step *s, size_t i,
				     size_t pair, bool with)
{
	return with ? &s->series[i].with[pair] : &s->series[i].without[pair];
}

/* In the order of canary_series_init(). */
void canary_series_put(struct canary_step *s, size_t pair, bool with,
		       const struct canary_window *w, const double *probed,
		       size_t probe_count)
{
	bool control = canary_has_control(s) && w->rest.active_s > 0;
	size_t i = 0;

	for (; i < ARRAY_LEN(figures); i++)
		*value_at(s, i, pair, with) = (struct canary_value){
			figures[i].of(w, &w->canary),
			control && figures[i].steady
				? figures[i].of(w, &w->rest)
				: -1};
	i += ARRAY_LEN(worst); /* canary_series_pick() */
	for (size_t k = 0; k < probe_count; k++, i++)
		*value_at(s, i, pair, with) =
			(struct canary_value){probed[k], -1};
	if (i < s->count)
		*value_at(s, i, pair, with) = (struct canary_value){
			w->pressure_s < 0 ? 0 : 1e6 * w->pressure_s, -1};
}

void canary_series_pick(struct canary_step *s)
{
	for (size_t i = 0; i < ARRAY_LEN(worst); i++)
		canary_tasks_pick(&s->tasks_each, s->pairs, i == 0,
				  &s->series[ARRAY_LEN(figures) + i]);
}

void canary_series_release(struct canary_step *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->series[i].each);
	canary_tasks_release(&s->tasks_each);
	s->count = 0;
}
