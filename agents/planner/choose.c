/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which candidates are worth runs of a real kernel.  What was accepted for the
 * same workload comes first; each source gets a chance; what is left over goes
 * to where most is expected, by Thompson sampling of how often a source was
 * right (Thompson 1933).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/planner/state.h"
#include "base/mem.h"

#define SOME	 0.05 /* expected of what nobody can say anything about */
#define LEAST	 0.01
#define HOPELESS (-1e8)
/* How much better the simulator has to find another than what the rules say,
 * as a logarithm: it is off by so much itself. */
#define TRUST 0.15
#define Z95   1.96

/* ---- what is expected ------------------------------------------------- */

static void expect(const struct choice *c, struct candidate *k)
{
	const struct calibration *cal = &c->memory.calibration;
	const struct search_point *p = &k->point;
	double mean, sd, w, v, penalty = 0;

	if (c->searched && p->ratio > 0) {
		k->mean = cal->offset + cal->slope * log(p->ratio);
		k->sd = cal->sd;
		penalty = p->score - log(p->ratio);
	}
	if (memory_evidence(&c->memory, &p->p.params, &mean, &sd)) {
		w = 1 / (sd * sd);
		v = k->sd > 0 ? 1 / (k->sd * k->sd) : 0;
		k->mean = (w * mean + v * k->mean) / (w + v);
		k->sd = sqrt(1 / (w + v));
	}
	k->worth = k->mean + penalty;
}

static void look_up(struct choice *c, struct candidate *k)
{
	const struct policy_params *p = &k->point.p.params;

	k->warned = memory_warns(&c->memory, p);
	k->is_near = k->point.p.source == SOURCE_NEIGHBOUR &&
		     memory_is_near(&c->memory, p);
	k->gone = memory_knows(&c->memory, p) ||
		  (c->searched && k->point.score < HOPELESS);
	expect(c, k);
}

/* The first of what the rules say is their word. */
static void mark_first_rule(struct choice *c)
{
	struct proposal rule;

	if (!rules_propose(&c->f, &rule, 1))
		return;
	for (size_t i = 0; i < c->n; i++)
		c->v[i].first_rule = c->v[i].point.p.source == SOURCE_RULE &&
				     !memcmp(&c->v[i].point.p.params,
					     &rule.params, sizeof(rule.params));
}

/* ---- one after the other ---------------------------------------------- */

static bool is_hopeless(const struct candidate *k)
{
	return k->sd > 0 && k->worth + Z95 * k->sd < 0;
}

/* What is no news, or can hardly become the best, has to wait; what promises
 * nothing longer, and longest what a neighbour warns of. */
static int rank(const struct candidate *k)
{
	if (k->warned)
		return 3;
	return is_hopeless(k) ? 2 : k->point.like || k->beaten;
}

static void mark_beaten(struct choice *c)
{
	double top = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].gone && !c->v[i].warned && c->v[i].sd > 0)
			top = fmax(top, c->v[i].worth);
	for (size_t i = 0; i < c->n; i++)
		c->v[i].beaten = c->v[i].sd > 0 &&
				 c->v[i].worth + Z95 * c->v[i].sd < top;
}

/* The first that is left, of one source or (SOURCE_COUNT) any; NULL: none. */
static struct candidate *next_of(struct choice *c, enum source source)
{
	struct candidate *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		struct candidate *k = &c->v[i];

		if (k->taken || k->gone ||
		    (source != SOURCE_COUNT && k->point.p.source != source))
			continue;
		if (!best || rank(k) < rank(best))
			best = k;
	}
	return best;
}

/* A guest need not be asked what the simulator already refuses. */
static bool take(struct choice *c, struct candidate *k)
{
	if (!k || k->taken || k->gone)
		return false;
	if (c->searched && !k->first_rule && !k->is_near &&
	    !search_survives(c->search, &k->point.p)) {
		k->gone = true;
		return false;
	}
	k->taken = true;
	c->chosen++;
	return true;
}

static bool is_full(const struct choice *c, const struct planner_opts *o)
{
	return c->chosen >= (size_t)o->count;
}

/* At least this may be hoped for. */
static bool may_gain(const struct candidate *k)
{
	return k && rank(k) < 2;
}

