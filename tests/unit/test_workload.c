/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics, commands taken apart, and workloads as JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "workload/words.h"
#include "workload/workload.h"

static void check_parse(const char *text, const char *name, const char *unit,
			bool higher, const char *regex, const char *json)
{
	struct metric m;

	assert_int_equal(metric_parse(text, &m), 0);
	assert_string_equal(m.name, name);
	assert_string_equal(m.unit, unit);
	assert_int_equal(m.higher_is_better, higher);
	if (regex)
		assert_string_equal(m.regex, regex);
	else
		assert_null(m.regex);
	if (json)
		assert_string_equal(m.json, json);
	else
		assert_null(m.json);
	metric_release(&m);
}

static void metrics_parse(void **state)
{
	(void)state;
	check_parse("wall", "wall", "s", false, NULL, NULL);
	check_parse("rps=re:([0-9.]+) req/s", "rps", "", true,
		    "([0-9.]+) req/s", NULL);
	check_parse("p99,us=json:latency.p99", "p99", "us", false, NULL,
		    "latency.p99");
	check_parse("x,higher,ms=re:x=re:(.*)", "x", "ms", true, "x=re:(.*)",
		    NULL);
	check_parse("x,lower=json:a=json:b", "x", "", false, NULL, "a=json:b");
	check_parse("Time: (.*)", "metric", "", true, "Time: (.*)", NULL);
	check_parse("a b=re:c", "metric", "", true, "a b=re:c", NULL);
}

static void bad_metrics_are_refused(void **state)
{
	static const char *const bad[] = {"", "x=re:(",
					  "x=re:", "x=json:", "[z-a]"};
	struct metric m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(metric_parse(bad[i], &m), -EINVAL);
		assert_string_not_equal(err_text(), "");
	}
}

static double read_value(const char *metric, const char *out, const char *err,
			 int want)
{
	struct metric m;
	double x = -1;

	assert_int_equal(metric_parse(metric, &m), 0);
	assert_int_equal(metric_read(&m, out, err, 2.5, &x), want);
	metric_release(&m);
	return x;
}

static void values_come_from_the_output(void **state)
{
	(void)state;
	assert_true(read_value("wall", "7", "", 0) == 2.5);
	assert_true(read_value("rate: (.*)/s", "rate: 1/s\nrate: 2/s\nend\n",
			       "", 0) == 2);
	/* The match itself without a group. */
	assert_true(read_value("[0-9.]+ ops", "17.5 ops", "", 0) == 17.5);
	/* Standard output first, then standard error. */
	assert_true(read_value("x(.*)", "x1", "x2", 0) == 1);
	assert_true(read_value("x(.*)", "nothing", "x2", 0) == 2);
	assert_true(read_value("x(.*)", NULL, "x-3e2\n", 0) == -300);
	/* A line that matches without a number is none. */
	assert_true(read_value("x(.*)", "x4\nxyz\n", NULL, 0) == 4);
}

static void json_values_too(void **state)
{
	(void)state;
	assert_true(read_value("v=json:a.b.1",
			       "log\n{\"a\":{\"b\":[1,2]}}\n"
			       "{\"a\":{\"b\":[3,4]}}\nbye\n",
			       "", 0) == 4);
	assert_true(read_value("v=json:a", "{\"a\":1}\n{\"b\":2}\n", "", 0) ==
		    1);
	assert_true(read_value("v=json:a", "{\n \"a\":\n 5\n}\n", "", 0) == 5);
	assert_true(read_value("v=json:a", "{bad", "{\"a\":6}", 0) == 6);
	read_value("v=json:a", "{\"a\":\"7\"}", "", -ENODATA);
}

static void what_is_not_there_is_named(void **state)
{
	(void)state;
	read_value("rps=re:([0-9]+) req", "nothing\n", "", -ENODATA);
	assert_non_null(strstr(err_text(), "([0-9]+) req"));
	assert_non_null(strstr(err_text(), "rps"));
	read_value("x=re:x(.*)", "xinf\nxnan\n", "", -ENODATA);
	read_value("x=re:x(.*)", NULL, NULL, -ENODATA);
}

