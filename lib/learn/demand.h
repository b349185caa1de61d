/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many CPUs a cgroup will want soon, from how many it wanted so far.
 *
 * The series is one number for each step of time: CPUs (1.5 is one and a half
 * of them), or NAN where nothing is known.
 *
 * Level and trend: exponential smoothing with a damped trend; with a period, an
 * additive seasonal part as well.  In the form that corrects errors (Hyndman,
 * Koehler, Ord and Snyder 2008, "Forecasting with Exponential Smoothing", table
 * 2.1, (A,Ad,N) and (A,Ad,A)), e being what came minus what was foretold:
 *
 *	level = level + phi trend + alpha e
 *	trend = phi trend + beta e,  beta = alpha / 10, phi = 0.9
 *	season[slot] = season[slot] + gamma e
 *	forecast(h) = level + (phi + ... + phi^h) trend + season[slot of then]
 *
 * alpha and gamma are those of a small grid that would have missed least over
 * what is remembered, or its last DEMAND_FOLDS periods (at least twice as far
 * as it looks ahead).  A sample that is missing is taken to be as foretold.
 *
 * Period: a lag at which the autocorrelation of the detrended series has a
 * local maximum, beyond its first minimum, above sqrt(2 ln(K / 0.01) / n): the
 * band of white noise (Bartlett 1946: 1 / sqrt(n), n pairs) for the highest of
 * K lags at one in a hundred (the Gaussian tail's bound and Bonferroni's).
 * What wanders has such lags, too, so the period has to foretell as well: the
 * last up to eight cycles, each without its own mean, are foretold by the mean
 * of the others, slot by slot, and DEMAND_STRENGTH of their variance has to go
 * away by that (cross-validation, one cycle left out).  At least three whole
 * cycles are needed.  It need not be a whole number of steps.  It is looked for
 * anew as time goes on, and lost when it foretells less than DEMAND_LEAST: one
 * spoilt cycle does not end it.
 *
 * Nothing here reads a clock, or anything else.
 */
#ifndef SCHEDKIT_LEARN_DEMAND_H
#define SCHEDKIT_LEARN_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMAND_KEPT	  1024 /* samples that are remembered */
#define DEMAND_CYCLES	  3    /* that a period needs at least */
#define DEMAND_FOLDS	  8    /* of which a period is told, at most */
#define DEMAND_PERIOD_MIN 4    /* steps */
#define DEMAND_PERIOD_MAX (DEMAND_KEPT / DEMAND_CYCLES)
#define DEMAND_STRENGTH	  0.3
#define DEMAND_LEAST	  0.2
#define DEMAND_AHEAD_MAX  64  /* steps */
#define DEMAND_MISSES	  256 /* that are remembered */
/* A forecast is better than another if its misses are less than this of it. */
#define DEMAND_BETTER 0.9

/* Of what is kept about a cgroup, as it counts on. */
struct demand_reading {
	double at_s;	    /* of a clock that never goes back */
	uint64_t usage_us;  /* of CPU time */
	uint64_t waited_us; /* in which at least one of its tasks waited for a
			       CPU; 0: not known */
	bool known;	    /* false: it could not be read */
};

/*
 * The CPUs that it wanted between two readings: what it used, and one more for
 * the share of the time in which something of it waited.  That is the least
 * that it would have used alone.  NAN: one is not known, no time has passed, or
 * a counter went back: it is another cgroup of that name.
 */
double demand_between(const struct demand_reading *was,
		      const struct demand_reading *now);

/* steps 0: there is none. */
struct demand_period {
	double steps;
	double strength; /* share of the variance that it foretells */
};

/* In n samples, of which at most the last DEMAND_KEPT count; `known`, if any,
 * stays unless another one is clearly stronger. */
struct demand_period demand_find_period(const double *x, size_t n,
					const struct demand_period *known);

/* Of sample i, counted from the first ever; period.steps > 0. */
unsigned demand_slot(const struct demand_period *p, uint64_t i);
unsigned demand_slots(const struct demand_period *p);

enum demand_guess {
	DEMAND_MODEL,
	DEMAND_LAST, /* it will be as it is */
	DEMAND_MEAN, /* as it was on average over the last minute */
	DEMAND_GUESSES,
};

struct demand_state {
	double level, trend; /* CPUs; CPUs each step */
	double season[DEMAND_PERIOD_MAX + 1];
	bool begun;
};

struct demand {
	double step_s;
	unsigned ahead; /* steps that a forecast is judged at */
	double quantile;
	double x[DEMAND_KEPT]; /* of sample i at i % DEMAND_KEPT */
	uint64_t n;	       /* samples so far */
	struct demand_period period;
	uint64_t since; /* sample when the period was found, or lost */
	double alpha, gamma;
	struct demand_state now;
	/* Of what was foretold for sample i, at i % that; NAN: nothing. */
	double told[DEMAND_AHEAD_MAX + 1][DEMAND_GUESSES];
	/* What came minus that, since the period was found. */
	double miss[DEMAND_MISSES][DEMAND_GUESSES];
	uint64_t misses;
};

/* ahead: 1 to DEMAND_AHEAD_MAX; quantile: below 1, of the misses that the upper
 * forecast allows for. */
void demand_init(struct demand *d, double step_s, unsigned ahead,
		 double quantile);

/* The next sample; NAN: missing. */
void demand_add(struct demand *d, double cpus);

/* So many steps from the last sample on; never below 0; NAN: too early. */
double demand_forecast(const struct demand *d, unsigned steps);
/* The highest of the next `ahead` steps, and above it as much as so large a
 * share (quantile) of the misses so far would have needed. */
double demand_peak(const struct demand *d);

/* The mean size of the last n misses (0: all that are remembered); returns how
 * many there were. */
size_t demand_errors(const struct demand *d, size_t n,
		     double out[static DEMAND_GUESSES]);
/* Over the last n there were enough misses to tell, and it was better than
 * both of the naive guesses. */
bool demand_is_better(const struct demand *d, size_t n);

#endif
