/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The circuit breaker, class by class and then by chance. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/breaker.h"

static const enum rt_fault counted[] = {RT_FAULT_REACH, RT_FAULT_SERVER,
					RT_FAULT_RATE, RT_FAULT_RIGHTS};

static bool may(const struct rt_breaker *b, double now)
{
	return rt_breaker_when(b, now) <= now;
}

/* Faults of one class until it opens; returns how many that took. */
static unsigned open_it(struct rt_breaker *b, enum rt_fault f, double now)
{
	unsigned n = 0;

	while (may(b, now)) {
		rt_breaker_sent(b, now);
		rt_breaker_result(b, f, now);
		assert_in_range(++n, 1, 100);
	}
	return n;
}

static void errors_have_their_classes(void **state)
{
	const struct {
		int error;
		enum rt_fault f;
	} is[] = {
		{0, RT_FAULT_NONE},	      {-ECONNREFUSED, RT_FAULT_REACH},
		{-ETIMEDOUT, RT_FAULT_REACH}, {-EPIPE, RT_FAULT_REACH},
		{-EHOSTDOWN, RT_FAULT_REACH}, {-EAGAIN, RT_FAULT_SERVER},
		{-EIO, RT_FAULT_SERVER},      {-EBUSY, RT_FAULT_RATE},
		{-EACCES, RT_FAULT_RIGHTS},   {-ENOKEY, RT_FAULT_RIGHTS},
		{-EINVAL, RT_FAULT_ASKER},    {-EBADMSG, RT_FAULT_ASKER},
		{-EDQUOT, RT_FAULT_ASKER},    {-4711, RT_FAULT_ASKER},
		{ETIMEDOUT, RT_FAULT_REACH},
	};
	/* What a network may do, what a server, what a key may be. */
	static const int reach[] = {ECONNRESET, ECONNABORTED, ENOTCONN,
				    ETIME,	EHOSTUNREACH, ENETUNREACH,
				    ENETDOWN,	ENETRESET,    ESHUTDOWN};
	static const int server[] = {EPROTO, EREMOTEIO};
	static const int rights[] = {EPERM, EKEYREJECTED, EKEYEXPIRED,
				     EKEYREVOKED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++)
		assert_int_equal(rt_fault_of(is[i].error), is[i].f);
	for (size_t i = 0; i < ARRAY_LEN(reach); i++)
		assert_int_equal(rt_fault_of(-reach[i]), RT_FAULT_REACH);
	for (size_t i = 0; i < ARRAY_LEN(server); i++)
		assert_int_equal(rt_fault_of(-server[i]), RT_FAULT_SERVER);
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		assert_int_equal(rt_fault_of(-rights[i]), RT_FAULT_RIGHTS);
	assert_int_equal(rt_fault_of(-EUSERS), RT_FAULT_RATE);
}

static void classes_open_after_their_own_number(void **state)
{
	const unsigned row[] = {3, 5, 10, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		struct rt_breaker b;

		rt_breaker_init(&b);
		assert_int_equal(open_it(&b, counted[i], 10), row[i]);
		assert_int_equal(rt_breaker_worst(&b, 10), RT_OPEN);
	}
}

static void asker_never_opens(void **state)
{
	struct rt_breaker b;

	(void)state;
	rt_breaker_init(&b);
	for (int i = 0; i < 1000; i++) {
		assert_true(may(&b, i));
		rt_breaker_sent(&b, i);
		rt_breaker_result(&b, RT_FAULT_ASKER, i);
	}
	assert_int_equal(rt_breaker_worst(&b, 1000), RT_CLOSED);
}

static void success_between_starts_the_row_anew(void **state)
{
	struct rt_breaker b;

	(void)state;
	rt_breaker_init(&b);
	for (int i = 0; i < 100; i++) {
		rt_breaker_result(&b, RT_FAULT_REACH, i);
		rt_breaker_result(&b, RT_FAULT_REACH, i);
		rt_breaker_result(&b, RT_FAULT_NONE, i);
	}
	assert_int_equal(rt_breaker_worst(&b, 100), RT_CLOSED);
	/* So does an answer that shows that it was reached. */
	for (int i = 0; i < 100; i++) {
		rt_breaker_result(&b, RT_FAULT_REACH, i);
		rt_breaker_result(&b, RT_FAULT_REACH, i);
		rt_breaker_result(&b, RT_FAULT_ASKER, i);
	}
	assert_int_equal(rt_breaker_worst(&b, 100), RT_CLOSED);
}

/* Twice as long with each failed try, up to a most; well again, as short as
 * at first. */
static void pauses_double_up_to_a_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		struct rt_breaker b;
		double now = 0, first, pause, most = 0;

		rt_breaker_init(&b);
		open_it(&b, counted[i], now);
		first = pause = rt_breaker_when(&b, now) - now;
		for (int n = 0; n < 20; n++) {
			double next;

			now = rt_breaker_when(&b, now);
			assert_int_equal(rt_breaker_worst(&b, now),
					 RT_HALF_OPEN);
			rt_breaker_sent(&b, now);
			assert_true(rt_breaker_when(&b, now) == INFINITY);
			rt_breaker_result(&b, counted[i], now);
			next = rt_breaker_when(&b, now) - now;
			assert_true(fabs(next - 2 * pause) < 1e-6 ||
				    (most && fabs(next - most) < 1e-6) ||
				    (next > pause && next < 2 * pause));
			if (next < 2 * pause - 1e-6)
				most = next;
			pause = next;
		}
		assert_true(most > 0 && most <= 3600);
		now = rt_breaker_when(&b, now);
		rt_breaker_sent(&b, now);
		rt_breaker_result(&b, RT_FAULT_NONE, now);
		assert_int_equal(rt_breaker_worst(&b, now), RT_CLOSED);
		open_it(&b, counted[i], now);
		assert_true(fabs(rt_breaker_when(&b, now) - now - first) <
			    1e-6);
	}
}

