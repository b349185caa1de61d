/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user's figure: what commands print, and who runs them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/canary/probe.h"
#include "base/mem.h"

static void probes_are_read(void **state)
{
	static const struct {
		const char *text, *name, *unit;
		bool higher;
		int rc;
		double value;
	} rows[] = {
		{"rps=echo 12.5", "rps", "", true, 0, 12.5},
		{"p99,us=echo 1; echo at 3e3", "p99", "us", false, 0, 3000},
		{"depth,lower=echo '-4 tasks'", "depth", "", false, 0, -4},
		{"a=exit 3", "a", "", true, -EINVAL, 0},
		{"a=echo nothing", "a", "", true, -ENODATA, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct probe p;
		double x = 0;

		assert_int_equal(probe_parse(rows[i].text, &p), 0);
		assert_string_equal(p.metric.name, rows[i].name);
		assert_string_equal(p.metric.unit, rows[i].unit);
		assert_int_equal(p.metric.higher_is_better, rows[i].higher);
		assert_int_equal(probe_read(&p, &x), rows[i].rc);
		assert_true(x == rows[i].value);
		probe_release(&p);
	}
}

static void bad_probes_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "x", "=echo", "x=", "a b=echo 1", "metric/x=echo 1"};
	struct probe p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(probe_parse(rows[i], &p), -EINVAL);
}

static void nobody_probes(void **state)
{
	struct probe p;
	double uid;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(probe_parse("uid=id -u", &p), 0);
	assert_int_equal(probe_read(&p, &uid), 0);
	assert_true(uid == 65534);
	probe_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_are_read),
		cmocka_unit_test(bad_probes_are_refused),
		cmocka_unit_test(nobody_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
