/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/rounds.h"
#include "base/mem.h"
#include "stats/sample.h"

/* ---- a round: every arm once ---- */

static void round_init(struct round *r, size_t max, size_t metrics)
{
	r->n = 0;
	r->arms = mem_zalloc(max, sizeof(*r->arms));
	r->order = mem_zalloc(max, sizeof(*r->order));
	r->room = mem_zalloc(max * metrics, sizeof(*r->room));
	for (size_t i = 0; i < max; i++)
		r->arms[i].values = r->room + i * metrics;
}

static void round_release(struct round *r)
{
	free(r->arms);
	free(r->order);
	free(r->room);
}

static void add_arm(struct round *r, enum arm_kind kind, struct candidate *c)
{
	r->arms[r->n].kind = kind;
	r->arms[r->n].c = c;
	r->arms[r->n++].valid = false;
}

static bool hopeless(const struct tally *t)
{
	return t->invalid >= 3 && verdict_too_many(t->invalid, t->runs);
}

bool round_go(struct verifier *v, struct group *g, struct round *r,
	      size_t number)
{
	evidence_order(number, r->n, r->order);
	for (size_t i = 0; i < r->n; i++)
		if (!run_arm(v, g, &r->arms[r->order[i]]))
			return false;
	if (!hopeless(&g->tally))
		return true;
	g->trouble =
		mem_printf("%zu of %zu runs under the kernel's own "
			   "scheduler were invalid: %s",
			   g->tally.invalid, g->tally.runs, g->tally.trouble);
	return false;
}

static void tell(const struct verifier *v, const struct group *g,
		 const struct candidate *c, enum phase phase, size_t i,
		 size_t of, const struct round *r, const struct arm *a)
{
	const struct metric *m = &g->w.metrics[0];
	double base = r->arms[0].values[0], cand = a->values[0];

	static const char *const names[] = {"screening", "pair",
					    "confirmation"};

	run_progress(v,
		     "%s %zu/%zu of '%s': %.2f (EEVDF %.4g %s, policy %.4g "
		     "%s)",
		     names[phase], i, of, verifier_title(c),
		     evidence_ratio(m->higher_is_better, base, cand), base,
		     m->unit, cand, m->unit);
}

static void keep_bound(struct group *g, const struct arm *a)
{
	g->bound = mem_realloc(g->bound, g->bound_n + 1, sizeof(*g->bound));
	g->bound[g->bound_n++] = a->values[0];
}

void round_keep(const struct verifier *v, struct group *g,
		const struct round *r, enum phase phase, size_t i, size_t of)
{
	for (size_t k = 1; k < r->n; k++) {
		const struct arm *a = &r->arms[k];
		struct candidate *c = a->c;
		struct pairs *p;

		if (!a->valid)
			continue;
		if (a->kind == ARM_BOUND) {
			keep_bound(g, a);
			continue;
		}
		if (!r->arms[0].valid)
			continue;
		p = a->kind == ARM_SHUFFLED ? &c->control
		    : phase == SCREENING    ? &c->screen
					    : &c->main;
		pairs_add(p, g->w.metric_count, r->arms[0].values, a->values);
		if (a->kind == ARM_POLICY)
			tell(v, g, c, phase, i, of, r, a);
	}
}

/* ---- the phases ---- */

bool rounds_in_play(const struct candidate *c)
{
	return candidate_alive(c) && !c->screened_out && !hopeless(&c->tally);
}

size_t round_arm_all(struct round *r, struct group *g)
{
	r->n = 0;
	add_arm(r, ARM_BASELINE, NULL);
	for (size_t i = 0; i < g->n; i++)
		if (rounds_in_play(g->c[i]))
			add_arm(r, ARM_POLICY, g->c[i]);
	return r->n - 1;
}

double rounds_ratio(const struct group *g, const struct pairs *p, size_t m)
{
	double *ratios, r;

	if (!p->n)
		return 0;
	ratios = mem_zalloc(p->n, sizeof(*ratios));
	for (size_t i = 0; i < p->n; i++)
		ratios[i] = evidence_ratio(g->w.metrics[m].higher_is_better,
					   p->base[i * p->metrics + m],
					   p->cand[i * p->metrics + m]);
	r = sample_median(ratios, p->n);
	free(ratios);
	return r;
}

/* Those that want another pair; without looks all go on until the last has
 * its pairs. */
static size_t arm_pairs(const struct verifier *v, struct round *r,
			struct group *g)
{
	bool all = false;

	for (size_t i = 0; i < g->n; i++)
		all |= looks_wanted(v, g->c[i]);
	if (!all)
		return 0;
	if (!v->o->sequential)
		return round_arm_all(r, g);
	r->n = 0;
	add_arm(r, ARM_BASELINE, NULL);
	for (size_t i = 0; i < g->n; i++)
		if (looks_wanted(v, g->c[i]))
			add_arm(r, ARM_POLICY, g->c[i]);
	return r->n - 1;
}

