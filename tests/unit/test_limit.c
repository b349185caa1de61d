/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rate limits: what they let through, on a clock of our own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/limit.h"

static const struct rt_limits_told nothing = {-1, -1, -1, -1, -1,
					      -1, -1, -1, -1};

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fmax(1, fmax(fabs(a), fabs(b)));
}

/* ---- what an endpoint would see ---------------------------------------- */

/* Its own bucket, which knows at the start what a call will use. */
struct endpoint {
	double rate, size, level, at;
	double worst; /* the lowest its level ever was */
};

static void arrives(struct endpoint *e, double x, double now)
{
	e->level = fmin(e->size, e->level + (now - e->at) * e->rate);
	e->at = now;
	e->level -= x;
	e->worst = fmin(e->worst, e->level);
}

#define CALLS 64

struct call {
	bool busy;
	double end;
	long in, out, used_in, used_out;
	uint64_t ticket;
};

struct world {
	struct rng rng;
	struct rt_limit l;
	struct endpoint requests, in, out;
	struct call call[CALLS];
	double now, longest_s;
	long out_max, part; /* one part of what is reserved is used, at most */
	double through;	    /* output tokens */
	size_t calls;
};

static void endpoint_init(struct endpoint *e, double a_minute)
{
	*e = (struct endpoint){a_minute / 60, a_minute, a_minute, 0, 0};
}

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){.longest_s = 200, .out_max = 3000, .part = 1};
	rng_init(&w->rng, seed);
	rt_limit_init(&w->l, 60, 20000, 8000, 0);
	endpoint_init(&w->requests, 60);
	endpoint_init(&w->in, 20000);
	endpoint_init(&w->out, 8000);
}

static void settle_until(struct world *w, double until)
{
	for (;;) {
		struct call *first = NULL;

		for (size_t i = 0; i < CALLS; i++)
			if (w->call[i].busy && w->call[i].end <= until &&
			    (!first || w->call[i].end < first->end))
				first = &w->call[i];
		if (!first)
			break;
		rt_limit_settle(&w->l, first->ticket, first->in, first->out,
				first->used_in, first->used_out, first->end);
		first->busy = false;
	}
}

/* One call as soon as the limits let it; false: all places are taken. */
static bool one_call(struct world *w)
{
	struct call *c = NULL;
	double when;

	for (size_t i = 0; i < CALLS && !c; i++)
		c = w->call[i].busy ? NULL : &w->call[i];
	if (!c)
		return false;
	c->in = 1 + (long)rng_below(&w->rng, 5000);
	c->out = 1 + (long)rng_below(&w->rng, (uint64_t)w->out_max);
	c->used_in = (long)rng_below(&w->rng, (uint64_t)c->in + 1);
	c->used_out =
		(long)rng_below(&w->rng, (uint64_t)(c->out / w->part + 1));
	for (;;) {
		when = rt_limit_when(&w->l, c->in, c->out, w->now);
		if (when <= w->now)
			break;
		/* Something may come back before. */
		when = fmin(when, w->now + 1);
		settle_until(w, when);
		w->now = when;
	}
	c->ticket = rt_limit_reserve(&w->l, c->in, c->out, w->now);
	arrives(&w->requests, 1, w->now);
	arrives(&w->in, (double)c->used_in, w->now);
	arrives(&w->out, (double)c->used_out, w->now);
	c->busy = true;
	c->end = w->now + w->longest_s * rng_unit(&w->rng);
	w->through += (double)c->used_out;
	w->calls++;
	return true;
}

/* A bucket of the same rate and size never runs dry of it, which is to say
 * that no window of t seconds has more than rate * t + size in it. */
static void never_lets_too_much_through(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct world w;

		world_init(&w, seed);
		for (int i = 0; i < 1500; i++) {
			if (rng_below(&w.rng, 20) == 0)
				w.now += 300 * rng_unit(&w.rng);
			settle_until(&w, w.now);
			if (!one_call(&w))
				w.now += 10;
		}
		assert_true(w.requests.worst >= -1e-3);
		assert_true(w.in.worst >= -1e-3);
		assert_true(w.out.worst >= -1e-3);
	}
}

/* Always someone under way, an eighth of what is reserved used at most: what
 * was not used is not lost for good. */
static void does_not_starve_a_busy_endpoint(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 7);
	w.longest_s = 6;
	w.out_max = 400;
	w.part = 8;
	rt_limit_init(&w.l, 0, 0, 8000, 0);
	while (w.now < 1000) {
		settle_until(&w, w.now);
		if (!one_call(&w))
			w.now += 0.1;
	}
	/* If all that is reserved counted, it would be an eighth at most. */
	assert_true(w.through / w.now >= 0.5 * 8000 / 60);
	assert_true(w.out.worst >= -1e-3);
}

/* ---- when -------------------------------------------------------------- */

