/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cycles of parents, against a search of the whole graph, and in time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/lineage.h"

/* Ids that are easy to follow; lineage_add() looks at no body. */
static void id_of(uint32_t n, char id[static DOC_ID_LEN])
{
	snprintf(id, DOC_ID_LEN, "%064x", n);
}

/* Document child has these parents; 0 or -ELOOP. */
static int add(struct lineage *l, uint32_t child, const uint32_t *parents,
	       size_t n)
{
	char id[DOC_ID_LEN];
	struct doc d = {.id = id, .env = json_object()};
	struct json *list = json_set(d.env, "parent", json_array());
	int rc;

	for (size_t i = 0; i < n; i++) {
		id_of(parents[i], id);
		json_add(list, json_string(id));
	}
	id_of(child, id);
	rc = lineage_add(l, &d);
	json_free(d.env);
	return rc;
}

static int link(struct lineage *l, uint32_t child, uint32_t parent)
{
	return add(l, child, &parent, 1);
}

/* ---- against a search of the whole graph ----------------------------- */

#define NODES 60

/* Whether to is an ancestor of from, or itself. */
static bool reaches(bool g[NODES][NODES], uint32_t from, uint32_t to,
		    bool *seen)
{
	if (from == to)
		return true;
	seen[from] = true;
	for (uint32_t i = 0; i < NODES; i++) {
		if (g[from][i] && !seen[i] && reaches(g, i, to, seen))
			return true;
	}
	return false;
}

/* The message's ids are links that are there, and end where they began. */
static void check_named(bool g[NODES][NODES], uint32_t child, uint32_t parent)
{
	const char *at = strrchr(err_text(), ':') + 2;
	uint32_t first = (uint32_t)strtoul(at, NULL, 16), prev = first;

	assert_int_equal(first, child);
	for (at = strstr(at, " -> "); at; at = strstr(at, " -> ")) {
		uint32_t n;

		at += 4;
		if (strstr(at, "more") && strcspn(at, " ") < 60)
			return;
		n = (uint32_t)strtoul(at, NULL, 16);
		assert_true(g[prev][n] || (prev == child && n == parent));
		prev = n;
	}
	assert_int_equal(prev, child);
}

static void one_graph(struct rng *r, int links)
{
	static bool g[NODES][NODES];
	struct lineage *l = lineage_new();
	int cycles = 0;

	memset(g, 0, sizeof(g));
	for (int i = 0; i < links; i++) {
		uint32_t child = (uint32_t)rng_below(r, NODES);
		uint32_t parent = (uint32_t)rng_below(r, NODES);
		bool seen[NODES] = {false};
		bool cyclic = reaches(g, parent, child, seen);
		int rc = link(l, child, parent);

		if (cyclic && rc == -ELOOP &&
		    strstr(err_text(), "not looked at")) {
			cycles++;
			continue;
		}
		if (!cyclic && rc) {
			/* After many cycles it may refuse without a look. */
			assert_true(cycles >= 100);
			assert_non_null(strstr(err_text(), "not looked at"));
			continue;
		}
		assert_int_equal(rc, cyclic ? -ELOOP : 0);
		if (!cyclic) {
			g[child][parent] = true;
			continue;
		}
		cycles++;
		if (child != parent)
			check_named(g, child, parent);
	}
	lineage_free(l);
}

static void agrees_with_a_full_search(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	for (int i = 0; i < 300; i++)
		one_graph(&r, 40 + i);
}

/* ---- in time --------------------------------------------------------- */

#define MANY 100000

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void chains_are_quick_either_way(void **state)
{
	struct lineage *up = lineage_new(), *down = lineage_new();
	double start = cpu_seconds();

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(link(up, i + 1, i), 0);
		assert_int_equal(link(down, i, i + 1), 0);
	}
	assert_int_equal(link(up, 0, MANY), -ELOOP);
	assert_int_equal(link(down, MANY, 0), -ELOOP);
	assert_non_null(strstr(err_text(), "more -> "));
	lineage_free(up);
	lineage_free(down);
	assert_true(cpu_seconds() - start < 10);
}

/* Chains that are put together in the middle, all the time. */
static void scattered_chains_are_quick(void **state)
{
	static uint32_t order[MANY];
	struct lineage *l = lineage_new();
	double start = cpu_seconds();
	struct rng r;

	(void)state;
	rng_init(&r, 2);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t j = (uint32_t)rng_below(&r, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(link(l, order[i], order[i] + 1), 0);
	assert_int_equal(link(l, MANY, 0), -ELOOP);
	lineage_free(l);
	assert_true(cpu_seconds() - start < 20);
}

/* A long chain above and one below, and links from the one to the other. */
static void two_chains_and_many_bridges_are_quick(void **state)
{
	struct lineage *l = lineage_new();
	double start = cpu_seconds();
	uint32_t third = MANY / 3;

	(void)state;
	for (uint32_t i = 0; i < third; i++) {
		link(l, i, i + 1);
		link(l, 1000000 + i, 1000000 + i + 1);
	}
	for (uint32_t i = 0; i < third; i++) {
		assert_int_equal(link(l, third, 2000000 + i), 0);
		assert_int_equal(link(l, 2000000 + i, 1000000), 0);
	}
	lineage_free(l);
	assert_true(cpu_seconds() - start < 20);
}

static void many_parents_are_quick(void **state)
{
	static uint32_t parents[MANY];
	struct lineage *l = lineage_new();
	double start = cpu_seconds();

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		parents[i] = i + 1;
	assert_int_equal(add(l, 0, parents, MANY), 0);
	for (uint32_t i = 1; i <= MANY; i++)
		assert_int_equal(link(l, i, MANY + 1), 0);
	assert_int_equal(link(l, MANY + 1, 0), -ELOOP);
	lineage_free(l);
	assert_true(cpu_seconds() - start < 20);
}

/* The same long cycle closed again and again must not cost its length. */
static void many_cycles_are_quick(void **state)
{
	struct lineage *l = lineage_new();
	double start = cpu_seconds();

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		link(l, i + 1, i);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(link(l, i % 100, MANY - i % 1000), -ELOOP);
	/* What goes on as streams do is taken all the same. */
	assert_int_equal(link(l, MANY + 1, MANY), 0);
	assert_int_equal(link(l, MANY + 2, MANY + 1), 0);
	lineage_free(l);
	assert_true(cpu_seconds() - start < 20);
}

static void ids_find_their_documents(void **state)
{
	struct lineage *l = lineage_new();
	static struct doc d[1000];
	static char id[1000][DOC_ID_LEN];
	char other[DOC_ID_LEN];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		id_of(i * 7, id[i]);
		d[i].id = id[i];
		assert_null(lineage_find(l, id[i]));
		lineage_keep(l, &d[i]);
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_ptr_equal(lineage_find(l, id[i]), &d[i]);
	id_of(3, other);
	assert_null(lineage_find(l, other));
	assert_null(lineage_find(l, ""));
	lineage_free(l);
	lineage_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_full_search),
		cmocka_unit_test(chains_are_quick_either_way),
		cmocka_unit_test(scattered_chains_are_quick),
		cmocka_unit_test(two_chains_and_many_bridges_are_quick),
		cmocka_unit_test(many_parents_are_quick),
		cmocka_unit_test(many_cycles_are_quick),
		cmocka_unit_test(ids_find_their_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
