/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/state.h"
#include "base/mem.h"
#include "policy/built.h"
#include "policy/form.h"

/* Quiet machines have it wait for a tenth of the time at most. */
#define MAX_WAIT_PCT	  33
#define DEFAULT_SEED_STEP 1000003 /* metrics draw from streams of their own */

struct evidence_rule verdict_rule(const struct verifier *v,
				  const struct group *g, size_t metric)
{
	const struct metric *m = &g->w.metrics[metric];
	struct evidence_rule rule = {
		.higher_is_better = m->higher_is_better,
		.min_effect_pct = v->o->min_effect_pct,
		.guard_pct = v->o->guard_pct,
		.seed = v->o->seed + metric * DEFAULT_SEED_STEP,
	};

	for (size_t i = 0; i < v->o->guard_count; i++)
		if (!strcmp(v->o->guards[i].metric, m->name))
			rule.guard_pct = v->o->guards[i].pct;
	return rule;
}

bool verdict_too_many(size_t invalid, size_t runs)
{
	return 3 * invalid > runs;
}

void verdict_judge(const struct verifier *v, const struct group *g,
		   const struct pairs *p, size_t m, struct evidence *e)
{
	struct evidence_rule rule = verdict_rule(v, g, m);
	double *base = pairs_column(p, p->base, m);
	double *cand = pairs_column(p, p->cand, m);

	evidence_judge(&rule, base, cand, p->n, e);
	free(base);
	free(cand);
}

/* The first guard that failed; 0: none did. */
static size_t failed_guard(const struct verifier *v, const struct group *g,
			   const struct candidate *c, struct evidence *e)
{
	for (size_t m = 1; m < g->w.metric_count; m++) {
		verdict_judge(v, g, &c->main, m, e);
		if (e->guard_failed)
			return m;
	}
	return 0;
}

bool verdict_guard_failed(const struct verifier *v, const struct group *g,
			  const struct candidate *c)
{
	struct evidence e;

	return failed_guard(v, g, c, &e);
}

static bool too_many_invalid(const struct group *g, const struct candidate *c)
{
	return verdict_too_many(c->tally.invalid + g->tally.invalid,
				c->tally.runs + g->tally.runs);
}

double verdict_wait_pct(const struct group *g, const struct candidate *c)
{
	const struct cpu_wait *a = &g->tally.wait, *b = &c->tally.wait;
	struct cpu_wait both = {a->ran_ns + b->ran_ns,
				a->waited_ns + b->waited_ns};

	return c->from ? c->from->wait_pct : cpu_wait_pct(&both);
}

/* What a guest measures then is how it was interrupted. */
static bool too_busy(const struct group *g, const struct candidate *c)
{
	return verdict_wait_pct(g, c) > MAX_WAIT_PCT;
}

/* A stage that was named but could not run; STAGE_COUNT: none. */
static size_t missing_stage(const struct verifier *v, const struct candidate *c)
{
	for (size_t i = 0; i < STAGE_COUNT; i++)
		if (v->o->stages & 1u << i &&
		    c->stages[i].status == STATUS_SKIPPED)
			return i;
	return STAGE_COUNT;
}

/* Without these no policy is ever accepted, asked for or not. */
static size_t unasked_stage(const struct verifier *v)
{
	static const enum stage_id needed[] = {STAGE_LINT,   STAGE_BUILD,
					       STAGE_PROVE,  STAGE_SIM,
					       STAGE_KERNEL, STAGE_RUN};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!stage_wanted(v, needed[i]))
			return needed[i];
	return STAGE_COUNT;
}

/*
 * What could not be proved may be shown by the simulator, or nothing may.
 * Nobody wrote an external scheduler for this: who owns the machine has put it
 * there, and how it runs under the kernel's eyes is all there is to judge.
 */
static bool unproved(const struct candidate *c)
{
	if (policy_form(c->policy->body) == FORM_EXTERNAL)
		return false;
	/* Code is shown to behave, whatever was proved of it. */
	if (built_wanted(c->policy->body) &&
	    c->stages[STAGE_SIM].status == STATUS_UNKNOWN)
		return true;
	return c->stages[STAGE_PROVE].status == STATUS_UNKNOWN &&
	       c->stages[STAGE_SIM].status != STATUS_PASSED;
}

/* Why, as the stage that could not tell says it. */
static const char *unproved_why(const struct candidate *c)
{
	bool prove = c->stages[STAGE_PROVE].status == STATUS_UNKNOWN;
	enum stage_id id = prove ? STAGE_PROVE : STAGE_SIM;

	return json_as_string(json_path(c->stages[id].findings, "0.text"),
			      "too many paths");
}

/* With looks, nothing but having been decided is an answer. */
static bool looks_allow(const struct verifier *v, const struct candidate *c)
{
	return !v->o->sequential || c->ended == LOOK_DECIDED;
}

