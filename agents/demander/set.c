/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is foretold becomes settings, and is looked back on. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/demander/parts.h"
#include "agents/host/holder.h"
#include "base/cgroup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define HARDLY 1e-6

/* ---- what it would be ------------------------------------------------- */

static uint32_t may_of(const struct demander *m)
{
	static const uint32_t bits[] = {[DEMANDER_WEIGHT] = KNOB_WEIGHT,
					[DEMANDER_CPUSET] = KNOB_CPUS,
					[DEMANDER_UCLAMP] = KNOB_UCLAMP};

	return bits[m->o->reserve] | (m->o->cap ? KNOB_MAX : 0);
}

static bool same(const struct knob_tune *a, const struct knob_tune *b)
{
	return a->set == b->set && a->cpu_weight == b->cpu_weight &&
	       a->uclamp_min_pct == b->uclamp_min_pct &&
	       !memcmp(a->cpus, b->cpus, sizeof(a->cpus));
}

/* The CPUs that a group's parent has, of which it may get some. */
static void cpus_there(const struct demander_group *g, const struct demander *m,
		       uint64_t out[static KNOBS_CPU_WORDS])
{
	char *up = demander_parent(g);
	char *text = cgroup_read(up, "cpuset.cpus.effective"), *at = text;

	memset(out, 0, KNOBS_CPU_WORDS * sizeof(*out));
	while (at && *at >= '0' && *at <= '9') {
		unsigned long from = strtoul(at, &at, 10), to = from;

		if (*at == '-')
			to = strtoul(at + 1, &at, 10);
		for (unsigned long c = from; c <= to && c < KNOBS_MAX_CPUS; c++)
			out[c / 64] |= 1ull << (c % 64);
		at += *at == ',';
	}
	if (!text)
		for (unsigned c = 0; c < m->limits.cpus; c++)
			out[c / 64] |= 1ull << (c % 64);
	free(text);
	free(up);
}

/* The last ones that nobody before it got; `taken` is added to.  False: there
 * are not so many, beside one that stays everybody's. */
static bool take_cpus(const struct demander *m, const struct demander_group *g,
		      unsigned n, uint64_t taken[static KNOBS_CPU_WORDS],
		      uint64_t out[static KNOBS_CPU_WORDS])
{
	uint64_t there[KNOBS_CPU_WORDS];
	unsigned first = 0;

	cpus_there(g, m, there);
	while (first < KNOBS_MAX_CPUS &&
	       !(there[first / 64] >> (first % 64) & 1))
		first++;
	for (unsigned c = KNOBS_MAX_CPUS; c-- > first + 1 && n;) {
		uint64_t bit = 1ull << (c % 64);

		if (!(there[c / 64] & ~taken[c / 64] & bit))
			continue;
		out[c / 64] |= bit;
		taken[c / 64] |= bit;
		n--;
	}
	return !n;
}

static void aim(const struct demander *m, struct demander_group *g,
		unsigned cpus, uint64_t taken[static KNOBS_CPU_WORDS],
		struct knob_tune *t)
{
	*t = (struct knob_tune){.size = sizeof(*t), .may = may_of(m)};
	snprintf(t->cgroup, sizeof(t->cgroup), "%s", g->dir);
	if (!(g->sure > 0))
		return;
	switch (m->o->reserve) {
	case DEMANDER_WEIGHT:
		t->cpu_weight = demand_weight(&m->limits, g->sure,
					      g->was_weight, g->others);
		t->set = t->cpu_weight > g->was_weight ? KNOB_WEIGHT : 0;
		t->cpu_weight = t->set ? t->cpu_weight : 0;
		break;
	case DEMANDER_CPUSET:
		if (cpus && take_cpus(m, g, cpus, taken, t->cpus))
			t->set = KNOB_CPUS;
		else
			memset(t->cpus, 0, sizeof(t->cpus));
		break;
	case DEMANDER_UCLAMP:
		t->uclamp_min_pct = round(demand_hint_pct(g->sure));
		t->set = KNOB_UCLAMP;
		break;
	}
	if (m->o->cap) {
		t->cpu_max_pct = fmax(100 * m->limits.max, 1);
		t->set |= KNOB_MAX;
	}
}

