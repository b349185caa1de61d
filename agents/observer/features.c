/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/observer/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

/* Where the lines are drawn.  They only choose which policies are tried
 * first; the measurement decides. */
#define SATURATED_WAITING 0.30
#define SATURATED_BUSY	  0.85
#define SIGNIFICANT_SHARE 0.01 /* of all run time, for an identity */
#define TAIL_RATIO	  2.5  /* longest over typical */
#define TAIL_SHARE	  0.25 /* of what one CPU has to do, at least */
#define CRITICAL_RATIO	  1.5  /* it need not be so long where it takes */
#define CRITICAL_SHARE	  0.6  /* a CPU for most of the time */
#define CONTAINER_SHARE	  0.75 /* of all run time: no job among others */
#define HOLDER_PER_SECOND 5.0  /* waits for a preempted task */
#define WAKEUPS_ENOUGH	  50.0 /* per second, to speak of a pattern */
#define SHORT_BURST_US	  2000.0
#define LONG_BURST_US	  10000.0
#define MIX_SHARE	  0.10 /* of run time or wakeups on either side */
#define BATCH_HOLDERS	  0.10 /* of its wakeups: it shares nothing */
#define CHAIN_SHARE	  0.50
#define FORKS_PER_SECOND  20.0
#define IDLE_DELAY_SHARE  0.02
#define MAX_IDENTITIES	  1024

const char *const bound_names[BOUND_COUNT] = {"latency", "throughput",
					      "makespan", "fairness"};
const char *const bound_metrics[BOUND_COUNT] = {"request_p99", "request_rate",
						"wall", "request_p99"};
const char *const trait_names[TRAIT_COUNT] = {
	[TRAIT_LONG_TAILED] = "long-tailed",
	[TRAIT_LOCK_HOLDER] = "lock-holder-preemption",
	[TRAIT_MIXED] = "interactive-beside-batch",
	[TRAIT_WAKE_CHAIN] = "wake-chain",
	[TRAIT_FORK_HEAVY] = "fork-heavy",
	[TRAIT_HARDLY_WAITING] = "hardly-waiting",
};

static double num(const struct json *v, const char *path)
{
	double x = json_as_number(json_path(v, path), 0);

	return isfinite(x) ? x : 0;
}

static void witness(struct features *f, const char *key, double value,
		    const char *text)
{
	struct json *e = json_object();

	json_set_string(e, "key", key);
	json_set_number(e, "value", value);
	json_set_string(e, "text", text);
	json_add(f->evidence, e);
}

/* ---- sums over groups ------------------------------------------------- */

struct sums {
	double run, wait, wakeups, forks, holders, tasks;
	double short_wakeups; /* wakeups of groups with short bursts */
	double batch_run;     /* run time of groups that just compute */
	double chained;	      /* wakeups by another task of the workload */
	double weighted_burst;
};

static bool is_kernel(const struct json *g)
{
	return json_as_bool(json_get(g, "kernel"), false);
}

/* Tasks that compute at a stretch, and hold nothing that others wait for:
 * workers that take turns with each other are none; one wait each is how they
 * are started.  Quantiles of the few bursts they have say nothing, so the mean
 * counts. */
static bool is_batch(const struct json *g)
{
	double wakeups = num(g, "wakeups"), tasks = num(g, "tasks");
	double stretch = num(g, "run_us") / (wakeups + tasks + 1);

	return stretch > LONG_BURST_US &&
	       num(g, "preempted_holder_wakes") <=
		       BATCH_HOLDERS * wakeups + tasks;
}

static void add_group(struct sums *s, const struct json *g)
{
	double run = num(g, "run_us"), wakeups = num(g, "wakeups");
	double burst = num(g, "burst_us.p50");

	s->run += run;
	s->wait += num(g, "wait_us");
	s->wakeups += wakeups;
	s->forks += num(g, "forks");
	s->tasks += num(g, "tasks");
	s->holders += num(g, "preempted_holder_wakes");
	s->weighted_burst += burst * run;
	if (burst < SHORT_BURST_US && !is_batch(g))
		s->short_wakeups += wakeups;
	if (is_batch(g))
		s->batch_run += run;
	json_each (w, json_get(g, "wakers")) {
		const char *by = json_as_string(json_get(w, "group"), "");

		/* Timers and interrupts wake in the idle task's name. */
		if (strncmp(by, "swapper", 7))
			s->chained += num(w, "count");
	}
}