static void check_words(const char *text, const char *const *want)
{
	struct strs got = {0};
	size_t n = 0;

	assert_int_equal(words_split(text, &got), 0);
	for (; want[n]; n++) {
		assert_true(n < got.len);
		assert_string_equal(got.v[n], want[n]);
	}
	assert_int_equal(got.len, n);
	strs_release(&got);
}

static void words_need_no_shell(void **state)
{
	struct strs got = {0};

	(void)state;
	check_words("", (const char *[]){NULL});
	check_words("  a\tb\n", (const char *[]){"a", "b", NULL});
	check_words("a 'b c' \"d 'e\" ''",
		    (const char *[]){"a", "b c", "d 'e", "", NULL});
	check_words("a\\ b $x *.c `y` x'y'z",
		    (const char *[]){"a b", "$x", "*.c", "`y`", "xyz", NULL});
	check_words("'a\\b' \"c\\\"d\"",
		    (const char *[]){"a\\b", "c\"d", NULL});
	assert_int_equal(words_split("a 'b", &got), -EINVAL);
	strs_release(&got);
}

static int read_text(const char *text, struct workload *w)
{
	struct json *v = json_parse(text, strlen(text));
	int rc;

	assert_non_null(v);
	rc = workload_read(v, w);
	json_free(v);
	return rc;
}

static void workloads_survive_json(void **state)
{
	const char *text =
		"{\"bound\":[\"./best\"],\"command\":[\"./srv\",\"-n\",\"4\"],"
		"\"cwd\":\"/srv\",\"metrics\":[{\"better\":\"higher\","
		"\"name\":\"rps\",\"regex\":\"([0-9.]+) r/s\",\"unit\":\"1/s\"}"
		",{\"better\":\"lower\",\"json\":\"l.p99\",\"name\":\"p99\","
		"\"unit\":\"us\"}],\"name\":\"requests\","
		"\"short\":[\"./srv\",\"-n\",\"1\"]}";
	struct workload w;
	struct json *v;
	char *again;

	(void)state;
	assert_int_equal(read_text(text, &w), 0);
	assert_int_equal(w.metric_count, 2);
	assert_string_equal(w.command.v[2], "4");
	v = workload_json(&w);
	again = json_canonical(v);
	assert_string_equal(again, text);
	free(again);
	json_free(v);
	workload_release(&w);
}

static void what_is_left_out_has_a_default(void **state)
{
	struct workload w;

	(void)state;
	assert_int_equal(read_text("{\"command\":[\"/bin/true\"]}", &w), 0);
	assert_string_equal(w.name, "true");
	assert_int_equal(w.metric_count, 1);
	assert_string_equal(w.metrics[0].name, "wall");
	assert_false(w.metrics[0].higher_is_better);
	assert_null(w.metrics[0].regex);
	workload_release(&w);
}

static void bad_workloads_name_the_key(void **state)
{
	static const struct {
		const char *text, *key;
	} bad[] = {
		{"[]", "workload"},
		{"{}", "workload.command"},
		{"{\"command\":[1]}", "workload.command"},
		{"{\"command\":\"x\"}", "workload.command"},
		{"{\"command\":[\"x\"],\"bound\":{}}", "workload.bound"},
		{"{\"command\":[\"x\"],\"short\":\"y\"}", "workload.short"},
		{"{\"command\":[\"x\"],\"metrics\":[{}]}", "workload.metrics"},
		{"{\"command\":[\"x\"],\"metrics\":[{\"name\":\"a\","
		 "\"better\":\"up\"}]}",
		 "workload.metrics"},
	};
	struct workload w;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(read_text(bad[i].text, &w), -EINVAL);
		assert_non_null(strstr(err_text(), bad[i].key));
	}
	assert_int_equal(workload_read(NULL, &w), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_parse),
		cmocka_unit_test(bad_metrics_are_refused),
		cmocka_unit_test(values_come_from_the_output),
		cmocka_unit_test(json_values_too),
		cmocka_unit_test(what_is_not_there_is_named),
		cmocka_unit_test(words_need_no_shell),
		cmocka_unit_test(workloads_survive_json),
		cmocka_unit_test(what_is_left_out_has_a_default),
		cmocka_unit_test(bad_workloads_name_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
