/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a model that a policy follows is kept, and when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/attacher/model_watch.h"
#include "agents/attacher/supplier_words.h"
#include "policy/learned.h"

#define MINUTE 60.0
#define HOUR   3600.0

/* A policy that reports, and who looks at it. */
struct world {
	struct model_watch w;
	struct learned_report r;
	struct model_choice last;
	double now;
};

static struct world world_of(void)
{
	struct world v = {.now = 1e6};

	v.r.generation = 1;
	v.r.state = LEARNED_FOLLOW;
	model_watch_begin(&v.w, v.now);
	return v;
}

/* After so many seconds. */
static enum model_answer look(struct world *v, double later)
{
	v->now += later;
	return model_watch_saw(&v->w, v->now, &v->r, &v->last);
}

/* Bursts, of which the model misses by so much, and the average by 100. */
static enum model_answer ran(struct world *v, uint64_t bursts, uint64_t miss)
{
	v->r.bursts += bursts;
	v->r.error += bursts * miss;
	v->r.average_error += bursts * 100;
	return look(v, MODEL_WINDOW_S);
}

static enum model_answer trips(struct world *v, double later)
{
	v->r.trips++;
	v->r.state = LEARNED_BRAKED;
	return look(v, later);
}

/* It has been looked at before. */
static struct world settled(void)
{
	struct world v = world_of();

	assert_int_equal(look(&v, 0), MODEL_STAYS);
	assert_int_equal(look(&v, MODEL_SETTLES_S), MODEL_STAYS);
	return v;
}

static void test_well(void **state)
{
	struct world v = settled();

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(ran(&v, 1000, 60), MODEL_STAYS);
	assert_false(v.w.alarm);
	assert_true(v.last.bursts == 1000);
	assert_true(v.last.ratio > 0.59 && v.last.ratio < 0.61);
}

static void test_drifts(void **state)
{
	struct world v = settled();

	(void)state;
	assert_int_equal(ran(&v, 100000, 50), MODEL_STAYS);
	/* In all it still is far better than the average. */
	assert_int_equal(ran(&v, 300, 130), MODEL_DRIFTS);
	assert_string_equal(v.last.why,
			    "drifts: over 300 bursts it missed by 130 % of "
			    "what the exponential average did");
	/* Said once … */
	assert_int_equal(ran(&v, 300, 140), MODEL_STAYS);
	/* … and not taken back for a trifle. */
	assert_int_equal(ran(&v, 300, 95), MODEL_STAYS);
	assert_true(v.w.alarm);
	assert_int_equal(ran(&v, 300, 80), MODEL_RECOVERS);
	assert_false(v.w.alarm);
	/* As good, but for chance. */
	assert_int_equal(ran(&v, 300, 104), MODEL_STAYS);
	assert_int_equal(ran(&v, 300, 106), MODEL_DRIFTS);
}

static void test_few(void **state)
{
	struct world v = settled();

	(void)state;
	/* They add up until there are enough. */
	assert_int_equal(ran(&v, MODEL_BURSTS - 1, 300), MODEL_STAYS);
	assert_true(v.last.bursts == 0);
	assert_int_equal(ran(&v, 1, 300), MODEL_DRIFTS);
	assert_true(v.last.bursts == MODEL_BURSTS);
}

/* Many at once are no more than a moment of the machine's. */
static void test_soon(void **state)
{
	struct world v = settled();

	(void)state;
	v.r.bursts = v.r.average_error = 100000;
	v.r.error = 200000;
	assert_int_equal(look(&v, 0.1), MODEL_STAYS);
	assert_int_equal(look(&v, MODEL_WINDOW_S), MODEL_DRIFTS);
}

static void test_exact_average(void **state)
{
	struct world v = settled();

	(void)state;
	v.r.bursts = 500;
	assert_int_equal(look(&v, MODEL_WINDOW_S), MODEL_STAYS);
	v.r.bursts = 1000;
	v.r.error = 7;
	assert_int_equal(look(&v, MODEL_WINDOW_S), MODEL_DRIFTS);
	assert_non_null(strstr(v.last.why, "missed by nothing"));
	assert_true(learned_ratio(&v.r) < 0);
}

static void test_retires(void **state)
{
	struct world v = settled();

	(void)state;
	assert_int_equal(trips(&v, MINUTE), MODEL_BRAKED);
	assert_string_equal(v.last.why,
			    "was braked, the first time within an hour");
	assert_int_equal(trips(&v, MINUTE), MODEL_BRAKED);
	assert_int_equal(look(&v, MINUTE), MODEL_STAYS);
	assert_int_equal(trips(&v, MINUTE), MODEL_RETIRES);
	assert_string_equal(v.last.why, "was braked 3 times within an hour");
}

