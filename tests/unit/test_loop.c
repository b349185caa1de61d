/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the loop does next: every reason to stop, and what replaces what. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/loop/decide.h"
#include "base/clock.h"
#include "base/err.h"

#define TRIES 8

/* ---- rounds ----------------------------------------------------------- */

static struct loop_try try_of(const char *policy, double predicted)
{
	struct loop_try t = {.predicted = predicted,
			     .measured = NAN,
			     .lo = NAN,
			     .hi = NAN,
			     .gap_closed_pct = NAN};

	snprintf(t.policy, sizeof(t.policy), "%s", policy);
	return t;
}

static struct loop_try judged(const char *policy, double ratio, double lo,
			      double hi, bool accepted)
{
	struct loop_try t = try_of(policy, ratio);

	t.measured = ratio;
	t.lo = lo;
	t.hi = hi;
	t.pairs = 5;
	t.judgement = accepted ? LOOP_ACCEPTED : LOOP_INCONCLUSIVE;
	return t;
}

static struct loop_round round_of(struct loop_try *tries, size_t n, bool done)
{
	return (struct loop_round){.tries = tries,
				   .n = n,
				   .planned = true,
				   .judged = done,
				   .seconds = 20,
				   .expected_gain_pct = NAN};
}

static struct loop_view view_of(const struct loop_round *rounds, size_t n)
{
	return (struct loop_view){.observed = true,
				  .rounds = rounds,
				  .n = n,
				  .budget = {.rounds = 3},
				  .min_effect_pct = 3,
				  .candidates = 4,
				  .run_s = 2};
}

static struct loop_next next_of(const struct loop_view *v)
{
	struct loop_next next;

	loop_decide(v, &next);
	return next;
}

/* ---- the course of a run ---------------------------------------------- */

static void begins_by_looking(void **state)
{
	struct loop_view v = view_of(NULL, 0);
	struct loop_next next;

	(void)state;
	v.observed = false;
	assert_int_equal(next_of(&v).act, LOOP_OBSERVE);
	v.observed = true;
	next = next_of(&v);
	assert_int_equal(next.act, LOOP_PLAN);
	assert_int_equal(next.builtin, 4);
	assert_int_equal(next.model, 0);
}

static void goes_on_where_it_was(void **state)
{
	struct loop_try tries[] = {try_of("a", 1.2)};
	struct loop_round r = round_of(tries, 1, false);
	struct loop_view v = view_of(&r, 1);

	(void)state;
	assert_int_equal(next_of(&v).act, LOOP_VERIFY);
	r.planned = false;
	r.n = 0;
	assert_int_equal(next_of(&v).act, LOOP_PLAN);
}

static void a_like_workload_is_tried_alone(void **state)
{
	struct loop_round r = {.expected_gain_pct = NAN};
	struct loop_view v = view_of(NULL, 0);

	(void)state;
	v.near_ratio = 1.3;
	assert_int_equal(next_of(&v).builtin, 1);
	/* Also when the round was entered already. */
	v.rounds = &r;
	v.n = 1;
	assert_int_equal(next_of(&v).builtin, 1);
}

static void what_serves_again_is_enough(void **state)
{
	struct loop_try a[] = {judged("a", 1.25, 1.15, 1.4, true)};
	struct loop_round r[] = {round_of(a, 1, true)};
	struct loop_view v = view_of(r, 1);

	(void)state;
	a[0].source = LOOP_NEIGHBOUR;
	assert_int_equal(next_of(&v).act, LOOP_PLAN);
	v.near_ratio = 1.3;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
	/* Less than it was there: something better may be found. */
	v.near_ratio = 1.5;
	assert_int_equal(next_of(&v).act, LOOP_PLAN);
	/* Somebody wants more. */
	v.near_ratio = 1.3;
	v.goal_ratio = 1.6;
	assert_int_equal(next_of(&v).act, LOOP_PLAN);
	v.goal_ratio = 0;
	a[0].source = LOOP_RULE;
	assert_int_equal(next_of(&v).act, LOOP_PLAN);
}