static void tell(const struct demander *m, const struct demander_group *g,
		 const struct knob_tune *t)
{
	const char *will = m->o->dry_run ? "would get" : "gets";
	char *cpus;

	if (!t->set) {
		demander_say(m, "'%s' %s what it had before", g->said, will);
	} else if (t->set & KNOB_CPUS) {
		cpus = knobs_cpus_text(t->cpus);
		demander_say(m, "'%s' %s the CPUs %s for %.2f", g->said, will,
			     cpus, g->sure);
		free(cpus);
	} else if (t->set & KNOB_WEIGHT) {
		demander_say(m, "'%s' %s the weight %u for %.2f CPUs", g->said,
			     will, t->cpu_weight, g->sure);
	} else if (t->set & KNOB_UCLAMP) {
		demander_say(m,
			     "'%s' %s a utilisation of %.0f %% for %.2f "
			     "CPUs",
			     g->said, will, t->uclamp_min_pct, g->sure);
	} else {
		demander_say(m, "'%s' %s its cap alone", g->said, will);
	}
}

/* ---- setting it ------------------------------------------------------- */

/* What one group is not given is no reason to end with the others. */
static int leave_alone(struct demander *m, struct demander_group *g, int rc)
{
	if (rc == -EPIPE)
		return rc;
	demander_say(m, "'%s' is left alone from now on: %s", g->said,
		     err_text());
	snprintf(g->why, sizeof(g->why), "%s", err_text());
	g->gone = true;
	return 0;
}

static int give(struct demander *m, struct demander_group *g, unsigned cpus,
		uint64_t taken[static KNOBS_CPU_WORDS])
{
	struct knob_tune t;
	int rc = 0;

	aim(m, g, cpus, taken, &t);
	if (same(&t, &g->tune))
		return 0;
	tell(m, g, &t);
	if (m->sets)
		rc = setter_tune(&m->setter, &t);
	if (rc)
		return leave_alone(m, g, rc);
	g->tune = t;
	g->changes++;
	return 0;
}

/* Whoever else there is, and what it has when it has nothing of ours. */
static void compare(const struct demander *m, struct demander_group *g)
{
	if (m->o->reserve != DEMANDER_WEIGHT)
		return;
	if (!(g->tune.set & KNOB_WEIGHT))
		g->was_weight = (unsigned)demander_weight(g->dir);
	g->others = demander_others(g);
}

static int give_all(struct demander *m)
{
	double wanted[DEMANDER_GROUPS_MAX], sure[DEMANDER_GROUPS_MAX];
	unsigned cpus[DEMANDER_GROUPS_MAX];
	uint64_t taken[KNOBS_CPU_WORDS] = {0};
	int rc = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct demander_group *g = &m->v[i];
		double peak =
			g->trust.acts && !g->gone ? demand_peak(&g->demand) : 0;

		if (!g->trust.acts || g->gone)
			demand_hold_init(&g->hold);
		wanted[i] =
			demand_hold_next(&g->hold, isnan(peak) ? 0 : peak,
					 m->limits.linger_s, clock_monotonic());
	}
	demand_divide(&m->limits, wanted, m->count, sure);
	demand_layers(&m->limits, sure, m->count, cpus);
	for (size_t i = 0; i < m->count && !rc; i++) {
		struct demander_group *g = &m->v[i];

		if (g->gone)
			continue;
		if (sure[i] > 0 && fabs(sure[i] - g->sure) > HARDLY)
			compare(m, g);
		g->sure = sure[i];
		rc = give(m, g, cpus[i], taken);
	}
	return rc;
}

/* ---- looking back ----------------------------------------------------- */

static void begin_cycle(struct demander_group *g)
{
	g->cycle_from = g->demand.n;
	g->began = g->now;
	g->held = g->trust.acts;
}

static double share_pct(const struct demander_counts *from,
			const struct demander_counts *to)
{
	double us = (to->cpu.at_s - from->cpu.at_s) * 1e6;

	return to->cpu.known && from->cpu.known && us > 0 &&
			       to->cpu.waited_us >= from->cpu.waited_us
		       ? 100 *
				 (double)(to->cpu.waited_us -
					  from->cpu.waited_us) /
				 us
		       : NAN;
}