/* The bound's runs are spread evenly over the rounds that there will be. */
static bool bound_is_due(const struct verifier *v, const struct group *g,
			 long round)
{
	long n = v->o->pairs;

	if (v->o->sequential && n > VERIFIER_MIN_PAIRS)
		n = VERIFIER_MIN_PAIRS;
	return g->w.bound.len && g->bound_tally.runs < 2 * BOUND_RUNS &&
	       g->bound_n < BOUND_RUNS &&
	       (long)g->bound_n * n < BOUND_RUNS * (round + 1);
}

static void end_full(const struct verifier *v, struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if ((long)g->c[i]->main.n >= v->o->pairs &&
		    g->c[i]->ended == LOOK_ON)
			g->c[i]->ended = LOOK_FULL;
}

static bool measure(struct verifier *v, struct group *g, struct round *r)
{
	/* Invalid pairs are made up for, but not for ever. */
	long most = v->o->pairs + (v->o->pairs + 1) / 2;

	if (g->cut > 0)
		g->cut = CUT_PAIRS;
	for (long i = 0; i < most && arm_pairs(v, r, g); i++) {
		if (bound_is_due(v, g, i))
			add_arm(r, ARM_BOUND, NULL);
		if (!round_go(v, g, r, (size_t)i))
			return false;
		round_keep(v, g, r, PAIRING, (size_t)i + 1,
			   (size_t)v->o->pairs);
		if (v->o->sequential)
			looks_after_round(v, g);
	}
	end_full(v, g);
	return true;
}

/* Few pairs, or policies that failed early: the bound still needs its runs. */
static bool finish_bound(struct verifier *v, struct group *g, struct round *r)
{
	while (g->w.bound.len && g->bound_n < BOUND_RUNS &&
	       g->bound_tally.runs < 2 * BOUND_RUNS) {
		r->n = 0;
		add_arm(r, ARM_BOUND, NULL);
		if (!run_arm(v, g, &r->arms[0]))
			return false;
		if (r->arms[0].valid)
			keep_bound(g, &r->arms[0]);
	}
	return true;
}

static struct candidate *best_untried(const struct verifier *v,
				      const struct group *g)
{
	struct candidate *best = NULL;

	for (size_t i = 0; i < g->n; i++) {
		struct candidate *c = g->c[i];

		if (!rounds_in_play(c) || c->fresh ||
		    !verdict_promising(v, g, c))
			continue;
		if (!best || rounds_ratio(g, &c->main, 0) >
				     rounds_ratio(g, &best->main, 0))
			best = c;
	}
	return best;
}

static size_t confirm_pairs(const struct verifier *v)
{
	return v->o->bare ? BARE_CONFIRM : CONFIRM_PAIRS;
}

static bool confirm_one(struct verifier *v, struct group *g, struct round *r,
			struct candidate *c)
{
	size_t want = confirm_pairs(v), most = 2 * want, before = c->main.n;

	for (size_t i = 0; i < most && c->fresh < want && candidate_alive(c);
	     i++) {
		r->n = 0;
		add_arm(r, ARM_BASELINE, NULL);
		add_arm(r, ARM_POLICY, c);
		if (c->shuffled)
			add_arm(r, ARM_SHUFFLED, c);
		if (!round_go(v, g, r, i))
			return false;
		round_keep(v, g, r, CONFIRMING, i + 1, want);
		c->fresh = c->main.n - before;
	}
	return true;
}

/* The winner with fresh pairs; when it fails, the next best. */
static bool confirm(struct verifier *v, struct group *g, struct round *r)
{
	struct candidate *c, *winner = NULL;

	while (!winner && (c = best_untried(v, g))) {
		if (!confirm_one(v, g, r, c))
			return false;
		if (!c->fresh)
			break;
		c->confirmed = c->fresh >= confirm_pairs(v) &&
			       verdict_confirms(v, g, c);
		if (c->confirmed)
			winner = c;
	}
	for (size_t i = 0; winner && i < g->n; i++)
		g->c[i]->beaten = rounds_in_play(g->c[i]) && !g->c[i]->fresh;
	return true;
}

static bool choose(struct verifier *v, struct group *g, struct round *r)
{
	return v->o->halving ? rungs_halve(v, g, r) : rungs_screen(v, g, r);
}

void rounds_group(struct verifier *v, struct group *g)
{
	struct round r;

	round_init(&r, g->n + 3, g->w.metric_count);
	if (run_warm_up(v, g) && choose(v, g, &r) && v->o->finalists &&
	    measure(v, g, &r) && finish_bound(v, g, &r) && v->o->confirm)
		confirm(v, g, &r);
	round_release(&r);
}
