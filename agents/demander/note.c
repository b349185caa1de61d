/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was foretold, how well, and what came of it: the body of a note. */
#include <math.h>
#include <stdio.h>

#include "agents/demander/parts.h"
#include "base/buf.h"

#define TEXT_MAX 65536
#define MINUTE_S 60

/* What is not known is not told. */
static void number(struct json *v, const char *key, double x)
{
	if (isfinite(x))
		json_set_number(v, key, x);
}

static void set_errors(struct json *v, const struct demand *d)
{
	double e[DEMAND_GUESSES];
	size_t n = demand_errors(d, 0, e);

	json_set_number(v, "judged", (double)n);
	json_set_bool(v, "better", demand_is_better(d, 0));
	if (!n)
		return;
	json_set_number(v, "error", e[DEMAND_MODEL]);
	json_set_number(v, "error_last", e[DEMAND_LAST]);
	json_set_number(v, "error_mean", e[DEMAND_MEAN]);
}

static void set_deeds(struct json *v, const struct demander_group *g)
{
	json_set_number(v, "cycles", (double)g->cycles);
	json_set_number(v, "cycles_better", (double)g->well);
	json_set_number(v, "cycles_held", (double)g->held_cycles);
	json_set_number(v, "changes", (double)g->changes);
	json_set_number(v, "let_go", g->trust.falls);
	json_set_number(v, "distrust", g->trust.distrust);
	number(v, "pressure_before_pct", g->trust.before_pct);
	if (g->held_cycles)
		number(v, "pressure_pct", g->held_pct / (double)g->held_cycles);
	if (*g->why)
		json_set_string(v, "why", g->why);
}

static struct json *group_of(const struct demander_group *g, unsigned ahead)
{
	const struct demand *d = &g->demand;
	struct json *v = json_object();
	double known = 0, sum = 0;

	for (uint64_t i = 0; i < d->n && i < DEMAND_KEPT; i++)
		if (!isnan(d->x[i])) {
			known++;
			sum += d->x[i];
		}
	json_set_string(v, "cgroup", g->said);
	json_set_number(v, "samples", known);
	json_set_bool(v, "gone", g->gone);
	if (known)
		json_set_number(v, "mean", sum / known);
	if (d->now.begun) {
		json_set_number(v, "level", d->now.level);
		json_set_number(v, "trend_per_minute",
				d->now.trend * MINUTE_S / d->step_s);
	}
	if (d->period.steps > 0) {
		json_set_number(v, "period_s", d->period.steps * d->step_s);
		json_set_number(v, "period_strength", d->period.strength);
	}
	number(v, "forecast", demand_forecast(d, ahead));
	number(v, "peak", demand_peak(d));
	set_errors(v, d);
	if (g->tune.size)
		set_deeds(v, g);
	return v;
}

static void tell_one(struct buf *b, const struct demander_group *g)
{
	const struct demand *d = &g->demand;
	double e[DEMAND_GUESSES];

	buf_printf(b, "%s'%s': ", b->len ? "; " : "", g->said);
	if (d->period.steps > 0)
		buf_printf(b, "a period of %.1f s",
			   d->period.steps * d->step_s);
	else
		buf_puts(b, "no period");
	if (demand_errors(d, 0, e))
		buf_printf(b,
			   ", misses of %.3f CPUs (last value %.3f, mean of a "
			   "minute %.3f)",
			   e[DEMAND_MODEL], e[DEMAND_LAST], e[DEMAND_MEAN]);
	if (g->tune.size)
		buf_printf(b,
			   ", %zu cycles, %zu of them as foretold, %zu with "
			   "settings, let go %u times",
			   g->cycles, g->well, g->held_cycles, g->trust.falls);
}

struct json *demander_note(const struct demander *m)
{
	struct json *body = json_object(), *v = json_object(), *list;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < m->count; i++)
		tell_one(&b, &m->v[i]);
	json_set_string(body, "text", b.len ? b.data : "");
	buf_release(&b);
	json_set_number(v, "every_s", m->o->every_s);
	json_set_number(v, "lead_s", m->ahead * m->o->every_s);
	list = json_set(v, "cgroups", json_array());
	for (size_t i = 0; i < m->count; i++)
		json_add(list, group_of(&m->v[i], m->ahead));
	json_set(body, "demand", v);
	return body;
}
