/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/claim.h"

static struct vec vec3(int64_t a, int64_t b, int64_t c)
{
	return (struct vec){{a, b, c}};
}

/* ---- the banker -------------------------------------------------------- */

/*
 * Five claims on 10, 5 and 7 of three things: the example that textbooks on
 * operating systems give for Dijkstra's algorithm (EWD 623).
 */
static const struct rt_claim book[] = {
	{{{0, 1, 0}}, {{7, 5, 3}}}, {{{2, 0, 0}}, {{3, 2, 2}}},
	{{{3, 0, 2}}, {{9, 0, 2}}}, {{{2, 1, 1}}, {{2, 2, 2}}},
	{{{0, 0, 2}}, {{4, 3, 3}}},
};

static void test_book(void **state)
{
	struct rt_claim c[ARRAY_LEN(book)];
	struct vec idle = vec3(3, 3, 2), more = vec3(1, 0, 2);

	(void)state;
	memcpy(c, book, sizeof(c));
	assert_int_equal(rt_claims_safe(c, 5, &idle, 1, &more), 0);
	vec_add(&c[1].held, &more);
	vec_sub(&idle, &more);
	/* Now the fifth asks for more than there is, */
	more = vec3(3, 3, 0);
	assert_int_equal(rt_claims_safe(c, 5, &idle, 4, &more), -EAGAIN);
	assert_non_null(strstr(err_text(), "free"));
	/* and the first for what fits, but is unsafe. */
	more = vec3(0, 2, 0);
	assert_true(vec_fits(&more, &idle));
	assert_int_equal(rt_claims_safe(c, 5, &idle, 0, &more), -EAGAIN);
	assert_non_null(strstr(err_text(), "it fits"));
	/* Nothing more is always safe in a safe state. */
	more = vec3(0, 0, 0);
	assert_int_equal(rt_claims_safe(c, 5, &idle, 0, &more), 0);
}

static void test_never(void **state)
{
	struct rt_claim c[2] = {{{{1}}, {{4}}}, {{{1}}, {{9}}}};
	struct vec idle = {{3}}, more = {{4}};

	(void)state;
	assert_int_equal(rt_claims_safe(c, 2, &idle, 0, &more), -ERANGE);
	assert_non_null(strstr(err_text(), "cores: 5 wanted"));
	more.v[0] = 1;
	assert_int_equal(rt_claims_safe(c, 2, &idle, 1, &more), -ERANGE);
	assert_non_null(strstr(err_text(), "there are 5"));
}

/* Whether every claim can end in some order: all orders are tried. */
static bool try_orders(const struct rt_claim *c, size_t n, unsigned ended,
		       const struct vec *idle)
{
	if (ended == (1u << n) - 1)
		return true;
	for (size_t i = 0; i < n; i++) {
		struct vec rest = c[i].most, after = *idle;

		vec_sub(&rest, &c[i].held);
		if (ended & 1u << i || !vec_fits(&rest, idle))
			continue;
		vec_add(&after, &c[i].held);
		if (try_orders(c, n, ended | 1u << i, &after))
			return true;
	}
	return false;
}

static void test_against_all_orders(void **state)
{
	unsigned granted = 0, unsafe = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	for (int round = 0; round < 20000; round++) {
		size_t n = 1 + rng_below(&r, 5), who = rng_below(&r, n);
		struct vec idle = {0}, more = {0};
		struct rt_claim c[5];
		bool want;
		int rc;

		memset(c, 0, sizeof(c));
		for (size_t k = 0; k < 3; k++) {
			idle.v[k] = (int64_t)rng_below(&r, 5);
			for (size_t i = 0; i < n; i++) {
				c[i].held.v[k] = (int64_t)rng_below(&r, 3);
				c[i].most.v[k] = c[i].held.v[k] +
						 (int64_t)rng_below(&r, 4);
			}
			more.v[k] = (int64_t)rng_below(&r, 3);
		}
		rc = rt_claims_safe(c, n, &idle, who, &more);
		vec_add(&c[who].held, &more);
		if (rc == -ERANGE)
			continue;
		want = vec_fits(&more, &idle);
		vec_sub(&idle, &more);
		want = want && try_orders(c, n, 0, &idle);
		assert_int_equal(rc, want ? 0 : -EAGAIN);
		granted += want;
		unsafe += !want;
	}
	assert_true(granted > 1000 && unsafe > 1000);
}

/* ---- the philosophers -------------------------------------------------- */

#define TABLE 5

/* Fork k is component k of a vector, so five fit. */
static struct vec fork_of(size_t k)
{
	struct vec v = {0};

	v.v[k % TABLE] = 1;
	return v;
}

static struct vec both_of(size_t who)
{
	struct vec v = fork_of(who), right = fork_of(who + 1);

	vec_add(&v, &right);
	return v;
}

/* Both at once or none: whoever is asked in whatever order, they all eat. */
static void test_all_or_nothing(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 2);
	for (int round = 0; round < 200; round++) {
		struct vec idle = {{1, 1, 1, 1, 1}};
		bool eats[TABLE] = {0};
		unsigned meals = 0, steps = 0;

		while (meals < 50) {
			size_t who = rng_below(&r, TABLE);
			struct vec both = both_of(who);

			assert_true(++steps < 5000);
			if (eats[who]) {
				vec_add(&idle, &both);
				eats[who] = false;
				meals++;
			} else if (vec_fits(&both, &idle)) {
				vec_sub(&idle, &both);
				eats[who] = true;
			}
		}
	}
}

/* One fork after the other, each granted by the banker only: the fifth hand
 * is held back, nobody is ever stuck. */
