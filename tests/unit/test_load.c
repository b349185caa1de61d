/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads: building and checking them, how durations are drawn. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/load.h"
#include "sim/load_make.h"

static struct load *hog(void)
{
	struct load *l = load_new("hog");
	uint32_t t = load_add_task(l, "hog", load_add_group(l, "hogs"));

	load_op_ns(l, t, LOAD_RUN, 1000);
	load_op_loop(l, t, 0, 0);
	return l;
}

static void says(const struct load *l, const char *what)
{
	assert_int_equal(load_check(l), -EINVAL);
	assert_non_null(strstr(err_text(), what));
}

static void a_hog_is_fine(void **state)
{
	struct load *l = hog();

	(void)state;
	assert_int_equal(load_check(l), 0);
	assert_int_equal(l->tasks[0].op_count, 2);
	assert_int_equal(l->tasks[0].mask, -1);
	assert_int_equal(l->cgroup_count, 1);
	load_free(l);
}

static void what_is_wrong_is_said(void **state)
{
	struct load *l = hog();
	struct load_op *op = l->tasks[0].ops;

	(void)state;
	op[0].dist.ns = 0;
	says(l, "takes no time");
	op[0].dist.ns = UINT64_MAX;
	says(l, "over two years");
	op[0].dist = (struct load_dist){.kind = DIST_QUANTILE};
	says(l, "quantiles is missing");
	op[0].dist = (struct load_dist){.ns = 1};
	op[0].what = LOAD_WAIT;
	says(l, "object does not exist");
	op[0].what = LOAD_SKIP;
	op[0].n = 1;
	says(l, "leaves the program");
	op[0].what = LOAD_RUN;
	op[1].obj = 2;
	says(l, "does not go back");
	op[1].obj = 0;
	op[1].n = 3;
	says(l, "has no end");
	op[1].n = 0;
	l->tasks[0].instances = 0;
	says(l, "tasks are started");
	l->tasks[0].instances = 1;
	l->tasks[0].nice = 20;
	says(l, "-20 to 19");
	l->tasks[0].nice = 0;
	l->tasks[0].group = 1;
	says(l, "no such group");
	load_free(l);
}

static double mean_of(const struct load_dist *d, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += (double)load_draw(d, (i + 0.5) / n);
	return sum / n;
}

static void draws_have_their_mean(void **state)
{
	struct load_dist d = {.kind = DIST_EXP, .ns = 1000000};
	uint64_t table[LOAD_QUANTILES];

	(void)state;
	assert_true(fabs(mean_of(&d, 100000) / 1e6 - 1) < 0.001);
	/* Exactly -ln(1 - u) but for the last digits. */
	for (double u = 0; u < 1; u += 0.01)
		assert_true(fabs((double)load_draw(&d, u) + 1e6 * log1p(-u)) <
			    2);
	d = (struct load_dist){.kind = DIST_UNIFORM, .ns = 10, .max_ns = 30};
	assert_int_equal(load_draw(&d, 0), 10);
	assert_int_equal(load_draw(&d, 0.5), 20);
	for (unsigned i = 0; i < LOAD_QUANTILES; i++)
		table[i] = 1000ull * i * i;
	d = (struct load_dist){.kind = DIST_QUANTILE, .table = table};
	assert_int_equal(load_draw(&d, 0.5), 1000 * 32 * 32);
	assert_int_equal(load_draw(&d, 0.5 + 1.0 / 128), (1024 + 1089) * 500);
	assert_true(load_draw(&d, nextafter(1, 0)) <= 64 * 64 * 1000);
	d = (struct load_dist){.ns = 7};
	assert_int_equal(load_draw(&d, 0.99), 7);
}

static void the_hostile_set_is_sound(void **state)
{
	static const uint32_t cpus[] = {0, 1, 2, 8, 512};
	size_t count = 0;

	(void)state;
	for (; load_hostile_names[count]; count++) {
		for (size_t i = 0; i < ARRAY_LEN(cpus); i++) {
			struct load *l;

			assert_int_equal(load_hostile(load_hostile_names[count],
						      cpus[i], i, &l),
					 0);
			assert_int_equal(load_check(l), 0);
			assert_true(l->cpus > 0 && l->duration_ns > 0);
			load_free(l);
		}
	}
	assert_true(count >= 12);
}

static void hostile_loads_insist_on_their_machine(void **state)
{
	struct load *l;

	(void)state;
	assert_int_equal(load_hostile("one_cpu", 8, 1, &l), 0);
	assert_int_equal(l->cpus, 1);
	load_free(l);
	assert_int_equal(load_hostile("many_cpus", 8, 1, &l), 0);
	assert_int_equal(l->cpus, 128);
	load_free(l);
	assert_int_equal(load_hostile("hotplug", 1, 1, &l), 0);
	assert_int_equal(l->cpus, 2);
	load_free(l);
	assert_int_equal(load_hostile("no_such", 8, 1, &l), -ENOENT);
	assert_null(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hog_is_fine),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(draws_have_their_mean),
		cmocka_unit_test(the_hostile_set_is_sound),
		cmocka_unit_test(hostile_loads_insist_on_their_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
