/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models of integers: as near to those of real numbers as they say, safe
 * whatever their bytes are, and the same in the virtual machine.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "learn/forecast.h"
#include "vm_programs.h"

#define ROWS	100000
#define MODELS	20
#define POISONS 2000

static int16_t wild(struct rng *r)
{
	static const int16_t edges[] = {INT16_MIN, INT16_MIN + 1, -1,	    0,
					1,	   INT16_MAX - 1, INT16_MAX};

	switch (rng_below(r, 3)) {
	case 0:
		return edges[rng_below(r, ARRAY_LEN(edges))];
	case 1:
		return (int16_t)rng_below(r, 16384);
	default:
		return (int16_t)rng_next(r);
	}
}

static void wild_row(struct rng *r, int16_t *x)
{
	for (int i = 0; i < FORECAST_FEATURES; i++)
		x[i] = wild(r);
}

static double between(struct rng *r, double lo, double hi)
{
	return lo + (hi - lo) * rng_unit(r);
}

static void wild_linear(struct rng *r, struct linear *l, unsigned features)
{
	linear_init(l, features, 1);
	for (unsigned i = 0; i < features; i++)
		l->w[i] = between(r, -1, 1) * pow(10, between(r, -4, 2));
	l->w[features] = between(r, -60, 120);
}

static void wild_trees(struct rng *r, struct trees *t, unsigned n,
		       unsigned features)
{
	memset(t, 0, sizeof(*t));
	t->n = n;
	t->base = between(r, 0, 16000);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < FORECAST_NODES; k++) {
			t->tree[i].feature[k] = (uint8_t)rng_below(r, features);
			t->tree[i].threshold[k] = wild(r);
			t->tree[i].leaf[k] = between(r, -2000, 2000);
		}
}

/* ---- the bound --------------------------------------------------------- */

/* The largest distance, as a share of the bound, over many rows. */
static double distance(struct rng *r, const struct forecast_part *p,
		       double (*real)(const void *m, const int16_t *x),
		       const void *m, int rows)
{
	double most = 0;

	for (int i = 0; i < rows; i++) {
		int16_t x[FORECAST_FEATURES];
		double off;

		wild_row(r, x);
		off = fabs(forecast_of(p, x) - forecast_kept(real(m, x)));
		most = fmax(most, off / forecast_bound(p));
	}
	return most;
}

static double real_linear(const void *m, const int16_t *x)
{
	return linear_predict(m, x);
}

static double real_trees(const void *m, const int16_t *x)
{
	return trees_predict(m, x);
}

static void test_bound_linear(void **state)
{
	struct forecast_part *p = mem_zalloc(1, sizeof(*p));
	struct linear l;
	double most = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	for (int i = 0; i < MODELS; i++) {
		wild_linear(&r, &l, 24);
		assert_int_equal(forecast_of_linear(&l, p), 0);
		assert_true(forecast_bound(p) < 0.5 + 0.4);
		most = fmax(most,
			    distance(&r, p, real_linear, &l, ROWS / MODELS));
	}
	assert_true(most <= 1);
	/* The bound says something: it is come near to. */
	assert_true(most > 0.4);
	free(p);
}

static void test_bound_trees(void **state)
{
	struct forecast_part *p = mem_zalloc(1, sizeof(*p));
	struct trees t;
	double most = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 2);
	for (int i = 0; i < MODELS; i++) {
		wild_trees(&r, &t, FORECAST_TREES, FORECAST_FEATURES);
		assert_int_equal(forecast_of_trees(&t, p), 0);
		assert_true(forecast_bound(p) < 0.51);
		most = fmax(most,
			    distance(&r, p, real_trees, &t, ROWS / MODELS));
	}
	assert_true(most <= 1 && most > 0.9);
	free(p);
}

/* At a threshold it is one side or the other, never between. */
static void test_thresholds(void **state)
{
	static const int16_t at[] = {INT16_MIN, -1, 0, 77, INT16_MAX};
	struct forecast_part *p = mem_zalloc(1, sizeof(*p));
	struct trees t;
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	wild_trees(&r, &t, 1, 1);
	t.base = 5000;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		for (int k = 1; k < FORECAST_NODES; k++)
			t.tree[0].threshold[k] = at[i];
		assert_int_equal(forecast_of_trees(&t, p), 0);
		for (int step = -1; step <= 1; step++) {
			int16_t x[FORECAST_FEATURES] = {
				(int16_t)(at[i] + step)};

			assert_true(fabs(forecast_of(p, x) -
					 trees_predict(&t, x)) <=
				    forecast_bound(p));
		}
	}
	free(p);
}

