/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/loop/decide.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/learner.h"
#include "base/err.h"
#include "base/mem.h"

#define Z95		1.959964
#define IDLE_ROUNDS	2   /* without improvement are enough */
#define GAP_ENOUGH_PCT	95  /* of the way to the bound */
#define ROUND_FIXED_S	12  /* two boots, loading, planning */
#define ROUND_FIXED_RUN 14  /* warm-up, pairs, confirmation of a winner */
#define TRY_RUNS	4   /* of each further candidate */
#define RUN_EXTRA_S	0.6 /* to attach and detach */

const char *const loop_source_names[LOOP_SOURCES] = {
	"rule", "neighbour", "optimiser", "model", "person",
};

const char *const loop_stop_names[] = {
	"",
	"goal",
	"bound",
	"rounds",
	"budget",
	"no expected gain",
	"interrupted",
};

/* ---- the best --------------------------------------------------------- */

/* The standard normal deviate that k draws exceed with 2.5 % in all, upwards;
 * by bisection. */
static double deviate(size_t k)
{
	double tail = 0.025 / (double)(k ? k : 1), lo = 0, hi = 10;

	for (int i = 0; i < 60; i++) {
		double mid = (lo + hi) / 2;

		if (erfc(mid / M_SQRT2) / 2 > tail)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

static double error_of(const struct loop_try *t)
{
	if (!(t->lo > 0) || !(t->hi > 0))
		return INFINITY;
	return (log(t->hi) - log(t->lo)) / (2 * Z95);
}

static bool is_beyond_doubt(const struct loop_try *fresh,
			    const struct loop_try *old, size_t contenders)
{
	double error = hypot(error_of(fresh), error_of(old));

	return log(fresh->measured) - log(old->measured) >
	       deviate(contenders) * error;
}

static double low_end(const struct loop_try *t)
{
	return isnan(t->lo) ? 0 : t->lo;
}

static const struct loop_try *winner(const struct loop_round *r)
{
	const struct loop_try *best = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const struct loop_try *t = &r->tries[i];

		if (t->judgement != LOOP_ACCEPTED || isnan(t->measured))
			continue;
		if (!best || low_end(t) > low_end(best) ||
		    (low_end(t) == low_end(best) &&
		     t->measured > best->measured))
			best = t;
	}
	return best;
}

const struct loop_try *loop_best(const struct loop_round *rounds, size_t n)
{
	const struct loop_try *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct loop_try *t = winner(&rounds[i]);

		if (t && (!best || is_beyond_doubt(t, best, rounds[i].n)))
			best = t;
	}
	return best;
}

/* ---- what may still be gained ----------------------------------------- */

/* What was measured so far against what was foretold. */
static void calibrate(const struct loop_view *v, struct calibration *c)
{
	double *foretold, *measured;
	size_t n = 0, all = 0;

	for (size_t i = 0; i < v->n; i++)
		all += v->rounds[i].n;
	foretold = mem_zalloc(all + 1, sizeof(*foretold));
	measured = mem_zalloc(all + 1, sizeof(*measured));
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = 0; k < v->rounds[i].n; k++) {
			const struct loop_try *t = &v->rounds[i].tries[k];

			if (!(t->predicted > 0) || !(t->measured > 0))
				continue;
			foretold[n] = log(t->predicted);
			measured[n++] = log(t->measured);
		}
	learner_calibrate(foretold, measured, n, c);
	free(foretold);
	free(measured);
}

static double promised(const struct calibration *c, const struct loop_try *t)
{
	struct expected e = {.ratio = INFINITY};

	if (t->predicted > 0)
		learner_expect(c, t->predicted, &e);
	return e.ratio;
}

double loop_gain_pct(const struct loop_view *v, const struct loop_round *r)
{
	const struct loop_try *best = loop_best(v->rounds, v->n);
	double most = 0, before = best ? best->measured : 1;
	struct calibration c;

	calibrate(v, &c);
	for (size_t k = 0; k < r->n; k++)
		most = fmax(most, promised(&c, &r->tries[k]));
	if (isinf(most))
		return NAN;
	if (best && best->predicted > 0)
		before = fmax(before, promised(&c, best));
	return (most / before - 1) * 100;
}

/* Rounds since the best changed. */
static size_t idle_rounds(const struct loop_view *v)
{
	const struct loop_try *before = NULL;
	size_t idle = 0;

	for (size_t i = 0; i < v->n && v->rounds[i].judged; i++) {
		const struct loop_try *best = loop_best(v->rounds, i + 1);

		idle = best && best != before ? 0 : idle + 1;
		before = best;
	}
	return idle;
}

/* ---- steps ------------------------------------------------------------ */