static void time_told_is_early_enough_and_enough(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 3);
	for (int i = 0; i < 20000; i++) {
		double now =
			rng_unit(&rng) * pow(10, (double)rng_below(&rng, 8));
		double a_minute = exp(rng_unit(&rng) * 20);
		long x = 1 + (long)rng_below(&rng, 1 + (uint64_t)a_minute);
		struct rt_limit l;
		double when;

		rt_limit_init(&l, 0, a_minute, 0, now);
		assert_true(rt_limit_when(&l, x, 1, now) == now);
		rt_limit_reserve(&l, x, 1, now);
		when = rt_limit_when(&l, x, 1, now);
		assert_true(when >= now);
		/* Not later than it has to be, and then at once. */
		assert_true(when <= now + 60.0 * (double)x / a_minute + 1e-6);
		assert_true(rt_limit_when(&l, x, 1, when) <= when);
	}
}

static void more_than_the_size_waits_for_a_full_bucket(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0, 0, 600, 0);
	rt_limit_reserve(&l, 0, 300, 0);
	assert_true(near(rt_limit_when(&l, 0, 5000, 0), 30));
	rt_limit_reserve(&l, 0, 5000, 30);
	assert_true(near(l.out.level, -4400));
	/* The next one waits until that is paid for. */
	assert_true(near(rt_limit_when(&l, 0, 100, 30), 30 + 450));
	rt_limit_settle(&l, l.ticket, 0, 5000, 0, 5000, 100);
	assert_true(near(rt_limit_when(&l, 0, 100, 100), 30 + 450));
}

static void no_limit_is_no_limit(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0, 0, 0, 5);
	for (int i = 0; i < 1000; i++)
		rt_limit_reserve(&l, 1000000, 1000000, 5);
	assert_true(rt_limit_when(&l, 1 << 30, 1 << 30, 5) == 5);
}

static void less_than_one_a_minute_works(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0.5, 0, 0, 0);
	assert_true(rt_limit_when(&l, 0, 0, 0) == 0);
	rt_limit_reserve(&l, 0, 0, 0);
	assert_true(near(rt_limit_when(&l, 0, 0, 0), 120));
}

static void clock_that_stands_still_or_goes_back_gives_nothing(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 60, 0, 0, 100);
	for (int i = 0; i < 60; i++)
		rt_limit_reserve(&l, 0, 0, 100 - i);
	assert_true(rt_limit_when(&l, 0, 0, 40) > 40);
	assert_true(near(l.requests.level, 0));
	assert_true(near(rt_limit_when(&l, 0, 0, 100), 101));
}

/* ---- settling ---------------------------------------------------------- */

static void what_is_not_used_comes_back_exactly(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 11);
	for (int i = 0; i < 10000; i++) {
		long r = (long)rng_below(&rng, 900), u;
		double end = 40 * rng_unit(&rng);
		struct rt_limit l, truth;

		u = (long)rng_below(&rng, 1200);
		rt_limit_init(&l, 0, 0, 1000, 0);
		truth = l;
		/* Some were used just before. */
		rt_limit_reserve(&l, 0, 100, 0);
		rt_limit_settle(&l, l.ticket, 0, 100, 0, 100, 0);
		rt_limit_reserve(&truth, 0, 100, 0);
		rt_limit_settle(&truth, truth.ticket, 0, 100, 0, 100, 0);
		rt_limit_reserve(&l, 0, r, 0);
		rt_limit_settle(&l, l.ticket, 0, r, 0, u, end);
		/* It knew from the beginning. */
		rt_limit_reserve(&truth, 0, u, 0);
		rt_limit_settle(&truth, truth.ticket, 0, u, 0, u, end);
		if (u <= r)
			assert_true(near(l.out.level, truth.out.level));
		else
			assert_true(l.out.level <= truth.out.level + 1e-6);
		assert_true(l.out.reserved == 0);
	}
}

static void what_was_not_sent_does_not_count(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 10, 100, 100, 0);
	for (int i = 0; i < 50; i++) {
		rt_limit_reserve(&l, 60, 70, 0);
		rt_limit_undo(&l, l.ticket, 60, 70, 0);
	}
	assert_true(l.requests.level == 10 && l.in.level == 100 &&
		    l.out.level == 100);
}

static void absurd_use_can_be_paid_back(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0, 1000, 1000, 0);
	rt_limit_reserve(&l, 10, 10, 0);
	rt_limit_settle(&l, l.ticket, 10, 10, __LONG_MAX__, __LONG_MAX__, 1);
	assert_true(rt_limit_when(&l, 1, 1, 1) <= 1 + 60 * 11);
	rt_limit_reserve(&l, 10, 10, 5000);
	rt_limit_settle(&l, l.ticket, 10, 10, -5, -__LONG_MAX__ - 1, 5001);
	assert_true(l.in.level <= 1000 && l.out.level <= 1000);
}

/* ---- learning ---------------------------------------------------------- */