static void test_banker_at_table(void **state)
{
	unsigned held_back = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	for (int round = 0; round < 200; round++) {
		struct vec idle = {{1, 1, 1, 1, 1}};
		struct rt_claim c[TABLE];
		unsigned meals = 0, steps = 0;

		for (size_t i = 0; i < TABLE; i++)
			c[i] = (struct rt_claim){{{0}}, both_of(i)};
		while (meals < 50) {
			size_t who = rng_below(&r, TABLE);
			struct vec more =
				fork_of(who + !vec_zero(&c[who].held));

			assert_true(++steps < 20000);
			if (vec_equal(&c[who].held, &c[who].most)) {
				vec_add(&idle, &c[who].held);
				c[who].held = (struct vec){0};
				meals++;
				continue;
			}
			if (!rt_claims_safe(c, TABLE, &idle, who, &more)) {
				vec_add(&c[who].held, &more);
				vec_sub(&idle, &more);
			} else {
				held_back += vec_fits(&more, &idle);
			}
		}
	}
	assert_true(held_back > 0);
}

/* Nobody asks the banker, all take the left one first: the circle is found,
 * the youngest gives way, and the others eat. */
static void test_circle_at_table(void **state)
{
	static const uint64_t id[TABLE] = {40, 7, 99, 12, 23};
	struct rt_waits *w = rt_waits_new();
	uint64_t circle[TABLE], youngest = 0;
	size_t n;

	(void)state;
	for (size_t i = 0; i < TABLE; i++) {
		assert_int_equal(rt_waits_circle(w, circle, TABLE), 0);
		rt_waits_add(w, id[i], id[(i + 1) % TABLE]);
	}
	n = rt_waits_circle(w, circle, TABLE);
	assert_int_equal(n, TABLE);
	/* From the oldest, round the table. */
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(circle[i], id[(1 + i) % TABLE]);
		youngest = circle[i] > youngest ? circle[i] : youngest;
	}
	assert_int_equal(youngest, 99);
	rt_waits_remove(w, youngest);
	assert_int_equal(rt_waits_circle(w, circle, TABLE), 0);
	rt_waits_free(w);
}

/* ---- who waits for whom ------------------------------------------------ */

static void test_waits(void **state)
{
	struct rt_waits *w = rt_waits_new();
	uint64_t out[4];

	(void)state;
	assert_int_equal(rt_waits_circle(w, out, 4), 0);
	rt_waits_remove(w, 5);
	rt_waits_add(w, 5, 5);
	assert_int_equal(rt_waits_circle(w, out, 4), 1);
	assert_int_equal(out[0], 5);
	rt_waits_remove(w, 5);
	/* Two ways to the same end are no circle. */
	rt_waits_add(w, 1, 2);
	rt_waits_add(w, 1, 3);
	rt_waits_add(w, 2, 4);
	rt_waits_add(w, 3, 4);
	rt_waits_add(w, 3, 4);
	assert_int_equal(rt_waits_circle(w, out, 4), 0);
	/* A tail before the circle is not in it; only max are written. */
	rt_waits_add(w, 4, 3);
	memset(out, 0, sizeof(out));
	assert_int_equal(rt_waits_circle(w, out, 1), 2);
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 0);
	rt_waits_remove(w, 4);
	assert_int_equal(rt_waits_circle(w, out, 4), 0);
	rt_waits_add(w, UINT64_MAX, 0);
	rt_waits_add(w, 0, UINT64_MAX);
	assert_int_equal(rt_waits_circle(w, out, 4), 2);
	assert_true(out[0] == 0 && out[1] == UINT64_MAX);
	rt_waits_free(w);
	rt_waits_free(NULL);
}

#define NODES 7

/* Floyd and Warshall: whether anyone reaches itself. */
static bool has_circle(bool reach[NODES][NODES])
{
	for (int k = 0; k < NODES; k++)
		for (int i = 0; i < NODES; i++)
			for (int j = 0; j < NODES; j++)
				reach[i][j] |= reach[i][k] && reach[k][j];
	for (int i = 0; i < NODES; i++)
		if (reach[i][i])
			return true;
	return false;
}

static void test_against_closure(void **state)
{
	unsigned with = 0, without = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 4);
	for (int round = 0; round < 20000; round++) {
		bool edge[NODES][NODES] = {0}, reach[NODES][NODES];
		struct rt_waits *w = rt_waits_new();
		uint64_t out[NODES], gone = rng_below(&r, NODES);
		size_t n;

		for (uint64_t i = rng_below(&r, 12); i > 0; i--) {
			uint64_t a = rng_below(&r, NODES);
			uint64_t b = rng_below(&r, NODES);

			edge[a][b] = true;
			rt_waits_add(w, a, b);
		}
		memset(edge[gone], 0, sizeof(edge[gone]));
		rt_waits_remove(w, gone);
		n = rt_waits_circle(w, out, NODES);
		memcpy(reach, edge, sizeof(reach));
		assert_int_equal(n > 0, has_circle(reach));
		for (size_t i = 0; i < n; i++)
			assert_true(edge[out[i]][out[(i + 1) % n]]);
		with += n > 0;
		without += !n;
		rt_waits_free(w);
	}
	assert_true(with > 1000 && without > 1000);
}

/* A long chain is walked in little time. */
static void test_long(void **state)
{
	struct rt_waits *w = rt_waits_new();
	uint64_t out[1];

	(void)state;
	for (uint64_t i = 1; i < 100000; i++)
		rt_waits_add(w, i, i + 1);
	assert_int_equal(rt_waits_circle(w, out, 1), 0);
	rt_waits_add(w, 100000, 1);
	assert_int_equal(rt_waits_circle(w, out, 1), 100000);
	rt_waits_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_book),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_against_all_orders),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_banker_at_table),
		cmocka_unit_test(test_circle_at_table),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_against_closure),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