static void measures_until_something_is_found(void **state)
{
	struct loop_try a[] = {try_of("a", 0.9)}, b[] = {try_of("b", 0.9)};
	struct loop_round r[] = {round_of(a, 1, false), round_of(b, 1, false)};
	struct loop_view v = view_of(r, 1);

	(void)state;
	assert_int_equal(next_of(&v).act, LOOP_VERIFY);
	a[0] = judged("a", 1, 0.9, 1.1, false);
	r[0].judged = true;
	v.n = 2;
	assert_int_equal(next_of(&v).act, LOOP_VERIFY);
}

static void deploys_before_it_ends(void **state)
{
	struct loop_try tries[] = {judged("a", 1.5, 1.4, 1.6, true)};
	struct loop_round r = round_of(tries, 1, true);
	struct loop_view v = view_of(&r, 1);
	struct loop_next next;

	(void)state;
	v.budget.rounds = 1;
	v.wants_deploy = true;
	next = next_of(&v);
	assert_int_equal(next.act, LOOP_DEPLOY);
	assert_int_equal(next.stop, LOOP_ROUNDS);
	v.deployed = true;
	assert_int_equal(next_of(&v).act, LOOP_STOP);
	/* Nothing found, nothing to deploy. */
	v.deployed = false;
	tries[0].judgement = LOOP_REJECTED;
	assert_int_equal(next_of(&v).act, LOOP_STOP);
}

/* ---- reasons to stop -------------------------------------------------- */

static void stops_at_the_goal(void **state)
{
	struct loop_try tries[] = {judged("a", 1.5, 1.25, 1.6, true)};
	struct loop_round r = round_of(tries, 1, true);
	struct loop_view v = view_of(&r, 1);

	(void)state;
	/* The lower end counts, not the lucky middle. */
	v.goal_ratio = 1.3;
	assert_int_equal(next_of(&v).stop, LOOP_GOES_ON);
	v.goal_ratio = 1.25;
	assert_int_equal(next_of(&v).stop, LOOP_GOAL);
}

static void stops_at_the_bound(void **state)
{
	struct loop_try tries[] = {judged("a", 1.5, 1.4, 1.6, true)};
	struct loop_round r = round_of(tries, 1, true);
	struct loop_view v = view_of(&r, 1);

	(void)state;
	tries[0].gap_closed_pct = 94;
	assert_int_equal(next_of(&v).stop, LOOP_GOES_ON);
	tries[0].gap_closed_pct = 95;
	assert_int_equal(next_of(&v).stop, LOOP_BOUND);
}

static void stops_when_told(void **state)
{
	struct loop_try tries[] = {judged("a", 1.5, 1.4, 1.6, true)};
	struct loop_round r = round_of(tries, 1, true);
	struct loop_view v = view_of(&r, 1);
	struct loop_next next;

	(void)state;
	v.interrupted = v.wants_deploy = true;
	next = next_of(&v);
	assert_int_equal(next.stop, LOOP_INTERRUPTED);
	assert_int_equal(next.act, LOOP_STOP);
}

static void stops_after_idle_rounds(void **state)
{
	struct loop_try a[] = {judged("a", 1.5, 1.4, 1.6, true)};
	struct loop_try b[] = {judged("b", 1.5, 1.4, 1.6, true)};
	struct loop_try c[] = {judged("c", 1.1, 0.9, 1.2, false)};
	struct loop_round r[] = {round_of(a, 1, true), round_of(b, 1, true),
				 round_of(c, 1, true)};
	struct loop_view v = view_of(r, 2);

	(void)state;
	v.budget.rounds = 9;
	assert_int_equal(next_of(&v).stop, LOOP_GOES_ON);
	v.n = 3;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
	/* Nothing at all in two rounds is enough, too. */
	a[0].judgement = b[0].judgement = LOOP_REJECTED;
	v.n = 2;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
}