static void read_rates(const struct sums *s, struct features *f)
{
	double seconds = f->seconds > 0 ? f->seconds : 1;

	f->wakeups_per_s = s->wakeups / seconds;
	f->forks_per_s = s->forks / seconds;
	f->holder_wakes_per_s = s->holders / seconds;
	f->chain_share = s->wakeups > 0 ? s->chained / s->wakeups : 0;
	f->short_share = s->wakeups > 0 ? s->short_wakeups / s->wakeups : 0;
	f->long_share = s->run > 0 ? s->batch_run / s->run : 0;
	f->tasks = s->tasks;
}

/* ---- identities ------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double features_all_us(const struct json *profile)
{
	double sum = 0;

	json_each (v, json_get(profile, "identities"))
		sum += num(v, "run_us");
	return sum;
}

/* It started nearly everything: no job among others. */
static bool is_container(const struct json *v, double all)
{
	double whole = num(v, "whole_us");

	return whole > num(v, "run_us") && whole >= CONTAINER_SHARE * all;
}

/* With all that it starts. */
static double whole_of(const struct json *v, double all)
{
	double whole = num(v, "whole_us"), run = num(v, "run_us");

	return whole > run && !is_container(v, all) ? whole : run;
}

/* … and did little itself: a shell, make. */
static bool is_dispatcher(const struct json *v, double all)
{
	return is_container(v, all) &&
	       2 * num(v, "run_us") < num(v, "whole_us");
}

double features_expect(const struct json *identity, double all)
{
	double execs = num(identity, "execs");

	if (execs < 1)
		return 0;
	if (is_dispatcher(identity, all))
		return FEATURES_DISPATCHER_US;
	return whole_of(identity, all) / execs;
}

static void read_identities(const struct json *profile, struct features *f,
			    double run)
{
	double expect[MAX_IDENTITIES], all = features_all_us(profile);
	size_t n = 0;

	json_each (v, json_get(profile, "identities")) {
		double execs = num(v, "execs"), us = whole_of(v, all);

		if (execs < 1 || n == MAX_IDENTITIES ||
		    us < SIGNIFICANT_SHARE * run || is_container(v, all))
			continue;
		expect[n++] = us / execs;
	}
	if (!n)
		return;
	qsort(expect, n, sizeof(*expect), ascending);
	f->identity_count = n;
	f->longest_us = expect[n - 1];
	f->typical_us = expect[(n - 1) / 2];
}

/* ---- the judgement ---------------------------------------------------- */

static enum bound bound_of(const struct json *profile)
{
	const char *goal = json_as_string(json_get(profile, "goal"), "");
	const struct json *m = json_path(profile, "metrics.0");
	const char *better = json_as_string(json_get(m, "better"), "lower");

	for (size_t i = 0; i < ARRAY_LEN(bound_names); i++)
		if (!strcasecmp(goal, bound_names[i]))
			return (enum bound)i;
	/* A goal in words is for a model; the metric's direction is for us. */
	if (!strcmp(better, "higher"))
		return BOUND_THROUGHPUT;
	if (!strcmp(json_as_string(json_get(m, "name"), "wall"), "wall"))
		return BOUND_MAKESPAN;
	return BOUND_LATENCY;
}

static void judge_load(const struct json *profile, struct features *f)
{
	f->saturated = f->waiting > SATURATED_WAITING ||
		       (f->busy > SATURATED_BUSY && f->delay_share > 0.1);
	witness(f, "run_queue.busy_pct", f->busy * 100,
		"share of CPU time in use");
	if (json_path(profile, "run_queue.waiting_pct"))
		witness(f, "run_queue.waiting_pct", f->waiting * 100,
			"share of time in which a task waited for a CPU");
	witness(f, "groups.wait_us", f->delay_share * 100,
		"waiting for a CPU, in percent of waiting plus running");
	if (f->delay_share < IDLE_DELAY_SHARE)
		f->trait[TRAIT_HARDLY_WAITING] = true;
}

static void judge_tail(struct features *f, double run)
{
	double fair = f->cpus > 0 ? run / f->cpus : run;
	double ratio, share;

	if (f->identity_count < 3 || f->typical_us <= 0 || fair <= 0)
		return;
	ratio = f->longest_us / f->typical_us;
	share = f->longest_us / fair;
	if ((ratio < TAIL_RATIO || share < TAIL_SHARE) &&
	    (ratio < CRITICAL_RATIO || share < CRITICAL_SHARE))
		return;
	f->trait[TRAIT_LONG_TAILED] = true;
	witness(f, "identities", ratio,
		"the longest known job, in typical ones");
}