static void told_limits_overrule(void **state)
{
	struct rt_limits_told t = nothing;
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 10, 0, 100, 0);
	t.requests_limit = 600;
	t.requests_left = 599;
	t.in_limit = 6000;
	t.out_limit = 50;
	t.out_left = 20;
	t.out_reset_s = 30;
	rt_limit_learn(&l, &t, 0);
	assert_true(near(l.requests.rate, 10) && l.requests.size == 600);
	assert_true(near(l.requests.level, 599));
	assert_true(near(l.in.rate, 100) && near(l.in.level, 6000));
	assert_true(l.out.size == 50 && near(l.out.level, 20));
	assert_true(rt_limit_when(&l, 6000, 20, 0) == 0);
	assert_true(rt_limit_when(&l, 6000, 21, 0) > 0);
}

/* Whether it has counted what is under way, nobody knows. */
static void told_rest_is_believed_within_what_is_reserved(void **state)
{
	struct rt_limits_told t = nothing;
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0, 1000, 0, 0);
	rt_limit_reserve(&l, 300, 0, 0);
	t.in_left = 900;
	rt_limit_learn(&l, &t, 0);
	assert_true(near(l.in.level, 700));
	t.in_left = 650;
	rt_limit_learn(&l, &t, 0);
	assert_true(near(l.in.level, 650));
	t.in_left = 5000;
	rt_limit_learn(&l, &t, 0);
	assert_true(near(l.in.level, 700));
	rt_limit_settle(&l, l.ticket, 300, 0, 0, 0, 0);
	assert_true(l.in.level <= 1000);
}

static void told_nonsense_changes_nothing(void **state)
{
	const double bad[] = {-1, -1e300, NAN, INFINITY, -INFINITY, 1e300};
	struct rt_limit l, was;

	(void)state;
	rt_limit_init(&l, 60, 1000, 1000, 0);
	rt_limit_reserve(&l, 10, 10, 0);
	was = l;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const double x = bad[i];
		struct rt_limits_told t = {x, x, x, x, x, x, x, x, x};

		rt_limit_learn(&l, &t, 0);
		rt_limit_block(&l, x > 0 || x != x ? x : -1e300);
		assert_true(rt_limit_when(&l, 100, 100, 0) == 0 ||
			    l.blocked_until == x);
		l.blocked_until = was.blocked_until;
		assert_memory_equal(&l, &was, sizeof(l));
	}
}

static void limit_of_a_day_is_none_of_a_minute(void **state)
{
	struct rt_limits_told t = nothing;
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0, 0, 0, 0);
	t.requests_limit = 200;
	t.requests_left = 199;
	t.requests_reset_s = 432;
	rt_limit_learn(&l, &t, 0);
	assert_true(near(l.requests.rate, 200.0 / 86400));
	assert_true(near(l.requests.level, 199));
}

static void exhausted_one_is_left_alone_until_its_reset(void **state)
{
	struct rt_limits_told t = nothing;
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 60, 0, 0, 0);
	t.requests_left = 0;
	t.requests_reset_s = 17;
	rt_limit_learn(&l, &t, 3);
	assert_true(near(rt_limit_when(&l, 1, 1, 3), 20));
	assert_true(rt_limit_when(&l, 1, 1, 20) == 20);
	/* Not for ever, even if it says so. */
	t.requests_reset_s = 1e9;
	rt_limit_learn(&l, &t, 20);
	assert_true(rt_limit_when(&l, 1, 1, 20) <= 20 + 61);
}

static void block_only_grows(void **state)
{
	struct rt_limit l;

	(void)state;
	rt_limit_init(&l, 0, 0, 0, 0);
	rt_limit_block(&l, 10);
	rt_limit_block(&l, 5);
	assert_true(rt_limit_when(&l, 1, 1, 0) == 10);
	assert_true(rt_limit_when(&l, 1, 1, 10) == 10);
	assert_true(rt_limit_when(&l, 1, 1, 11) == 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_lets_too_much_through),
		cmocka_unit_test(does_not_starve_a_busy_endpoint),
		cmocka_unit_test(time_told_is_early_enough_and_enough),
		cmocka_unit_test(more_than_the_size_waits_for_a_full_bucket),
		cmocka_unit_test(no_limit_is_no_limit),
		cmocka_unit_test(less_than_one_a_minute_works),
		cmocka_unit_test(
			clock_that_stands_still_or_goes_back_gives_nothing),
		cmocka_unit_test(what_is_not_used_comes_back_exactly),
		cmocka_unit_test(what_was_not_sent_does_not_count),
		cmocka_unit_test(absurd_use_can_be_paid_back),
		cmocka_unit_test(told_limits_overrule),
		cmocka_unit_test(told_rest_is_believed_within_what_is_reserved),
		cmocka_unit_test(told_nonsense_changes_nothing),
		cmocka_unit_test(limit_of_a_day_is_none_of_a_minute),
		cmocka_unit_test(exhausted_one_is_left_alone_until_its_reset),
		cmocka_unit_test(block_only_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