static void give_each_a_chance(struct choice *c, const struct planner_opts *o)
{
	static const enum source order[] = {SOURCE_NEIGHBOUR, SOURCE_RULE,
					    SOURCE_OPTIMISER};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct candidate *k = next_of(c, order[i]);
		bool has = false;

		for (size_t j = 0; j < c->n; j++)
			has |= c->v[j].taken &&
			       c->v[j].point.p.source == order[i];
		while (!has && !is_full(c, o) && may_gain(k) && !take(c, k))
			k = next_of(c, order[i]);
	}
}

/* ---- Thompson sampling ------------------------------------------------ */

static double normal(struct rng *rng)
{
	double u = 1 - rng_unit(rng), v = rng_unit(rng);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Marsaglia and Tsang 2000, for a shape of 1 or more. */
static double gamma_of(double shape, struct rng *rng)
{
	double d = shape - 1.0 / 3, k = 1 / sqrt(9 * d);

	for (;;) {
		double x = normal(rng), v = pow(1 + k * x, 3);

		if (v > 0 &&
		    log(1 - rng_unit(rng)) < x * x / 2 + d - d * v + d * log(v))
			return d * v;
	}
}

/* How often a source may be right. */
static double luck(const struct memory *m, enum source s, struct rng *rng)
{
	double won, lost;

	if (!m->lessons)
		return 1;
	won = gamma_of(1 + m->won[s], rng);
	lost = gamma_of(1 + m->lost[s], rng);
	return won / (won + lost);
}

static double gain(const struct candidate *k)
{
	return k->sd > 0 ? fmax(expm1(k->worth), LEAST) : SOME;
}

static struct candidate *draw(struct choice *c, struct rng *rng)
{
	struct candidate *first = next_of(c, SOURCE_COUNT), *best = NULL;
	double most = -1;

	for (int s = 0; first && s < SOURCE_COUNT; s++) {
		struct candidate *k = next_of(c, (enum source)s);
		double x = luck(&c->memory, (enum source)s, rng);

		if (!k || rank(k) > rank(first) || x * gain(k) < most)
			continue;
		/* Between equals the search's own order counts. */
		if (best && x * gain(k) == most && k > best)
			continue;
		most = x * gain(k);
		best = k;
	}
	return best;
}

/* ---- the whole -------------------------------------------------------- */

static double promise(const struct candidate *k)
{
	return k->worth + (k->first_rule ? TRUST : 0);
}

static int by_worth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->taken != y->taken)
		return x->taken ? -1 : 1;
	if (x->is_near != y->is_near)
		return x->is_near ? -1 : 1;
	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (promise(x) != promise(y))
		return promise(x) > promise(y) ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Those taken to the front, the others gone. */
static void sort_out(struct choice *c, bool by_promise)
{
	size_t n = 0;

	if (by_promise)
		qsort(c->v, c->n, sizeof(*c->v), by_worth);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].taken)
			c->v[n++] = c->v[i];
	c->n = c->chosen = n;
}

static struct candidate *find_first(struct choice *c, bool near)
{
	for (size_t i = 0; i < c->n; i++)
		if ((near ? c->v[i].is_near : c->v[i].first_rule) &&
		    !c->v[i].gone && !c->v[i].warned)
			return &c->v[i];
	return NULL;
}

void choose(struct choice *c, const struct planner_opts *o)
{
	struct candidate *k;
	bool known = c->searched || c->memory.n;
	struct rng rng;

	rng_init(&rng, o->seed ^ 0x746f6d70);
	mark_first_rule(c);
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].place = i;
		look_up(c, &c->v[i]);
	}
	mark_beaten(c);
	if (!take(c, find_first(c, true)) || !is_full(c, o))
		take(c, find_first(c, false));
	give_each_a_chance(c, o);
	while (!is_full(c, o) && (k = draw(c, &rng)))
		take(c, k);
	sort_out(c, known);
}

/* The expected improvement (Mockus 1975) of a normal with what is expected. */
static double improvement(double mean, double sd, double best)
{
	double z = (mean - best) / sd;

	return (mean - best) * 0.5 * erfc(-z / M_SQRT2) +
	       sd * exp(-z * z / 2) / sqrt(2 * M_PI);
}

double choice_gain_pct(const struct choice *c)
{
	double most = 0;

	for (size_t i = 0; i < c->chosen; i++)
		if (c->v[i].sd > 0)
			most = fmax(most, improvement(c->v[i].worth, c->v[i].sd,
						      fmax(c->memory.best, 0)));
	return 100 * expm1(most);
}