static void end_cycle(struct demander *m, struct demander_group *g)
{
	struct demand_cycle c = {
		.better = demand_is_better(&g->demand,
					   demand_slots(&g->demand.period)),
		.held = g->held,
		.pressure_pct = share_pct(&g->began, &g->now),
		.throttled =
			m->o->cap ? g->now.throttled - g->began.throttled : 0,
	};
	enum demand_verdict v = demand_trust_next(&g->trust, &m->limits, &c,
						  g->why, sizeof(g->why));

	g->cycles++;
	g->well += c.better;
	g->held_cycles += c.held;
	if (c.held && !isnan(c.pressure_pct))
		g->held_pct += c.pressure_pct;
	if (v == DEMAND_BEGIN)
		demander_say(m, "'%s' is foretold from now on: %s", g->said,
			     g->why);
	else if (v == DEMAND_LET_GO)
		demander_say(m,
			     "'%s' is let go: %s; %u good cycles are needed "
			     "now",
			     g->said, g->why, g->trust.distrust);
	begin_cycle(g);
}

static void look_back(struct demander *m, struct demander_group *g)
{
	const struct demand *d = &g->demand;

	if (d->since != g->period_since || d->period.steps <= 0) {
		if (demand_trust_lost(&g->trust)) {
			snprintf(g->why, sizeof(g->why),
				 "it has no period any more, or another one");
			demander_say(m, "'%s' is let go: %s", g->said, g->why);
		}
		g->period_since = d->since;
		begin_cycle(g);
	} else if ((double)(d->n - g->cycle_from) >= d->period.steps &&
		   demand_errors(d, 0, (double[DEMAND_GUESSES]){0}) >=
			   demand_slots(&d->period)) {
		end_cycle(m, g);
	}
}

int demander_set(struct demander *m)
{
	if (m->sets && !setter_alive(&m->setter, 0))
		return err_set(EIO, "the process that had set the cgroups was "
				    "ended");
	for (size_t i = 0; i < m->count; i++)
		if (!m->v[i].gone)
			look_back(m, &m->v[i]);
	return give_all(m);
}

/* ---- before and after ------------------------------------------------- */

static int check(struct demander *m)
{
	int rc = 0;

	for (size_t i = 0; i < m->count && !rc; i++) {
		struct demander_group *g = &m->v[i];

		g->tune.size = sizeof(g->tune);
		g->tune.may = may_of(m);
		snprintf(g->tune.cgroup, sizeof(g->tune.cgroup), "%s", g->dir);
		rc = knob_tune_look(&g->tune, !m->o->dry_run);
	}
	return rc;
}

static void tell_others(const struct demander *m)
{
	struct json *body = json_object(), *scope = json_object();
	char since[CLOCK_TEXT_LEN];

	clock_text(clock_wall(), since);
	json_set_string(body, "title", "what cgroups will want, foretold");
	json_set_string(body, "since", since);
	json_set_string(scope, "cgroup", m->v[0].dir);
	json_set(body, "scope", scope);
	holder_write(body);
	json_free(body);
}

static int start(struct demander *m)
{
	struct knob_request *r = mem_zalloc(1, sizeof(*r));
	int rc;

	r->size = sizeof(*r);
	r->verb = KNOB_TUNE;
	rc = setter_start(&m->setter, r);
	free(r);
	m->sets = !rc;
	return rc;
}

int demander_set_open(struct demander *m)
{
	int rc = check(m);

	if (rc || m->o->dry_run)
		return rc;
	m->lock = holder_lock();
	if (m->lock < 0)
		return m->lock;
	rc = start(m);
	if (!rc)
		tell_others(m);
	return rc;
}

int demander_set_close(struct demander *m)
{
	int rc;

	if (!m->sets)
		return 0;
	rc = setter_end(&m->setter);
	m->sets = false;
	for (size_t i = 0; i < m->setter.left.len; i++)
		demander_say(m, "left as it is: %s", m->setter.left.v[i]);
	holder_clear();
	setter_release(&m->setter);
	return rc;
}