bool verdict_promising(const struct verifier *v, const struct group *g,
		       const struct candidate *c)
{
	struct evidence e;

	if (c->main.n < VERIFIER_MIN_PAIRS || too_many_invalid(g, c) ||
	    missing_stage(v, c) != STAGE_COUNT || unproved(c) ||
	    unasked_stage(v) != STAGE_COUNT || !looks_allow(v, c) ||
	    too_busy(g, c))
		return false;
	verdict_judge(v, g, &c->main, 0, &e);
	return e.effect == EFFECT_BETTER && !failed_guard(v, g, c, &e);
}

bool verdict_confirms(const struct verifier *v, const struct group *g,
		      const struct candidate *c)
{
	struct evidence_rule rule = verdict_rule(v, g, 0);
	double *base = pairs_column(&c->main, c->main.base, 0);
	double *cand = pairs_column(&c->main, c->main.cand, 0);
	bool yes = evidence_confirms(&rule, base, cand, c->main.n, c->fresh);

	free(base);
	free(cand);
	return yes;
}

/* ---- the decision ---- */

static void say(struct candidate *c, const char *decision, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct candidate *c, const char *decision, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->decision = decision;
	c->why = mem_strdup(text);
}

/* A no that the runs gave: the run stage carries it as its finding. */
static void reject_run(struct candidate *c, const char *rule, const char *fmt,
		       ...) __attribute__((format(printf, 3, 4)));

static void reject_run(struct candidate *c, const char *rule, const char *fmt,
		       ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	stage_fail(c, STAGE_RUN, rule, "%s", text);
	say(c, "rejected", "%s", text);
}

static bool decide_failed(struct candidate *c)
{
	for (size_t i = 0; i < STAGE_COUNT; i++) {
		const struct json *f = c->stages[i].findings;

		if (c->stages[i].status != STATUS_FAILED)
			continue;
		/* What failed it came after what merely was noticed. */
		for (size_t k = json_len(f); k-- > 0;) {
			const char *rule = json_as_string(
				json_get(json_at(f, k), "rule"), "");

			if (!strcmp(rule, "verifier") && k > 0)
				continue;
			say(c, "rejected", "stage %s failed: %s",
			    verifier_stage_names[i],
			    json_as_string(json_get(json_at(f, k), "text"),
					   "no reason was given"));
			return true;
		}
	}
	return false;
}

/* Stages that acceptance cannot do without. */
static bool decide_stages(const struct verifier *v, struct candidate *c,
			  const char *what)
{
	size_t missing = missing_stage(v, c), unasked = unasked_stage(v);

	if (missing != STAGE_COUNT)
		say(c, "inconclusive",
		    "%s; stage %s was asked for and did not run: %s", what,
		    verifier_stage_names[missing],
		    json_as_string(
			    json_path(c->stages[missing].findings, "0.text"),
			    "skipped"));
	else if (unasked != STAGE_COUNT)
		say(c, "inconclusive", "%s; stage %s was not asked for", what,
		    verifier_stage_names[unasked]);
	else if (unproved(c))
		say(c, "inconclusive",
		    "%s; stage prove could not tell or stage sim did not "
		    "pass: %s",
		    what, unproved_why(c));
	return c->why;
}

static bool decide_unmeasured(const struct verifier *v, const struct group *g,
			      struct candidate *c)
{
	if (v->cancelled)
		say(c, "inconclusive", "interrupted before the end");
	else if (c->lost)
		say(c, "inconclusive", "%s", c->lost);
	else if (v->failed)
		say(c, "inconclusive", "it could not be tried: %s", v->failure);
	else if (g->trouble)
		say(c, "inconclusive", "%s", g->trouble);
	else if (c->stages[STAGE_RUN].status == STATUS_SKIPPED &&
		 !decide_stages(v, c, "no stage that ran speaks against it"))
		say(c, "inconclusive",
		    "it loads, but there is no command to measure it with");
	return c->why;
}

const struct pairs *verdict_pairs(const struct candidate *c)
{
	return c->main.n ? &c->main : &c->screen;
}

static void decide_screened(const struct verifier *v, const struct group *g,
			    struct candidate *c)
{
	struct evidence e;

	verdict_judge(v, g, &c->screen, 0, &e);
	if (!v->o->finalists)
		say(c, "inconclusive",
		    "only looked at: %s %.2f times the kernel's own in %zu "
		    "run%s",
		    g->w.metrics[0].name, e.ratio, e.pairs,
		    e.pairs == 1 ? "" : "s");
	else
		reject_run(c, "screening",
			   "not among the %ld finalists: %s %.2f times the "
			   "kernel's own in %zu screening run%s%s",
			   v->o->finalists, g->w.metrics[0].name, e.ratio,
			   e.pairs, e.pairs == 1 ? "" : "s",
			   c->shortened ? " of the short command" : "");
}

