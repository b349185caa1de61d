/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "history/bisect.h"

static enum bisect_mark judged(bool higher, double good, double tested,
			       double hi, double pct)
{
	const struct bisect_figure x = {"m", higher, good, good};
	const struct bisect_figure y = {"m", higher, tested, hi};

	return bisect_judge(&x, &y, pct);
}

static void judging(void **state)
{
	(void)state;
	/* Of a time, 10 % worse is 1.1 times as long; of a rate, 0.9 of it. */
	assert_int_equal(judged(false, 1, 0.905, 0.92, 10), BISECT_BAD);
	assert_int_equal(judged(false, 1, 0.915, 0.92, 10), BISECT_GOOD);
	assert_int_equal(judged(true, 1, 0.905, 0.92, 10), BISECT_GOOD);
	assert_int_equal(judged(true, 1, 0.895, 0.92, 10), BISECT_BAD);
	/* What counts is the good one, not the kernel's own scheduler. */
	assert_int_equal(judged(false, 2, 1.5, 1.6, 10), BISECT_BAD);
	assert_int_equal(judged(false, 0.5, 0.5, 0.6, 10), BISECT_GOOD);
	assert_int_equal(judged(false, 1, 3, 4, 0), BISECT_GOOD);
	/* The good one is within the interval, or it has no end. */
	assert_int_equal(judged(false, 2, 1.5, 2.1, 10), BISECT_SKIP);
	assert_int_equal(judged(false, 2, 1.5, 1e6, 10), BISECT_SKIP);
	assert_int_equal(judged(false, 2, 1.99, 1e6, 10), BISECT_GOOD);
}

static struct doc *verdict(const char *metrics)
{
	static const char *const keys[] = {"policy", "target", "kernel"};
	struct json *v = json_object();
	struct doc *d;

	for (size_t i = 0; i < 3; i++)
		json_set_string(v, keys[i],
				i ? "vm"
				  : "00000000000000000000000000000000"
				    "00000000000000000000000000000000");
	json_set_string(v, "decision", "inconclusive");
	json_set_string(v, "why", "it died");
	json_set(v, "stages", json_array());
	json_set(v, "metrics", json_parse(metrics, strlen(metrics)));
	d = doc_new("verdict", "tests", v, NULL, 0);
	assert_non_null(d);
	return d;
}

#define METRIC(name, better, guard, hi)                                   \
	"{\"name\":\"" name "\",\"better\":\"" better                     \
	"\",\"unit\":\"s\",\"baseline\":3,\"candidate\":2,\"ratio\":1.5," \
	"\"ci95\":[1.2," hi "],\"pairs\":5,\"guard\":" guard "}"

static void figures(void **state)
{
	struct doc *d =
		verdict("[" METRIC("p99", "lower", "true", "1.7") "," METRIC(
			"rate", "higher", "false",
			"1.6") "," METRIC("wall", "lower", "true", "null") "]");
	struct bisect_figure f;

	(void)state;
	assert_int_equal(bisect_figure(d, NULL, &f), 0);
	assert_string_equal(f.name, "rate");
	assert_true(f.higher_is_better && f.ratio > 1.4 && f.hi < 1.7);
	assert_int_equal(bisect_figure(d, "wall", &f), 0);
	assert_true(!f.higher_is_better && f.hi > 1e5);
	assert_int_equal(bisect_figure(d, "mean", &f), -ENODATA);
	assert_string_equal(err_text(), "'mean' is none of its metrics");
	doc_free(d);
	d = verdict("[]");
	assert_int_equal(bisect_figure(d, "wall", &f), -ENODATA);
	assert_string_equal(err_text(), "it died");
	doc_free(d);
}

/* Policies of one letter each, "" behind it, in the order of their places. */
static void begin(struct bisect *b, const char *letters)
{
	*b = (struct bisect){.n = strlen(letters), .log = json_array()};
	b->workload = mem_strdup("w");
	b->policy = mem_zalloc(b->n + 1, DOC_ID_LEN);
	b->mark = mem_zalloc(b->n + 1, sizeof(*b->mark));
	for (size_t i = 0; i < b->n; i++)
		b->policy[i][0] = letters[i];
}

static void end(struct bisect *b)
{
	free(b->workload);
	free(b->policy);
	free(b->mark);
	json_free(b->log);
}

static void say(struct bisect *b, const char *policy, enum bisect_mark mark)
{
	assert_int_equal(bisect_say(b, policy, mark, NULL), 0);
}

/* One that was in place again is tested once, and is good in both places. */
static void a_policy_that_came_back(void **state)
{
	size_t at, after, tests = 0;
	struct bisect b;

	(void)state;
	begin(&b, "abacadae");
	say(&b, "a", BISECT_GOOD);
	say(&b, "e", BISECT_BAD);
	while (bisect_next(&b, &at, &after) == 1) {
		assert_true(++tests <= b.n);
		say(&b, b.policy[at], BISECT_GOOD);
	}
	assert_int_equal(bisect_next(&b, &at, &after), 0);
	assert_string_equal(b.policy[at], "e");
	assert_string_equal(b.policy[after], "a");
	end(&b);
	begin(&b, "abcbd");
	say(&b, "a", BISECT_GOOD);
	say(&b, "d", BISECT_BAD);
	say(&b, "b", BISECT_SKIP);
	assert_int_equal(bisect_next(&b, &at, &after), 1);
	assert_string_equal(b.policy[at], "c");
	say(&b, "c", BISECT_BAD);
	assert_int_equal(bisect_next(&b, &at, &after), -ENOTUNIQ);
	end(&b);
}

/* All are good by now: there is nothing to look for, and nothing behind the
 * last one is looked at. */
static void none_is_bad_any_more(void **state)
{
	size_t at, after;
	struct bisect b;

	(void)state;
	begin(&b, "ab");
	say(&b, "a", BISECT_GOOD);
	say(&b, "b", BISECT_BAD);
	assert_int_equal(bisect_next(&b, &at, &after), 0);
	say(&b, "b", BISECT_GOOD);
	assert_int_equal(bisect_next(&b, &at, &after), -EINVAL);
	end(&b);
	begin(&b, "ab");
	say(&b, "a", BISECT_BAD);
	assert_int_equal(bisect_next(&b, &at, &after), -EINVAL);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judging),
		cmocka_unit_test(figures),
		cmocka_unit_test(a_policy_that_came_back),
		cmocka_unit_test(none_is_bad_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