static void test_seldom(void **state)
{
	struct world v = settled();

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(trips(&v, 31 * MINUTE), MODEL_BRAKED);
	assert_int_equal(trips(&v, MINUTE), MODEL_RETIRES);
}

/* More than once between two looks. */
static void test_at_once(void **state)
{
	struct world v = settled();

	(void)state;
	v.r.trips = 1000000;
	assert_int_equal(look(&v, 1), MODEL_RETIRES);
}

/* It does well on trial before it is believed again. */
static void test_recovers_from_brake(void **state)
{
	struct world v = settled();

	(void)state;
	assert_int_equal(trips(&v, 1), MODEL_BRAKED);
	assert_true(v.w.alarm);
	assert_int_equal(ran(&v, 500, 50), MODEL_STAYS);
	v.r.state = LEARNED_FOLLOW;
	assert_int_equal(ran(&v, 500, 50), MODEL_RECOVERS);
}

/* The policy was loaded anew for another set of CPUs: the same model. */
static void test_loaded_anew(void **state)
{
	struct world v = settled();

	(void)state;
	v.r.generation = 7;
	assert_int_equal(look(&v, 1), MODEL_STAYS);
	assert_int_equal(look(&v, 1), MODEL_STAYS);
	assert_int_equal(trips(&v, 1), MODEL_BRAKED);
	assert_int_equal(trips(&v, 1), MODEL_BRAKED);
	memset(&v.r, 0, sizeof(v.r));
	v.r.generation = 2;
	assert_int_equal(look(&v, 1), MODEL_STAYS);
	assert_int_equal(ran(&v, 500, 150), MODEL_STAYS); /* known already */
	assert_int_equal(trips(&v, 1), MODEL_RETIRES);
}

/* What is read while it changes has the counts of the model before. */
static void test_torn(void **state)
{
	struct world v = world_of();

	(void)state;
	v.r.trips = 5;
	v.r.bursts = 1000;
	v.r.error = 900000;
	assert_int_equal(look(&v, 0.1), MODEL_STAYS);
	v.r.trips = v.r.bursts = v.r.error = 0;
	assert_int_equal(look(&v, 0.1), MODEL_STAYS);
	assert_int_equal(look(&v, MODEL_SETTLES_S), MODEL_STAYS);
	/* What it was braked for meanwhile counts nevertheless. */
	model_watch_begin(&v.w, v.now);
	v.r.trips = 1;
	assert_int_equal(look(&v, 0.1), MODEL_STAYS);
	assert_int_equal(look(&v, MODEL_SETTLES_S), MODEL_BRAKED);
}

/* ---- in words ---------------------------------------------------------- */

static void said(const struct learned_report *r, const char *words)
{
	struct json *v = json_object();
	char *text;

	json_set_string(v, "sha256", "0123456789abcdef");
	json_set_string(v, "since", "then");
	learned_json(r, v);
	text = learned_words(v);
	assert_string_equal(text, words);
	free(text);
	json_free(v);
}

static void test_words(void **state)
{
	struct learned_report r = {.generation = 1, .state = LEARNED_TRIAL};

	(void)state;
	said(&r, "0123456789ab on trial since then");
	r = (struct learned_report){.state = LEARNED_FOLLOW,
				    .bursts = 200,
				    .error = 200 * 128,
				    .average_error = 200 * 256,
				    .follow = 150};
	said(&r, "0123456789ab followed since then; misses by 50 % of what the "
		 "exponential average does over 200 bursts, followed for 150");
	r.state = LEARNED_BRAKED;
	r.trips = 1;
	said(&r, "0123456789ab braked since then; misses by 50 % of what the "
		 "exponential average does over 200 bursts, followed for 150, "
		 "braked 1 time");
	r = (struct learned_report){.state = LEARNED_NONE};
	said(&r, "0123456789ab not followed since then");
}

static void test_figures(void **state)
{
	const struct learned_report r = {.state = LEARNED_FOLLOW,
					 .bursts = 200,
					 .error = 200 * 128,
					 .average_error = 200 * 512,
					 .weight = 200};
	struct json *v = json_object();

	(void)state;
	learned_json(&r, v);
	assert_true(json_as_number(json_get(v, "error"), 0) == 0.5);
	assert_true(json_as_number(json_get(v, "average_error"), 0) == 2);
	assert_true(json_as_number(json_get(v, "ratio"), 0) == 0.25);
	assert_string_equal(json_text_at(v, "state"), "followed");
	json_free(v);
	assert_string_equal(learned_state_name(77), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_drifts),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_soon),
		cmocka_unit_test(test_exact_average),
		cmocka_unit_test(test_retires),
		cmocka_unit_test(test_seldom),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_recovers_from_brake),
		cmocka_unit_test(test_loaded_anew),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
