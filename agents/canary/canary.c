/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/canary/canary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agents/canary/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* Of a window, before it: what was begun under the other arm is finished. */
#define SETTLE_SHARE 0.15
#define WINDOW_MIN_S 0.5
/* To switch takes time, too, and more on some machines than on others. */
#define LATE_TIMES 2.0

/* ---- steps ------------------------------------------------------------ */

bool canary_is_full(const struct canary_step *s)
{
	return s->scope->kind == CANARY_ALL;
}

bool canary_has_control(const struct canary_step *s)
{
	return s->scope->kind == CANARY_SHARE;
}

static double mean(double sum, size_t n)
{
	return n ? sum / (double)n : 0;
}

void canary_case_of(const struct canary_step *s, struct canary_case *out)
{
	*out = (struct canary_case){
		.series = s->series,
		.count = s->count,
		.pairs = s->pairs,
		.partial = !canary_is_full(s),
		.fair_pct = mean(s->fair_pct[1], s->seen[1]),
		.demand_pct = mean(s->demand_pct, s->seen[0] + s->seen[1]),
		.longest_s = s->longest_s[1],
		.longest_0_s = s->longest_s[0],
		.seed = 1,
	};
}

static void add_window(struct canary_step *s, bool with,
		       const struct canary_window *w)
{
	const struct canary_side *c = &w->canary;

	s->seen[with]++;
	s->fair_pct[with] += w->fair_pct;
	s->longest_s[with] = fmax(s->longest_s[with], c->longest_s);
	s->demand_pct += 100 * (c->run_s + c->wait_s) / w->seconds;
	s->tasks = c->tasks > s->tasks ? c->tasks : s->tasks;
}

/* ---- the arms --------------------------------------------------------- */

static int attach(struct canary *c, bool partial)
{
	const struct canary_hands *h = c->o.hands;
	int rc;

	if (c->attached && c->partial == partial)
		return 0;
	rc = c->attached ? h->detach(h->arg) : 0;
	c->attached = false;
	if (!rc)
		rc = h->attach(h->arg, partial);
	c->attached = !rc;
	c->partial = partial;
	return rc;
}

static int detach(struct canary *c)
{
	int rc = c->attached ? c->o.hands->detach(c->o.hands->arg) : 0;

	c->attached = false;
	return rc;
}

static int take_tasks(struct canary *c, const struct canary_scope *s)
{
	struct knob_request *r = mem_zalloc(1, sizeof(*r));
	int rc;

	r->size = sizeof(*r);
	r->verb = KNOB_HOLD;
	snprintf(r->policy, sizeof(r->policy), "%s", c->o.policy);
	r->knobs.count = 1;
	r->knobs.set = KNOB_POLICY;
	r->knobs.rules[0] = (struct knob_rule){
		.match = "*", .set = KNOB_POLICY, .policy = KNOB_EXT};
	canary_scope_knobs(s, c->key, &r->scope);
	rc = setter_start(&c->setter, r);
	free(r);
	c->held = !rc;
	if (rc)
		setter_release(&c->setter);
	return rc;
}

int canary_holds(struct canary *c)
{
	return c->held && !setter_alive(&c->setter, 0)
		       ? err_set(EIO, "the process that held the canary's "
				      "tasks was ended")
		       : 0;
}

int canary_let_go(struct canary *c)
{
	int rc;

	if (!c->held)
		return 0;
	rc = setter_end(&c->setter);
	setter_release(&c->setter);
	c->held = false;
	return rc;
}

/* A full switch has no tasks of its own: it is attached or it is not. */
static int set_arm(struct canary *c, const struct canary_step *s, bool with)
{
	int rc;

	if (canary_is_full(s))
		return with ? attach(c, false) : detach(c);
	rc = attach(c, true);
	if (rc || with == c->held)
		return rc;
	return with ? take_tasks(c, s->scope) : canary_let_go(c);
}

/* The policy first: without one its tasks are ordinary ones. */
static int put_back(struct canary *c)
{
	int rc = detach(c), other = canary_let_go(c);

	return rc ? rc : other;
}