static void __attribute__((format(printf, 2, 3)))
say(struct loop_next *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

/* What was found is put to work before the end, but not by one who was told to
 * stop. */
static void finish(const struct loop_view *v, enum loop_stop stop,
		   struct loop_next *out)
{
	bool found = loop_best(v->rounds, v->n) != NULL;

	out->stop = stop;
	out->act = found && v->wants_deploy && !v->deployed &&
				   stop != LOOP_INTERRUPTED
			   ? LOOP_DEPLOY
			   : LOOP_STOP;
}

/* A round of n policies, as far as one can tell. */
static double round_seconds(const struct loop_view *v, long n)
{
	double seconds = 0;
	size_t rounds = 0, tries = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (!v->rounds[i].judged || !v->rounds[i].n)
			continue;
		seconds += v->rounds[i].seconds;
		tries += v->rounds[i].n;
		rounds++;
	}
	/* About half of it is there whatever is tried. */
	if (rounds)
		return seconds / (double)rounds *
		       (0.5 + 0.5 * (double)n * (double)rounds / (double)tries);
	return ROUND_FIXED_S + (v->run_s + RUN_EXTRA_S) *
				       (double)(ROUND_FIXED_RUN + TRY_RUNS * n);
}

static double time_left(const struct loop_view *v)
{
	return v->budget.seconds > 0 ? v->budget.seconds - v->spent.seconds
				     : INFINITY;
}

static bool model_is_paid(const struct loop_view *v)
{
	return v->model &&
	       !(v->budget.usd > 0 && v->spent.usd >= v->budget.usd) &&
	       !(v->budget.tokens > 0 && v->spent.tokens >= v->budget.tokens);
}

/* Of n, by how often the proposals of each side were accepted before (the mean
 * of a Beta distribution that began as uniform); neither is ever left out while
 * there is room for both. */
static long share_of_model(const struct loop_view *v, long n)
{
	double tried[2] = {0}, won[2] = {0}, rate[2];
	long share;

	if (!model_is_paid(v) || n < 2)
		return 0;
	for (size_t i = 0; i < LOOP_SOURCES; i++) {
		tried[i == LOOP_MODEL] += v->tried[i];
		won[i == LOOP_MODEL] += v->won[i];
	}
	for (int i = 0; i < 2; i++)
		rate[i] = (won[i] + 1) / (tried[i] + 2);
	share = lround((double)n * rate[1] / (rate[0] + rate[1]));
	return share < 1 ? 1 : share >= n ? n - 1 : share;
}

static void plan(const struct loop_view *v, struct loop_next *out)
{
	double left = time_left(v);
	long n = v->candidates;
	bool first = v->n == 0 || (v->n == 1 && !v->rounds[0].judged);

	/* What served a workload like this one is measured alone: when it holds
	 * here, too, that was all there is to pay. */
	if (first && v->near_ratio > 0)
		n = 1;
	while (n > 1 && round_seconds(v, n) > left)
		n--;
	if (round_seconds(v, n) > left) {
		say(out, "%.0f s are left, a round takes about %.0f s", left,
		    round_seconds(v, n));
		finish(v, LOOP_BUDGET, out);
		return;
	}
	out->act = LOOP_PLAN;
	out->model = share_of_model(v, n);
	out->builtin = n - out->model;
	if (first && v->near_ratio > 0)
		say(out, "a policy served a workload like this one: it is "
			 "tried alone");
	else if (v->model && !model_is_paid(v))
		say(out, "%ld candidates; the model's budget is used up", n);
	else if (out->model)
		say(out, "%ld candidates, %ld of them from the model", n,
		    out->model);
	else
		say(out, "%ld candidate%s", n, n == 1 ? "" : "s");
}

static void go_on(const struct loop_view *v, const struct loop_round *r,
		  struct loop_next *out)
{
	if (!r->planned) {
		plan(v, out);
		return;
	}
	if (!r->n) {
		say(out, "there is nothing new to try");
		finish(v, LOOP_NO_GAIN, out);
		return;
	}
	out->expected_gain_pct = loop_gain_pct(v, r);
	/* While nothing was found there is nothing to lose but the time, and
	 * what the simulator knows nothing of (locks, caches), it promises
	 * nothing for. */
	if (loop_best(v->rounds, v->n) &&
	    out->expected_gain_pct < v->min_effect_pct) {
		say(out,
		    "what is new promises %.1f %% over the best so far, less "
		    "than the %.3g %% that count",
		    out->expected_gain_pct, v->min_effect_pct);
		finish(v, LOOP_NO_GAIN, out);
		return;
	}
	if (time_left(v) <= 0) {
		say(out, "the %.0f s are over", v->budget.seconds);
		finish(v, LOOP_BUDGET, out);
		return;
	}
	out->act = LOOP_VERIFY;
	say(out, "%zu polic%s to measure", r->n, r->n == 1 ? "y" : "ies");
}

