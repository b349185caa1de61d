/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/demander/demand_decide.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A margin of error, so that 2.0000001 CPUs are not three. */
#define ALMOST 1e-6

/* ---- how much --------------------------------------------------------- */

void demand_divide(const struct demand_limits *l, const double *peak, size_t n,
		   double *sure)
{
	double sum = 0, room = fmax(l->cpus - l->leave, 0);

	for (size_t i = 0; i < n; i++) {
		sure[i] = peak[i] > 0 ? fmin(fmax(peak[i], l->min), l->max) : 0;
		sum += sure[i];
	}
	for (size_t i = 0; i < n && sum > room; i++)
		sure[i] *= room / sum;
}

unsigned demand_weight(const struct demand_limits *l, double sure, unsigned was,
		       double others)
{
	double share = sure / l->cpus, w;

	if (!(share > 0))
		return was;
	w = share < 1 ? ceil(others * share / (1 - share) - ALMOST)
		      : DEMAND_WEIGHT_MAX;
	if (!(w > was))
		return was;
	return w < DEMAND_WEIGHT_MAX ? (unsigned)w : DEMAND_WEIGHT_MAX;
}

double demand_hint_pct(double sure)
{
	return sure > 0 ? 100 * sure / ceil(sure - ALMOST) : 0;
}

void demand_layers(const struct demand_limits *l, const double *sure, size_t n,
		   unsigned *count)
{
	double leave = fmax(ceil(l->leave - ALMOST), 1);
	unsigned room = l->cpus > leave ? l->cpus - (unsigned)leave : 0;
	unsigned sum = 0, groups = 0;

	for (size_t i = 0; i < n; i++) {
		count[i] = sure[i] > 0 ? (unsigned)ceil(sure[i] - ALMOST) : 0;
		sum += count[i];
		groups += count[i] > 0;
	}
	if (groups > room) {
		memset(count, 0, n * sizeof(*count));
		return;
	}
	while (sum > room) {
		size_t largest = 0;

		for (size_t i = 1; i < n; i++)
			if (count[i] > count[largest])
				largest = i;
		count[largest]--;
		sum--;
	}
}

/* ---- when ------------------------------------------------------------- */

void demand_hold_init(struct demand_hold *h)
{
	*h = (struct demand_hold){.since = -1};
}

double demand_hold_next(struct demand_hold *h, double wanted, double linger_s,
			double now)
{
	double stir = DEMAND_STIR * fmax(h->is, 1);

	if (wanted > h->is + stir || (wanted > 0 && h->is <= 0)) {
		*h = (struct demand_hold){.is = wanted, .since = -1};
	} else if (wanted >= h->is - stir && (wanted > 0 || h->is <= 0)) {
		h->since = -1;
	} else if (h->since < 0) {
		h->since = now;
		h->most = wanted;
	} else {
		h->most = fmax(h->most, wanted);
		if (now - h->since >= linger_s)
			*h = (struct demand_hold){.is = h->most, .since = -1};
	}
	return h->is;
}

/* ---- whether ---------------------------------------------------------- */

void demand_trust_init(struct demand_trust *t)
{
	*t = (struct demand_trust){.distrust = 1, .before_pct = NAN};
}

static enum demand_verdict let_go(struct demand_trust *t)
{
	t->acts = false;
	t->well = 0;
	t->falls++;
	t->distrust *= 2;
	if (t->distrust > DEMAND_DISTRUST_MAX)
		t->distrust = DEMAND_DISTRUST_MAX;
	return DEMAND_LET_GO;
}

static enum demand_verdict look_back(struct demand_trust *t,
				     const struct demand_limits *l,
				     const struct demand_cycle *c, char *why,
				     size_t len)
{
	if (!c->better) {
		snprintf(why, len,
			 "the forecast was no better than the last value or "
			 "the last minute's mean");
		return let_go(t);
	}
	if (c->held && c->pressure_pct > t->before_pct + l->pressure_pct) {
		snprintf(why, len,
			 "it waited for CPUs %.1f %% of the time, and %.1f %% "
			 "before",
			 c->pressure_pct, t->before_pct);
		return let_go(t);
	}
	if (c->held && c->throttled > 0) {
		snprintf(why, len, "its cap stopped it in %.0f periods",
			 c->throttled);
		return let_go(t);
	}
	snprintf(why, len, "the cycle was as foretold");
	/* What is forgiven, is so slowly. */
	if (++t->well >= t->distrust && t->distrust > 1) {
		t->distrust /= 2;
		t->well = 0;
	}
	return DEMAND_GO_ON;
}

enum demand_verdict demand_trust_next(struct demand_trust *t,
				      const struct demand_limits *l,
				      const struct demand_cycle *c, char *why,
				      size_t len)
{
	if (t->acts)
		return look_back(t, l, c, why, len);
	if (!isnan(c->pressure_pct))
		t->before_pct = c->pressure_pct;
	t->well = c->better ? t->well + 1 : 0;
	if (t->well < t->distrust) {
		snprintf(why, len, "%u of %u cycles were foretold well",
			 t->well, t->distrust);
		return DEMAND_WAIT;
	}
	snprintf(why, len,
		 "the forecast is better than the last value and "
		 "the last minute's mean");
	t->acts = true;
	t->well = 0;
	return DEMAND_BEGIN;
}

bool demand_trust_lost(struct demand_trust *t)
{
	bool acted = t->acts;

	t->acts = false;
	t->well = 0;
	t->before_pct = NAN;
	return acted;
}