static void open_one_takes_no_notice_of_what_was_sent_before(void **state)
{
	struct rt_breaker b;
	double until;

	(void)state;
	rt_breaker_init(&b);
	for (int i = 0; i < 8; i++)
		rt_breaker_sent(&b, 0);
	for (int i = 0; i < 3; i++)
		rt_breaker_result(&b, RT_FAULT_REACH, 1);
	until = rt_breaker_when(&b, 1);
	for (int i = 0; i < 4; i++)
		rt_breaker_result(&b, RT_FAULT_REACH, 1.5);
	rt_breaker_result(&b, RT_FAULT_NONE, 1.5);
	assert_true(rt_breaker_when(&b, 1.5) == until);
	assert_int_equal(rt_breaker_worst(&b, 1.5), RT_OPEN);
}

static void cancelled_try_makes_room_for_another(void **state)
{
	struct rt_breaker b;
	double now;

	(void)state;
	rt_breaker_init(&b);
	open_it(&b, RT_FAULT_SERVER, 0);
	now = rt_breaker_when(&b, 0);
	for (int i = 0; i < 5; i++) {
		assert_true(may(&b, now));
		rt_breaker_sent(&b, now);
		assert_false(may(&b, now + 1e6));
		rt_breaker_undone(&b);
	}
	assert_true(may(&b, now));
	assert_int_equal(rt_breaker_worst(&b, now), RT_HALF_OPEN);
}

/* A try that fails of something else says nothing of the class, or shows that
 * it is well. */
static void other_faults_decide_other_classes(void **state)
{
	struct rt_breaker b;
	double now;

	(void)state;
	rt_breaker_init(&b);
	open_it(&b, RT_FAULT_SERVER, 0);
	now = rt_breaker_when(&b, 0);
	rt_breaker_sent(&b, now);
	rt_breaker_result(&b, RT_FAULT_REACH, now);
	assert_int_equal(rt_breaker_worst(&b, now), RT_HALF_OPEN);
	assert_true(may(&b, now));

	rt_breaker_init(&b);
	open_it(&b, RT_FAULT_REACH, 0);
	now = rt_breaker_when(&b, 0);
	rt_breaker_sent(&b, now);
	rt_breaker_result(&b, RT_FAULT_RATE, now);
	assert_int_equal(rt_breaker_worst(&b, now), RT_CLOSED);

	rt_breaker_init(&b);
	open_it(&b, RT_FAULT_REACH, 0);
	now = rt_breaker_when(&b, 0);
	rt_breaker_sent(&b, now);
	rt_breaker_result(&b, RT_FAULT_RIGHTS, now);
	assert_int_equal(rt_breaker_worst(&b, now), RT_OPEN);
	assert_true(rt_breaker_when(&b, now) - now > 60);
}

static void one_is_sent_when_all_are_over(void **state)
{
	struct rt_breaker b;
	double late;

	(void)state;
	rt_breaker_init(&b);
	for (int i = 0; i < 5; i++)
		rt_breaker_result(&b, RT_FAULT_SERVER, 0);
	for (int i = 0; i < 3; i++)
		rt_breaker_result(&b, RT_FAULT_REACH, 1.9);
	late = rt_breaker_when(&b, 2);
	assert_true(late >= 2.9);
	assert_false(may(&b, 2.5));
	rt_breaker_sent(&b, late);
	assert_true(rt_breaker_when(&b, late) == INFINITY);
	rt_breaker_result(&b, RT_FAULT_NONE, late);
	assert_int_equal(rt_breaker_worst(&b, late), RT_CLOSED);
}

/* Whatever happens in whatever order: never two tries at once, and never a
 * state from which nothing leads out. */
static void by_chance_it_is_never_stuck(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 5);
	for (int run = 0; run < 300; run++) {
		struct rt_breaker b;
		double now = 0;
		size_t out = 0;
		bool trying = false;

		rt_breaker_init(&b);
		for (int i = 0; i < 300; i++) {
			uint64_t what = rng_below(&rng, 4);

			now += rng_unit(&rng) * 20;
			if (what < 2 && may(&b, now)) {
				bool half = rt_breaker_worst(&b, now) ==
					    RT_HALF_OPEN;

				assert_false(half && trying);
				rt_breaker_sent(&b, now);
				trying = half;
				out++;
			} else if (what == 2 && out) {
				rt_breaker_result(&b,
						  (enum rt_fault)rng_below(
							  &rng, RT_FAULTS),
						  now);
				trying = false;
				out--;
			} else if (out) {
				rt_breaker_undone(&b);
				trying = false;
				out--;
			}
		}
		/* All that was out is cancelled: time alone helps. */
		rt_breaker_undone(&b);
		now = rt_breaker_when(&b, now);
		assert_true(isfinite(now));
		rt_breaker_sent(&b, now);
		rt_breaker_result(&b, RT_FAULT_NONE, now);
		assert_int_equal(rt_breaker_worst(&b, now), RT_CLOSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_their_classes),
		cmocka_unit_test(classes_open_after_their_own_number),
		cmocka_unit_test(asker_never_opens),
		cmocka_unit_test(success_between_starts_the_row_anew),
		cmocka_unit_test(pauses_double_up_to_a_most),
		cmocka_unit_test(
			open_one_takes_no_notice_of_what_was_sent_before),
		cmocka_unit_test(cancelled_try_makes_room_for_another),
		cmocka_unit_test(other_faults_decide_other_classes),
		cmocka_unit_test(one_is_sent_when_all_are_over),
		cmocka_unit_test(by_chance_it_is_never_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