/* ---- a window --------------------------------------------------------- */

static int wait_until(const struct canary *c, double until)
{
	return c->o.hands->wait(c->o.hands->arg, until);
}

static double spent(const struct canary *c)
{
	return c->o.hands->spent(c->o.hands->arg);
}

/* What cannot wait for the window's end.  2: the step has its answer. */
static int check_now(struct canary_step *s, bool with,
		     const struct canary_window *w)
{
	struct canary_case k;

	canary_case_of(s, &k);
	k.fair_pct = w->fair_pct;
	k.longest_s = w->canary.longest_s;
	if (with && canary_starves(&k, &s->finding))
		return 2;
	return 0;
}

static int watch(struct canary *c, struct canary_step *s, bool with,
		 struct canary_window *w)
{
	double end, rest = WINDOW_MIN_S / 4, before = spent(c);
	int rc = canary_watch_begin(c->watch);

	end = clock_monotonic() + c->window_s;
	while (!rc && clock_monotonic() < end) {
		rc = wait_until(c, fmin(clock_monotonic() + rest, end));
		if (!rc)
			rc = canary_holds(c);
		if (!rc)
			rc = canary_watch_look(c->watch, w, &rest);
		if (!rc)
			rc = check_now(s, with, w);
	}
	w->policy_s = fmax(spent(c) - before, 0) / 1e9;
	return rc;
}

static void put_window(const struct canary *c, struct canary_step *s, bool with,
		       const struct canary_window *w, const double *probed)
{
	struct canary_seen *seen;
	size_t n = canary_watch_seen(c->watch, &seen);

	add_window(s, with, w);
	canary_tasks_put(&s->tasks_each, s->pairs, with, seen, n, w->seconds);
	canary_series_put(s, s->pairs, with, w, probed, c->o.probe_count);
	free(seen);
}

static int window(struct canary *c, struct canary_step *s, bool with)
{
	double probed[PROBES] = {0};
	struct canary_window w;
	struct canary_case k;
	int rc = set_arm(c, s, with);

	if (!rc)
		rc = wait_until(c,
				clock_monotonic() + SETTLE_SHARE * c->window_s);
	if (!rc)
		rc = watch(c, s, with, &w);
	for (size_t i = 0; i < c->o.probe_count && !rc; i++)
		rc = probe_read(&c->o.probes[i], &probed[i]);
	if (rc)
		return rc;
	put_window(c, s, with, &w, probed);
	canary_case_of(s, &k);
	k.fair_pct = w.fair_pct;
	return !with && canary_crowded(&k, &s->finding) ? 2 : 0;
}

/* ---- a step ----------------------------------------------------------- */

static void progress(const struct canary *c, const struct canary_step *s)
{
	char words[CANARY_SCOPE_TEXT + 64], scope[CANARY_SCOPE_TEXT];
	long done = (long)(s - c->steps) * CANARY_PAIRS + (long)s->pairs;

	if (!c->o.progress)
		return;
	canary_scope_text(s->scope, scope);
	snprintf(words, sizeof(words), "canary on %s: %zu of %d pairs", scope,
		 s->pairs, CANARY_PAIRS);
	c->o.progress(c->o.progress_arg, done,
		      (long)c->o.plan.count * CANARY_PAIRS, words);
}

static int pair(struct canary *c, struct canary_step *s)
{
	size_t order[2];
	int rc = 0;

	evidence_order(s->pairs, 2, order);
	for (size_t i = 0; i < 2 && !rc; i++)
		rc = window(c, s, order[i] == 1);
	if (!rc) {
		s->pairs++;
		canary_series_pick(s);
	}
	progress(c, s);
	return rc;
}

static void too_late(struct canary_step *s)
{
	s->finding.answer = CANARY_UNSURE;
	snprintf(s->finding.why, sizeof(s->finding.why),
		 "the time was over after %zu pairs, and they do not tell: "
		 "give it more with --canary-for",
		 s->pairs);
}