static void test_too_large(void **state)
{
	struct forecast_part *p = mem_zalloc(1, sizeof(*p));
	struct trees t = {.n = 1};
	struct linear l;

	(void)state;
	linear_init(&l, 2, 1);
	l.w[1] = 2048;
	assert_int_equal(forecast_of_linear(&l, p), -ERANGE);
	l.w[1] = NAN;
	assert_int_equal(forecast_of_linear(&l, p), -ERANGE);
	l.w[1] = 0;
	l.w[2] = 1e9;
	assert_int_equal(forecast_of_linear(&l, p), -ERANGE);
	t.tree[0].leaf[3] = -1e5;
	assert_int_equal(forecast_of_trees(&t, p), -ERANGE);
	free(p);
}

/* ---- any bytes --------------------------------------------------------- */

static void randomise(struct rng *r, void *p, size_t len)
{
	unsigned char *b = p;

	for (size_t i = 0; i < len; i++)
		b[i] = (unsigned char)rng_next(r);
}

/* Read in place, so that the sanitizers see every access. */
static void test_poisoned(void **state)
{
	struct forecast *m = mem_zalloc(1, sizeof(*m));
	struct rng r;

	(void)state;
	rng_init(&r, 4);
	for (int i = 0; i < POISONS; i++) {
		int16_t x[FORECAST_FEATURES];
		int32_t said;

		if (i % 3 == 0)
			memset(m, i % 2 ? 0xff : 0x7f, sizeof(*m));
		else
			randomise(&r, m, sizeof(*m));
		for (uint32_t t = 0; t < FORECAST_TARGETS; t++) {
			m->part[t].kind = (uint32_t)rng_below(&r, 4);
			wild_row(&r, x);
			said = forecast_predict(m, t, x);
			assert_in_range(said, 0, FORECAST_MOST);
		}
		assert_int_equal(forecast_predict(m, 3 + (uint32_t)i, x), 0);
		assert_int_equal(forecast_check(m), -EINVAL);
	}
	free(m);
}

static void good_model(struct forecast *m)
{
	struct linear l;
	struct trees t;
	struct rng r;

	rng_init(&r, 5);
	forecast_init(m, 1, 24);
	wild_linear(&r, &l, 24);
	assert_int_equal(forecast_of_linear(&l, &m->part[0]), 0);
	wild_trees(&r, &t, 7, 24);
	assert_int_equal(forecast_of_trees(&t, &m->part[1]), 0);
}

static void refuses(const struct forecast *m, const char *why)
{
	assert_int_equal(forecast_check(m), -EINVAL);
	if (!strstr(err_text(), why))
		fail_msg("'%s' is not about '%s'", err_text(), why);
}

static void test_check(void **state)
{
	struct forecast *m = mem_zalloc(2, sizeof(*m)), *good = m + 1;

	(void)state;
	good_model(good);
	assert_int_equal(forecast_check(good), 0);
#define SPOILT(what, why) (*m = *good, (what), refuses(m, why))
	SPOILT(m->magic++, "no model");
	SPOILT(m->version++, "version");
	SPOILT(m->features = 33, "33 features");
	SPOILT(m->features = 0, "0 features");
	SPOILT(m->part[0].kind = 3, "kind");
	SPOILT(m->part[2].bound = 1, "no kind");
	SPOILT(m->part[0].trees = 1, "number of trees");
	SPOILT(m->part[1].trees = 0, "number of trees");
	SPOILT(m->part[1].trees = FORECAST_TREES + 1, "number of trees");
	SPOILT(m->part[0].weight[24] = 1, "no feature");
	SPOILT(m->part[1].weight[0] = 1, "no feature");
	SPOILT(m->part[1].trees--, "more trees");
	SPOILT(m->part[1].tree[2].node[5] |= 24 * 4, "no feature");
	SPOILT(m->part[1].tree[2].node[5] |= 1, "no feature");
	SPOILT(m->part[1].tree[6].node[0] = 1, "no feature");
#undef SPOILT
	free(m);
}