static void judge_traits(struct features *f, double run)
{
	bool wakes = f->wakeups_per_s > WAKEUPS_ENOUGH;

	judge_tail(f, run);
	if (f->holder_wakes_per_s > HOLDER_PER_SECOND) {
		f->trait[TRAIT_LOCK_HOLDER] = true;
		witness(f, "groups.preempted_holder_wakes",
			f->holder_wakes_per_s,
			"sleeps per second that ended when a preempted task "
			"ran again");
	}
	if (wakes && f->short_share > MIX_SHARE && f->long_share > MIX_SHARE) {
		f->trait[TRAIT_MIXED] = true;
		witness(f, "groups.burst_us", f->long_share * 100,
			"percent of run time in groups with bursts over "
			"10 ms, beside groups with short ones");
	}
	if (wakes && f->chain_share > CHAIN_SHARE) {
		f->trait[TRAIT_WAKE_CHAIN] = true;
		witness(f, "groups.wakers", f->chain_share * 100,
			"percent of wakeups that one task gives another");
	}
	if (f->forks_per_s > FORKS_PER_SECOND) {
		f->trait[TRAIT_FORK_HEAVY] = true;
		witness(f, "groups.forks", f->forks_per_s, "forks per second");
	}
}

/* How far to believe it: the way of observing and the amount seen. */
static int confidence(const struct json *profile, const struct sums *s)
{
	const char *source = json_as_string(json_get(profile, "source"), "");
	double events = num(profile, "overhead.events");
	double drops = num(profile, "overhead.drops");
	int pct = strcmp(source, "bpf") ? 50 : 90;

	if (s->wakeups < 100)
		pct -= 20;
	if (drops > events / 100)
		pct -= 20;
	return pct;
}

void features_read(const struct json *profile, struct features *f)
{
	struct sums s = {0};

	*f = (struct features){.evidence = json_array()};
	json_each (g, json_get(profile, "groups"))
		if (!is_kernel(g))
			add_group(&s, g);
	f->cpus = num(profile, "system.cpus");
	f->seconds = num(profile, "duration_us") / 1e6;
	if (f->cpus < 1)
		f->cpus = 1;
	f->busy = json_path(profile, "run_queue.busy_pct")
			  ? num(profile, "run_queue.busy_pct") / 100
		  : f->seconds > 0 ? s.run / 1e6 / f->seconds / f->cpus
				   : 0;
	f->waiting = num(profile, "run_queue.waiting_pct") / 100;
	f->delay_share = s.run + s.wait > 0 ? s.wait / (s.run + s.wait) : 0;
	f->burst_us = s.run > 0 ? s.weighted_burst / s.run : 0;
	f->bound = bound_of(profile);
	read_rates(&s, f);
	read_identities(profile, f, s.run);
	judge_load(profile, f);
	judge_traits(f, s.run);
	f->confidence_pct = confidence(profile, &s);
}

void features_release(struct features *f)
{
	json_free(f->evidence);
	f->evidence = NULL;
}

struct json *features_regime(const struct features *f)
{
	struct json *v = json_object(), *traits = json_array();

	json_set_bool(v, "saturated", f->saturated);
	json_set_string(v, "bound", bound_names[f->bound]);
	for (size_t i = 0; i < TRAIT_COUNT; i++)
		if (f->trait[i])
			json_add(traits, json_string(trait_names[i]));
	json_set(v, "traits", traits);
	json_set_number(v, "confidence_pct", f->confidence_pct);
	return v;
}

static const char *const trait_text[TRAIT_COUNT] = {
	[TRAIT_LONG_TAILED] =
		"One of the jobs runs far longer than the typical one, so it "
		"should start first and never be held up; the short ones fill "
		"in.",
	[TRAIT_LOCK_HOLDER] =
		"Tasks sleep until one particular task, which was preempted, "
		"runs again: it holds something they need, so it should be "
		"left to finish its turn.",
	[TRAIT_MIXED] =
		"Tasks with short bursts share the CPUs with tasks that "
		"compute for long: telling them apart by behaviour lets the "
		"short ones go ahead.",
	[TRAIT_WAKE_CHAIN] =
		"Most wakeups are one task handing work to another.",
	[TRAIT_FORK_HEAVY] = "Many short-lived tasks are started.",
	[TRAIT_HARDLY_WAITING] =
		"Tasks hardly ever wait for a CPU: no policy can gain much "
		"here.",
};

char *features_text(const struct features *f)
{
	struct buf b;

	buf_init(&b, 8192);
	buf_printf(&b,
		   "The %.0f CPUs were %.0f %% busy and a task waited for one "
		   "%.0f %% of the time: the machine is %ssaturated. Of the "
		   "time tasks could have run they waited %.0f %%. The goal is "
		   "%s.",
		   f->cpus, f->busy * 100, f->waiting * 100,
		   f->saturated ? "" : "not ", f->delay_share * 100,
		   bound_names[f->bound]);
	for (size_t i = 0; i < TRAIT_COUNT; i++)
		if (f->trait[i])
			buf_printf(&b, " %s", trait_text[i]);
	return buf_take(&b);
}