/* What served a workload like this one serves here as well, as far as one can
 * tell: the search was done there. */
static bool serves_again(const struct loop_view *v)
{
	const struct loop_round *r = &v->rounds[0];

	return v->near_ratio > 0 && v->n == 1 && r->judged && r->n == 1 &&
	       r->tries[0].source == LOOP_NEIGHBOUR &&
	       r->tries[0].judgement == LOOP_ACCEPTED &&
	       r->tries[0].hi >= v->near_ratio;
}

static bool is_over(const struct loop_view *v, struct loop_next *out)
{
	const struct loop_try *best = loop_best(v->rounds, v->n);
	size_t idle = idle_rounds(v);

	if (best && v->goal_ratio > 0 && low_end(best) >= v->goal_ratio) {
		say(out,
		    "%.2f times, at least %.2f: the goal of %.2f is "
		    "reached",
		    best->measured, best->lo, v->goal_ratio);
		finish(v, LOOP_GOAL, out);
	} else if (best && best->gap_closed_pct >= GAP_ENOUGH_PCT) {
		say(out, "%.0f %% of the gap to the bound are closed",
		    best->gap_closed_pct);
		finish(v, LOOP_BOUND, out);
	} else if (best && !(v->goal_ratio > 0) && serves_again(v)) {
		say(out,
		    "what is %.2f times better on a workload like this one is "
		    "%.2f times better here",
		    v->near_ratio, best->measured);
		finish(v, LOOP_NO_GAIN, out);
	} else if (v->budget.rounds > 0 && (long)v->n >= v->budget.rounds) {
		say(out, "%ld round%s done", v->budget.rounds,
		    v->budget.rounds == 1 ? " is" : "s are");
		finish(v, LOOP_ROUNDS, out);
	} else if (idle >= IDLE_ROUNDS) {
		say(out, "%zu rounds brought nothing better", idle);
		finish(v, LOOP_NO_GAIN, out);
	} else if (time_left(v) <= 0) {
		say(out, "the %.0f s are over", v->budget.seconds);
		finish(v, LOOP_BUDGET, out);
	} else {
		return false;
	}
	return true;
}

void loop_decide(const struct loop_view *v, struct loop_next *out)
{
	const struct loop_round *last = v->n ? &v->rounds[v->n - 1] : NULL;

	*out = (struct loop_next){.expected_gain_pct = NAN};
	if (v->interrupted) {
		say(out, "stopped on request");
		finish(v, LOOP_INTERRUPTED, out);
	} else if (!v->observed) {
		out->act = LOOP_OBSERVE;
		say(out, "nothing is known of the workload");
	} else if (last && !last->judged) {
		go_on(v, last, out);
	} else if (!is_over(v, out)) {
		plan(v, out);
	}
}

/* ---- options ---------------------------------------------------------- */

int loop_goal_parse(const char *text, char **name, double *ratio)
{
	const char *colon = strrchr(text, ':');
	char *end;

	*name = NULL;
	*ratio = 0;
	if (colon) {
		*ratio = strtod(colon + 1, &end);
		if (end == colon + 1 || *end || !(*ratio > 1 && *ratio <= 1e6))
			return err_set(EINVAL,
				       "'%s': behind the colon stands how many "
				       "times better is enough, such as 1.3",
				       text);
	}
	if (colon != text)
		*name = colon ? mem_strndup(text, (size_t)(colon - text))
			      : mem_strdup(text);
	return 0;
}

static bool read_time(const char *end, double *x)
{
	static const struct {
		const char *unit;
		double s;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(end, units[i].unit)) {
			*x *= units[i].s;
			return true;
		}
	return false;
}

static int budget_word(const char *word, struct loop_budget *b)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : 0;
	char *end = NULL;
	double x = value ? strtod(value + 1, &end) : 0;
	bool good = value && end != value + 1 && x > 0 && x < 1e12;

	if (good && len == 4 && !strncmp(word, "time", len) &&
	    read_time(end, &x))
		b->seconds = x;
	else if (good && !*end && len == 3 && !strncmp(word, "usd", len))
		b->usd = x;
	else if (good && !*end && len == 6 && !strncmp(word, "tokens", len))
		b->tokens = x;
	else
		return err_set(EINVAL, "'%s' is not time=S, usd=X or tokens=N",
			       word);
	return 0;
}

int loop_budget_parse(const char *text, struct loop_budget *b)
{
	char *copy = mem_strdup(text), *save = NULL;
	int rc = 0;

	for (char *w = strtok_r(copy, ",", &save); w && !rc;
	     w = strtok_r(NULL, ",", &save))
		rc = budget_word(w, b);
	free(copy);
	return rc;
}