static void stops_when_nothing_is_promised(void **state)
{
	struct loop_try a[] = {judged("a", 1.5, 1.4, 1.6, true)};
	struct loop_try b[] = {try_of("b", 1.52)};
	struct loop_round r[] = {round_of(a, 1, true), round_of(b, 1, false)};
	struct loop_view v = view_of(r, 2);

	(void)state;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
	b[0].predicted = 1.8;
	assert_int_equal(next_of(&v).act, LOOP_VERIFY);
	/* What cannot be foretold has to be measured. */
	b[0].predicted = NAN;
	assert_int_equal(next_of(&v).act, LOOP_VERIFY);
	/* The plan had nothing new. */
	r[1].n = 0;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
}

static void calibrates_what_is_promised(void **state)
{
	struct loop_try a[TRIES], b[] = {try_of("b", 1.12)};
	struct loop_round r[] = {round_of(a, TRIES, true),
				 round_of(b, 1, false)};
	struct loop_view v = view_of(r, 2);

	(void)state;
	/* The simulator promised a little each time, for nothing. */
	for (size_t i = 0; i < TRIES; i++) {
		a[i] = judged("a", 1, 0.95, 1.05, false);
		a[i].predicted = 1.08 + 0.01 * (double)i;
	}
	assert_true(loop_gain_pct(&v, &r[1]) < 6);
	for (size_t i = 0; i < TRIES; i++)
		a[i].measured = a[i].predicted;
	assert_true(loop_gain_pct(&v, &r[1]) > 10);
}

static void promise_is_held_against_promise(void **state)
{
	struct loop_try a[] = {judged("a", 1.38, 1.34, 1.41, true)};
	struct loop_try b[] = {try_of("b", 1.43)};
	struct loop_round r[] = {round_of(a, 1, true), round_of(b, 1, false)};
	struct loop_view v = view_of(r, 2);

	(void)state;
	a[0].predicted = 1.42;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
	b[0].predicted = 1.6;
	assert_int_equal(next_of(&v).act, LOOP_VERIFY);
	/* More than was promised is no reason to hope for more. */
	a[0].measured = a[0].lo = a[0].hi = 1.6;
	assert_int_equal(next_of(&v).stop, LOOP_NO_GAIN);
}

/* ---- budgets ---------------------------------------------------------- */

static void keeps_to_the_time(void **state)
{
	struct loop_try a[] = {judged("a", 1.5, 1.4, 1.6, true),
			       judged("b", 1.1, 1.0, 1.2, false)};
	struct loop_round r[] = {round_of(a, 2, true)};
	struct loop_view v = view_of(r, 1);

	(void)state;
	v.budget.seconds = 100;
	v.spent.seconds = 60;
	/* Two took 20 s: three or four fit into 40 s. */
	assert_int_equal(next_of(&v).builtin, 4);
	v.spent.seconds = 80;
	assert_int_equal(next_of(&v).builtin, 2);
	v.spent.seconds = 86;
	assert_int_equal(next_of(&v).stop, LOOP_BUDGET);
	v.spent.seconds = 100;
	assert_int_equal(next_of(&v).stop, LOOP_BUDGET);
}

static void shares_with_the_model(void **state)
{
	struct loop_view v = view_of(NULL, 0);

	(void)state;
	v.model = true;
	assert_int_equal(next_of(&v).model, 2);
	v.tried[LOOP_RULE] = 20;
	v.won[LOOP_RULE] = 18;
	v.tried[LOOP_MODEL] = 20;
	assert_int_equal(next_of(&v).model, 1);
	v.won[LOOP_MODEL] = 20;
	v.won[LOOP_RULE] = 0;
	assert_int_equal(next_of(&v).model, 3);
	/* Its money is gone: the others go on alone. */
	v.budget.usd = 1;
	v.spent.usd = 1;
	assert_int_equal(next_of(&v).model, 0);
	assert_int_equal(next_of(&v).builtin, 4);
}

/* ---- what replaces what ----------------------------------------------- */

