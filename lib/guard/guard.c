/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/guard.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "stats/sample.h"

void guard_init(struct guard *g, const struct guard_rule *r)
{
	*g = (struct guard){.rule = *r, .bound = NAN, .before = NAN};
}

void guard_before(struct guard *g, double value)
{
	if (isfinite(value))
		g->early[g->earlier++ % GUARD_BEFORE] = value;
}

int guard_arm(struct guard *g, double now)
{
	const struct guard_rule *r = &g->rule;
	size_t n = g->earlier < GUARD_BEFORE ? g->earlier : GUARD_BEFORE;

	if (n)
		g->before = sample_median(g->early, n);
	if (r->relative && !n)
		return err_set(ENODATA,
			       "guard '%s': there is nothing before to compare "
			       "with; give it a bound of its own",
			       r->name);
	if (r->relative && r->at_least && !(g->before > 0))
		return err_set(ENODATA,
			       "guard '%s': it was 0 before, there is nothing "
			       "to compare with; give it a bound of its own",
			       r->name);
	g->bound = r->relative
			   ? r->bound * fmax(g->before, guard_least(r->kind))
			   : r->bound;
	g->armed = true;
	g->tripped = false;
	g->armed_at = g->last = now;
	g->score_s = 0;
	g->taken = 0;
	return 0;
}

/* Above 0 violated, below 0 well, 0 neither. */
static int judge(const struct guard *g, double value)
{
	double room = GUARD_ROOM * fabs(g->bound);

	if (isnan(value))
		return 1;
	if (g->rule.at_least) {
		value = -value;
		return value > -g->bound	  ? 1
		       : value < -g->bound - room ? -1
						  : 0;
	}
	return value > g->bound ? 1 : value <= g->bound - room ? -1 : 0;
}

bool guard_take(struct guard *g, double t, double value)
{
	double window = g->rule.window_s, dt = t - g->last;
	int side;

	if (!g->armed || g->tripped)
		return false;
	side = judge(g, value);
	g->kept[g->taken++ % GUARD_KEPT] = (struct guard_sample){t, value};
	/* One that tells of a long time is still one. */
	dt = fmin(fmax(dt, 0), window / 2);
	g->last = fmax(t, g->last);
	g->score_s = fmin(fmax(g->score_s + side * dt, 0), window);
	/* Halves of a window may not add up to the last bit. */
	g->tripped = side > 0 && g->score_s >= window * (1 - 1e-9);
	return g->tripped;
}

size_t guard_samples(const struct guard *g,
		     struct guard_sample out[static GUARD_KEPT])
{
	size_t n = g->taken < GUARD_KEPT ? g->taken : GUARD_KEPT;

	for (size_t i = 0; i < n; i++)
		out[i] = g->kept[(g->taken - n + i) % GUARD_KEPT];
	return n;
}

void guard_words(const struct guard *g, char *out, size_t size)
{
	const struct guard_rule *r = &g->rule;
	double last = g->kept[(g->taken + GUARD_KEPT - 1) % GUARD_KEPT].value;
	char value[48], bound[48], before[48], times[80] = "", held[32] = "";

	guard_value_words(r->kind, last, value, sizeof(value));
	guard_value_words(r->kind, g->bound, bound, sizeof(bound));
	guard_value_words(r->kind, g->before, before, sizeof(before));
	if (r->relative)
		snprintf(times, sizeof(times), " (%.3gx of %s before)",
			 r->bound, before);
	if (r->window_s > 0)
		snprintf(held, sizeof(held), " for %.3g s", r->window_s);
	if (isnan(last))
		snprintf(out, size, "%s was told no more%s", r->name, held);
	else
		snprintf(out, size, "%s was %s%s, and %s %s%s is allowed",
			 r->name, value, held,
			 r->at_least ? "at least" : "at most", bound, times);
}
