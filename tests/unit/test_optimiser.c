/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model-free optimiser, on objectives whose optimum is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agents/planner/optimiser.h"
#include "base/mem.h"
#include "stats/sample.h"

#define SEEDS 30
#define TURNS 60

/* Choices that only count together, and two numbers. */
static double worth(const struct policy_params *p)
{
	double x = 0;

	if (p->classify == CLASSIFY_BEHAVIOUR) {
		x += 0.2;
		if (p->order == ORDER_DEADLINE)
			x += 0.4;
		if (p->preempt == PREEMPT_CLASS)
			x += 0.3;
	}
	x -= 0.1 * fabs(log2(p->slice_us / 4000.0));
	return x - 0.02 * fabs(log2((p->ahead_us + 1) / 20000.0));
}

static double best_of(uint64_t seed, bool by_optimiser)
{
	struct optimiser *o = optimiser_new();
	double best = -INFINITY;
	struct policy_params p;
	struct rng rng;

	rng_init(&rng, seed);
	for (int i = 0; i < TURNS; i++) {
		if (by_optimiser && i >= 10)
			optimiser_ask(o, &rng, &p);
		else
			optimiser_random(&rng, &p);
		optimiser_tell(o, &p, worth(&p), 1);
		best = fmax(best, worth(&p));
	}
	assert_int_equal(optimiser_count(o), TURNS);
	optimiser_free(o);
	return best;
}

static void faster_than_chance(void **state)
{
	double found[SEEDS], chance[SEEDS];
	int wins = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		found[seed] = best_of(seed, true);
		chance[seed] = best_of(seed, false);
		wins += found[seed] > chance[seed];
	}
	print_message("median best after %d points: %.3f asked, %.3f random, "
		      "%d of %d seeds better; the optimum is 0.9\n",
		      TURNS, sample_median(found, SEEDS),
		      sample_median(chance, SEEDS), wins, SEEDS);
	/* By a sign test 21 of 30 happen once in 50 times by chance. */
	assert_true(wins >= 24);
	assert_true(sample_median(found, SEEDS) >
		    sample_median(chance, SEEDS) + 0.1);
}

static void same_tellings_same_points(void **state)
{
	struct policy_params p[2][20];

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct optimiser *o = optimiser_new();
		struct rng rng;

		rng_init(&rng, 9);
		for (int i = 0; i < 20; i++) {
			optimiser_ask(o, &rng, &p[k][i]);
			optimiser_tell(o, &p[k][i], worth(&p[k][i]), 1);
		}
		optimiser_free(o);
	}
	assert_memory_equal(p[0], p[1], sizeof(p[0]));
}

static void the_order_of_telling_is_nothing(void **state)
{
	struct optimiser *a = optimiser_new(), *b = optimiser_new();
	struct policy_params p[12], x, y;
	struct rng rng;

	(void)state;
	rng_init(&rng, 4);
	for (int i = 0; i < 12; i++)
		optimiser_random(&rng, &p[i]);
	for (int i = 0; i < 12; i++) {
		optimiser_tell(a, &p[i], worth(&p[i]), 1);
		optimiser_tell(b, &p[11 - i], worth(&p[11 - i]), 1);
	}
	rng_init(&rng, 5);
	optimiser_ask(a, &rng, &x);
	rng_init(&rng, 5);
	optimiser_ask(b, &rng, &y);
	assert_memory_equal(&x, &y, sizeof(x));
	optimiser_free(a);
	optimiser_free(b);
}

static void every_point_is_valid_and_normal(void **state)
{
	struct optimiser *o = optimiser_new();
	struct rng rng;

	(void)state;
	rng_init(&rng, 3);
	for (int i = 0; i < 300; i++) {
		struct json *body = json_object();
		struct policy_params p, again;

		if (i % 2)
			optimiser_ask(o, &rng, &p);
		else
			optimiser_random(&rng, &p);
		if (i < 30)
			optimiser_tell(o, &p, worth(&p), 1);
		json_set(body, "params", policy_params_json(&p));
		assert_int_equal(policy_params_read(body, &again), 0);
		policy_params_normalise(&again);
		assert_memory_equal(&p, &again, sizeof(p));
		json_free(body);
	}
	optimiser_free(o);
}

/* What the simulator said of many counts less than one measurement. */
static void weight_decides(void **state)
{
	struct optimiser *o = optimiser_new();
	struct policy_params good, bad, p;
	int like_good = 0;
	struct rng rng;

	(void)state;
	policy_params_read(NULL, &good);
	bad = good;
	good.order = ORDER_FIFO;
	policy_params_normalise(&good);
	optimiser_tell(o, &good, 0.4, 1);
	optimiser_tell(o, &bad, -0.3, 1);
	for (int i = 0; i < 10; i++)
		optimiser_tell(o, &bad, 0.5, 0.01);
	rng_init(&rng, 1);
	for (int i = 0; i < 40; i++) {
		optimiser_ask(o, &rng, &p);
		like_good += p.order == ORDER_FIFO;
	}
	assert_true(like_good > 20);
	optimiser_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faster_than_chance),
		cmocka_unit_test(same_tellings_same_points),
		cmocka_unit_test(the_order_of_telling_is_nothing),
		cmocka_unit_test(every_point_is_valid_and_normal),
		cmocka_unit_test(weight_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