static bool decide_few(const struct verifier *v, const struct group *g,
		       struct candidate *c)
{
	if (c->screened_out && c->screen.n) {
		decide_screened(v, g, c);
	} else if (too_many_invalid(g, c) || !c->main.n) {
		const struct tally *t =
			c->tally.invalid ? &c->tally : &g->tally;

		say(c, "inconclusive",
		    "%zu of %zu runs were invalid, the "
		    "last: %s",
		    c->tally.invalid + g->tally.invalid,
		    c->tally.runs + g->tally.runs,
		    t->trouble ? t->trouble : "no pair was measured");
	}
	return c->why;
}

/* "makespan is 1.31 times as good as under … (95 % interval …, 8 pairs)" */
static char *figures(const struct group *g, size_t m, const struct evidence *e)
{
	return mem_printf("%s is %.3g times as good as under the kernel's own "
			  "scheduler (95 %% interval %.3g to %.3g, %zu pairs)",
			  g->w.metrics[m].name, e->ratio, e->lo, e->hi,
			  e->pairs);
}

static bool decide_against(const struct verifier *v, const struct group *g,
			   struct candidate *c, const struct evidence *goal,
			   const char *what)
{
	struct evidence e;
	size_t guard = failed_guard(v, g, c, &e);

	if (guard) {
		char *also = figures(g, guard, &e);

		reject_run(c, "guard", "%s, but the guarded %s", what, also);
		free(also);
	} else if (goal->effect == EFFECT_WORSE) {
		reject_run(c, "worse", "%s: worse", what);
	} else if (goal->ratio < 1 + v->o->min_effect_pct / 100) {
		reject_run(c, "not-better", "%s: less than the %g %% asked for",
			   what, v->o->min_effect_pct);
	}
	return c->why;
}

static void decide_for(const struct verifier *v, const struct group *g,
		       struct candidate *c, const struct evidence *goal,
		       const char *what)
{
	if (decide_stages(v, c, what))
		return;
	if (too_busy(g, c))
		say(c, "inconclusive",
		    "%s: but this machine was busy with other things, the "
		    "guest had to wait for its CPUs for %.0f %% of the time; "
		    "measure again when it is quiet",
		    what, verdict_wait_pct(g, c));
	else if (c->outdone)
		say(c, "inconclusive",
		    "%s: its pairs were ended, another policy is better", what);
	else if (c->ended == LOOK_FUTILE)
		say(c, "inconclusive",
		    "%s: its pairs were ended, more of them would hardly have "
		    "excluded chance",
		    what);
	else if (!looks_allow(v, c))
		say(c, "inconclusive",
		    "%s: a look after each pair included, chance is not "
		    "excluded; more pairs are needed",
		    what);
	else if (goal->effect != EFFECT_BETTER)
		say(c, "inconclusive",
		    "%s: the interval does not exclude chance; more pairs "
		    "are needed",
		    what);
	else if (c->main.n < VERIFIER_MIN_PAIRS)
		say(c, "inconclusive",
		    "%s: fewer than %d pairs are never "
		    "accepted",
		    what, VERIFIER_MIN_PAIRS);
	else if (!v->o->confirm)
		say(c, "inconclusive", "%s: not confirmed, as asked for", what);
	else if (c->beaten)
		say(c, "inconclusive",
		    "%s: not confirmed, another policy was "
		    "better",
		    what);
	else if (!c->confirmed)
		say(c, "inconclusive",
		    "%s, but a separate confirmation run did not agree", what);
	else
		say(c, "accepted",
		    "%s, no guard got worse beyond its bound, and a separate "
		    "confirmation run agrees%s",
		    what,
		    policy_form(c->policy->body) == FORM_EXTERNAL
			    ? "; what is inside the program was not looked at"
			    : "");
}

/* What one metric costs another is part of the answer, whichever it is. */
static void add_trade(const struct verifier *v, const struct group *g,
		      struct candidate *c)
{
	char *trade = front_trade(v, g, c), *why;

	if (!trade)
		return;
	why = mem_printf("%s; %s", c->why, trade);
	free(c->why);
	c->why = why;
	free(trade);
}

static void decide_measured(const struct verifier *v, const struct group *g,
			    struct candidate *c)
{
	struct evidence goal;
	char *what;

	verdict_judge(v, g, &c->main, 0, &goal);
	what = figures(g, 0, &goal);
	if (!decide_against(v, g, c, &goal, what))
		decide_for(v, g, c, &goal, what);
	add_trade(v, g, c);
	free(what);
}

void verdict_decide(const struct verifier *v, const struct group *g,
		    struct candidate *c)
{
	struct stage *run = &c->stages[STAGE_RUN];

	if (!decide_failed(c) && !decide_unmeasured(v, g, c) &&
	    !decide_few(v, g, c))
		decide_measured(v, g, c);
	if (!strcmp(c->decision, "accepted"))
		run->status = STATUS_PASSED;
	else if (run->status == STATUS_UNKNOWN)
		stage_find(run, "undecided", "%s", c->why);
}