static void test_files(void **state)
{
	struct forecast *m = mem_zalloc(2, sizeof(*m)), *back = m + 1;
	char path[] = "/tmp/forecast.XXXXXX";
	int fd = mkstemp(path);
	struct buf b;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	good_model(m);
	assert_int_equal(forecast_write(path, m), 0);
	assert_int_equal(forecast_read(path, back), 0);
	assert_memory_equal(m, back, sizeof(*m));
	buf_init(&b, 1 << 20);
	forecast_put(m, &b);
	for (size_t i = 0; i < b.len; i += 97) {
		b.data[i] ^= 4;
		assert_int_equal(forecast_get(b.data, b.len, back), -EINVAL);
		b.data[i] ^= 4;
		assert_int_equal(forecast_get(b.data, i, back), -EINVAL);
	}
	assert_int_equal(forecast_get(b.data, b.len, back), 0);
	buf_puts(&b, "\n");
	assert_int_equal(forecast_get(b.data, b.len, back), -EINVAL);
	assert_int_equal(forecast_read("/proc/self/exe", back), -EINVAL);
	assert_int_equal(forecast_read("/nonexistent", back), -ENOENT);
	unlink(path);
	buf_release(&b);
	free(m);
}

/* ---- in the virtual machine -------------------------------------------- */

#define INSNS_MOST   1500 /* of a decision */
#define DECISION_ROW 1024

/* Where a variable of the program is. */
static void *variable(struct programs *p, const char *name, size_t want)
{
	unsigned char *data;
	size_t size, len;
	void *at;
	int map;

	if (object_variable(p->o, name, &at, &size, &map))
		fail_msg("%s", err_text());
	assert_int_equal(size, want);
	data = vm_map_data(p->f.vm, map, &len);
	return data + ((unsigned char *)at - p->o->maps[map].data);
}

static int32_t decide(struct programs *p)
{
	const uint64_t none = 0;
	uint64_t r0 = 0;

	for (size_t i = 0; i < p->o->func_count; i++) {
		if (strcmp(p->o->funcs[i].name, "burst"))
			continue;
		if (vm_run(p->f.vm, (int)i, &none, 1, &r0))
			fail_msg("%s", vm_fault(p->f.vm)->text);
	}
	return (int32_t)r0;
}

/* All models, and bytes that are none, say the same there as here. */
static void test_in_vm(void **state)
{
	int16_t(*rows)[FORECAST_FEATURES];
	struct forecast *m;
	struct programs p;
	uint64_t most = 0;
	struct linear l;
	struct trees t;
	struct rng r;

	(void)state;
	rng_init(&r, 6);
	open_programs(&p, "forecast");
	m = variable(&p, "model", sizeof(*m));
	rows = variable(&p, "rows", DECISION_ROW * sizeof(*rows));
	for (int i = 0; i < DECISION_ROW; i++)
		wild_row(&r, rows[i]);
	for (int i = 0; i < 4 * DECISION_ROW; i++) {
		struct forecast_part *part = &m->part[FORECAST_BURST];

		if (i == 0) {
			wild_linear(&r, &l, FORECAST_FEATURES);
			assert_int_equal(forecast_of_linear(&l, part), 0);
		} else if (i == DECISION_ROW) {
			wild_trees(&r, &t, FORECAST_TREES, FORECAST_FEATURES);
			assert_int_equal(forecast_of_trees(&t, part), 0);
		} else if (i >= 2 * DECISION_ROW && i % 64 == 0) {
			randomise(&r, m, sizeof(*m));
			part->kind = (uint32_t)rng_below(&r, 4);
		}
		assert_int_equal(decide(&p),
				 forecast_of(part, rows[i % DECISION_ROW]));
		if (vm_insns_last(p.f.vm) > most)
			most = vm_insns_last(p.f.vm);
	}
	print_message("# a decision takes %d instructions at most\n",
		      (int)most);
	assert_true(most <= INSNS_MOST);
	assert_true(sizeof(*m) <= 65536);
	close_programs(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_linear),
		cmocka_unit_test(test_bound_trees),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_poisoned),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_in_vm),
	};

	return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