static void only_what_is_better_beyond_doubt(void **state)
{
	struct loop_try a[] = {judged("a", 1.50, 1.40, 1.60, true)};
	struct loop_try b[] = {judged("b", 1.55, 1.45, 1.65, true),
			       judged("c", 1.54, 1.44, 1.64, true)};
	struct loop_round r[] = {round_of(a, 1, true), round_of(b, 2, true)};

	(void)state;
	assert_string_equal(loop_best(r, 2)->policy, "a");
	b[0] = judged("b", 1.90, 1.80, 2.00, true);
	assert_string_equal(loop_best(r, 2)->policy, "b");
	/* An interval without an end proves nothing. */
	b[0].hi = NAN;
	assert_string_equal(loop_best(r, 2)->policy, "a");
	b[0].hi = 2.00;
	b[0].judgement = LOOP_INCONCLUSIVE;
	assert_string_equal(loop_best(r, 2)->policy, "a");
	assert_null(loop_best(r, 0));
}

static double gauss(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Policies that are all equally good: the best of four replaces the one there
 * is in a small share of all cases, not in a third. */
static void luck_replaces_nothing(void **state)
{
	enum { RUNS = 2000, CONTENDERS = 4 };
	struct rng rng;
	int replaced = 0;

	(void)state;
	rng_init(&rng, 7);
	for (int i = 0; i < RUNS; i++) {
		struct loop_try t[1 + CONTENDERS];
		struct loop_round r[] = {round_of(t, 1, true),
					 round_of(t + 1, CONTENDERS, true)};

		for (int k = 0; k <= CONTENDERS; k++) {
			double x = log(1.3) + 0.04 * gauss(&rng);

			t[k] = judged(k ? "new" : "old", exp(x),
				      exp(x - 1.96 * 0.04),
				      exp(x + 1.96 * 0.04), true);
		}
		replaced += !strcmp(loop_best(r, 2)->policy, "new");
	}
	assert_in_range(replaced, 1, RUNS / 25);
}

/* ---- options ---------------------------------------------------------- */

static void reads_goals(void **state)
{
	char *name;
	double ratio;

	(void)state;
	assert_int_equal(loop_goal_parse("makespan:1.3", &name, &ratio), 0);
	assert_string_equal(name, "makespan");
	assert_true(ratio > 1.29 && ratio < 1.31);
	free(name);
	assert_int_equal(loop_goal_parse("latency", &name, &ratio), 0);
	assert_string_equal(name, "latency");
	assert_true(ratio <= 0);
	free(name);
	assert_true(loop_goal_parse("latency:0.9", &name, &ratio) < 0);
	assert_true(loop_goal_parse("latency:x", &name, &ratio) < 0);
}

static void reads_budgets(void **state)
{
	struct loop_budget b = {.rounds = 3};

	(void)state;
	assert_int_equal(loop_budget_parse("time=5m,usd=0.5,tokens=20000", &b),
			 0);
	assert_true(fabs(b.seconds - 300) < 1e-9);
	assert_true(fabs(b.usd - 0.5) < 1e-9);
	assert_true(fabs(b.tokens - 20000) < 1e-9);
	assert_int_equal(b.rounds, 3);
	assert_true(loop_budget_parse("time=0", &b) < 0);
	assert_true(loop_budget_parse("usd=1m", &b) < 0);
	assert_true(loop_budget_parse("calls=3", &b) < 0);
	assert_non_null(strstr(err_text(), "'calls=3'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_by_looking),
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(a_like_workload_is_tried_alone),
		cmocka_unit_test(what_serves_again_is_enough),
		cmocka_unit_test(measures_until_something_is_found),
		cmocka_unit_test(deploys_before_it_ends),
		cmocka_unit_test(stops_at_the_goal),
		cmocka_unit_test(stops_at_the_bound),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(stops_after_idle_rounds),
		cmocka_unit_test(stops_when_nothing_is_promised),
		cmocka_unit_test(calibrates_what_is_promised),
		cmocka_unit_test(promise_is_held_against_promise),
		cmocka_unit_test(keeps_to_the_time),
		cmocka_unit_test(shares_with_the_model),
		cmocka_unit_test(only_what_is_better_beyond_doubt),
		cmocka_unit_test(luck_replaces_nothing),
		cmocka_unit_test(reads_goals),
		cmocka_unit_test(reads_budgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