static int run_step(struct canary *c, const struct canary_scope *scope)
{
	double late = clock_monotonic() + LATE_TIMES * c->o.step_s;
	struct canary_step *s = &c->steps[c->count++];
	struct canary_case k;
	int rc;

	s->scope = scope;
	canary_series_init(s, &c->o);
	rc = canary_watch_open(scope, c->key, &c->watch);
	while (!rc && s->finding.answer == CANARY_ON) {
		rc = pair(c, s);
		canary_case_of(s, &k);
		if (!rc)
			canary_judge(&k, &s->finding);
		if (!rc && s->finding.answer == CANARY_ON &&
		    clock_monotonic() > late)
			too_late(s);
	}
	canary_watch_close(c->watch);
	c->watch = NULL;
	return rc == 2 ? 0 : rc;
}

/* ---- all of them ------------------------------------------------------ */

/* Whether the plan's step i may be begun. */
static bool may_begin(struct canary *c, size_t i)
{
	const struct canary_hands *h = c->o.hands;

	if (!i || c->o.plan.step[i].kind != CANARY_ALL || !h->widen(h->arg))
		return true;
	snprintf(c->why, sizeof(c->why),
		 "it passed and stays with its canary: %s", err_text());
	return false;
}

/* true: go on. */
static bool take_answer(struct canary *c, const struct canary_step *s)
{
	char scope[CANARY_SCOPE_TEXT];

	canary_scope_text(s->scope, scope);
	c->answer = s->finding.answer;
	snprintf(c->why, sizeof(c->why), "on %.128s: %s", scope,
		 s->finding.why);
	return c->answer == CANARY_PASSED;
}

static int run_steps(struct canary *c)
{
	const struct canary_plan *p = &c->o.plan;
	const struct canary_step *s = NULL;
	int rc = 0;

	for (size_t i = 0; i < p->count && !rc; i++) {
		if (!may_begin(c, i))
			break;
		rc = canary_let_go(c);
		if (!rc)
			rc = run_step(c, &p->step[i]);
		s = &c->steps[c->count - 1];
		if (rc || !take_answer(c, s))
			break;
	}
	if (rc || c->answer != CANARY_PASSED)
		return rc;
	/* The last window may have been one without. */
	return set_arm(c, s, true);
}

int canary_run(struct canary *c, enum canary_answer *answer)
{
	int rc = run_steps(c), back;
	char *why;

	if (!rc && c->answer == CANARY_PASSED) {
		*answer = CANARY_PASSED;
		return 0;
	}
	why = mem_strdup(err_text());
	back = put_back(c);
	if (!back && rc)
		err_set(rc < 0 ? -rc : ECANCELED, "%s", why);
	free(why);
	*answer = c->answer;
	return back ? back : rc;
}

const char *canary_why(const struct canary *c)
{
	return c->why;
}

/* ---- before and after ------------------------------------------------- */

/* Before anything is attached: is everything there that will be looked at? */
static int try_out(struct canary *c)
{
	struct canary_watch *w;
	double value;
	int rc = canary_watch_open(&c->o.plan.step[0], c->key, &w);

	canary_watch_close(w);
	for (size_t i = 0; i < c->o.probe_count && !rc; i++)
		rc = probe_read(&c->o.probes[i], &value);
	return rc;
}

int canary_open(const struct canary_opts *o, struct canary **out)
{
	struct canary *c = mem_zalloc(1, sizeof(*c));
	int rc = 0;

	c->o = *o;
	c->setter.child.fd = -1;
	c->steps = mem_zalloc(CANARY_STEPS, sizeof(*c->steps));
	c->window_s = fmax(o->step_s / (2 * CANARY_PAIRS), WINDOW_MIN_S);
	if (getrandom(&c->key, sizeof(c->key), GRND_NONBLOCK) < 0)
		c->key = (uint64_t)(clock_monotonic() * 1e9);
	rc = try_out(c);
	if (rc) {
		canary_free(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

void canary_free(struct canary *c)
{
	if (!c)
		return;
	canary_let_go(c);
	setter_release(&c->setter);
	canary_watch_close(c->watch);
	for (size_t i = 0; i < c->count; i++)
		canary_series_release(&c->steps[i]);
	free(c->steps);
	free(c);
}
