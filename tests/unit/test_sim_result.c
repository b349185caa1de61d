/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A result that was made by hand, and the whole document that it gives. */
#include "sim_fix.h"

static char *text_of(const struct json *v, const char *path)
{
	return json_canonical(json_path(v, path));
}

static struct load *a_load(void)
{
	return fix_load("metric request\nmetric none\n"
			"web*2 : run 1ms\ndb : run 1ms\n");
}

static struct sim_result a_result(void)
{
	struct sim_result r = {
		.outcome = SIM_DONE,
		.end_ns = 2000000000,
		.events = 11,
		.switches = 12,
		.wakeups = 13,
		.migrations = 14,
		.preemptions = 15,
		.kicks = 16,
		.ticks = 17,
		.unfinished = 18,
		.busy_ns = 1500000000,
		.idle_ns = 2500000000,
		.overhead_ns = 3000000,
		.idle_waiting_ns = 4000,
		.longest_wait_ns = 5000000,
		.weight_error = -1,
		.group_count = 2,
		.metric_count = 2,
	};

	r.groups = mem_zalloc(2, sizeof(*r.groups));
	r.groups[0].tasks = 2;
	r.groups[0].run_ns = 500000000;
	r.groups[0].wait_ns = 250000000;
	r.groups[0].wakeups = 3;
	r.groups[0].migrations = 4;
	r.groups[0].preemptions = 5;
	hist_add(&r.groups[0].delay, 64000);
	hist_add_many(&r.groups[0].burst, 2000, 3);
	r.metrics = mem_zalloc(2, sizeof(*r.metrics));
	r.metrics[0].count = 5;
	hist_add(&r.metrics[0].time, 1000);
	hist_add(&r.metrics[0].time, 3000);
	hist_add(&r.metrics[0].slowdown, 1500);
	return r;
}

static void figures_stand_where_they_belong(void **state)
{
	static const struct {
		const char *path;
		double want;
	} rows[] = {
		{"seed", 9},
		{"machine.cpus", 2},
		{"machine.threads", 2},
		{"machine.llcs", 1},
		{"machine.nodes", 1},
		{"costs.hz", 250},
		{"end_s", 2},
		{"busy_s", 1.5},
		{"idle_s", 2.5},
		{"overhead_s", 0.003},
		{"idle_waiting_s", 0.000004},
		{"longest_wait_s", 0.005},
		{"events", 11},
		{"switches", 12},
		{"wakeups", 13},
		{"migrations", 14},
		{"preemptions", 15},
		{"kicks", 16},
		{"ticks", 17},
		{"unfinished", 18},
		{"groups.0.tasks", 2},
		{"groups.0.run_s", 0.5},
		{"groups.0.wait_s", 0.25},
		{"groups.0.wakeups", 3},
		{"groups.0.migrations", 4},
		{"groups.0.preemptions", 5},
		{"groups.0.delay_us.sum", 64},
		{"groups.0.burst_us.count", 3},
		{"groups.1.tasks", 0},
		{"units.0.count", 5},
		{"units.0.time_us.sum", 4},
		{"units.0.slowdown.max", 1.5},
		{"units.1.count", 0},
	};
	struct sim_opts o = fix_opts("2,threads=2");
	struct sim_result r = a_result();
	struct load *l = a_load();
	struct json *v;

	(void)state;
	o.seed = 9;
	v = sim_result_json(l, &o, &r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double x = json_as_number(json_path(v, rows[i].path), NAN);

		if (!(fabs(x - rows[i].want) < 1e-12))
			fail_msg("%s is %g", rows[i].path, x);
	}
	assert_string_equal(json_as_string(json_get(v, "outcome"), ""), "done");
	assert_string_equal(json_as_string(json_get(v, "load"), ""), "words");
	assert_string_equal(json_as_string(json_path(v, "groups.1.name"), ""),
			    "db");
	assert_string_equal(json_as_string(json_path(v, "units.0.name"), ""),
			    "request");
	/* What there was nothing of is not in it. */
	assert_null(json_get(v, "weight_error"));
	assert_null(json_get(v, "exit_kind"));
	assert_null(json_get(v, "callbacks"));
	assert_null(json_get(v, "counters"));
	assert_null(json_get(v, "model"));
	assert_null(json_get(v, "notes"));
	json_free(v);
	sim_result_release(&r);
	load_free(l);
}

static void metrics_are_rates_and_times(void **state)
{
	/* The p99 of two bursts is in the bucket of the longer one, and not
	 * above it; a group without a delay has none. */
	static const char want[] =
		"[{\"better\":\"lower\",\"name\":\"wall\",\"unit\":\"s\","
		"\"value\":2},"
		"{\"better\":\"higher\",\"name\":\"request_rate\",\"unit\":"
		"\"1/s\",\"value\":2.5},"
		"{\"better\":\"lower\",\"name\":\"request_mean\",\"unit\":"
		"\"us\",\"value\":2},"
		"{\"better\":\"lower\",\"name\":\"request_p99\",\"unit\":"
		"\"us\",\"value\":";
	struct sim_result r = a_result();
	struct load *l = a_load();
	struct json *v = sim_result_metrics(l, &r);
	char *text = json_canonical(v);
	double p99 = json_as_number(json_path(v, "3.value"), 0);

	(void)state;
	assert_int_equal(strncmp(text, want, strlen(want)), 0);
	assert_true(p99 > 2.5 && p99 <= 3);
	assert_int_equal(json_len(v), 6);
	assert_string_equal(json_as_string(json_path(v, "4.name"), ""),
			    "web_cpus");
	assert_true(json_as_number(json_path(v, "4.value"), 0) == 0.25);
	assert_string_equal(json_as_string(json_path(v, "5.name"), ""),
			    "web_delay_p99");
	assert_true(json_as_number(json_path(v, "5.value"), 0) == 64);
	free(text);
	json_free(v);
	/* Counted, but never timed; and a run that took no time. */
	memset(&r.metrics[0].time, 0, sizeof(r.metrics[0].time));
	v = sim_result_metrics(l, &r);
	assert_int_equal(json_len(v), 4);
	json_free(v);
	r.end_ns = 0;
	v = sim_result_metrics(l, &r);
	assert_int_equal(json_len(v), 2);
	json_free(v);
	sim_result_release(&r);
	load_free(l);
}

static void what_a_policy_did_is_told(void **state)
{
	struct sim_opts o = fix_opts("2");
	struct sim_result r = a_result();
	struct load *l = a_load();
	struct json *v;
	char *text;

	(void)state;
	r.outcome = SIM_EJECTED;
	r.exit_kind = 1024;
	r.exit_code = -7;
	r.exit_text = mem_strdup("so it was");
	r.weight_error = 0.1234567;
	r.callback_count = 2;
	r.callbacks[0].name = "never";
	r.callbacks[1] = (struct sim_callback_result){
		.name = "enqueue", .calls = 3, .insns = 10, .insns_max = 8};
	r.findings[0] = (struct sim_finding){.rule = SIM_STALL,
					     .at_ns = 1500000000,
					     .text = mem_strdup("waits")};
	r.findings[1] = (struct sim_finding){.rule = SIM_KICKS,
					     .file = "p.c",
					     .line = 12,
					     .text = mem_strdup("kicks")};
	r.finding_count = 2;
	r.counters = json_object();
	json_set_number(r.counters, "direct", 4);
	json_add(l->notes, json_string("assumed"));
	v = sim_result_json(l, &o, &r);
	assert_string_equal(json_as_string(json_get(v, "outcome"), ""),
			    "ejected");
	assert_int_equal(json_as_number(json_get(v, "exit_kind"), 0), 1024);
	assert_int_equal(json_as_number(json_get(v, "exit_code"), 0), -7);
	assert_string_equal(json_as_string(json_get(v, "exit_text"), ""),
			    "so it was");
	assert_true(json_as_number(json_get(v, "weight_error"), 0) == 0.123457);
	text = text_of(v, "callbacks");
	assert_string_equal(text, "[{\"calls\":3,\"insns_max\":8,"
				  "\"insns_mean\":3.33333,\"name\":"
				  "\"enqueue\"}]");
	free(text);
	text = text_of(v, "findings");
	assert_string_equal(text, "[{\"at_s\":1.5,\"rule\":\"stall\","
				  "\"text\":\"waits\"},{\"at_s\":0,\"file\":"
				  "\"p.c\",\"line\":12,\"rule\":\"kicks\","
				  "\"text\":\"kicks\"}]");
	free(text);
	assert_int_equal(json_as_number(json_path(v, "counters.direct"), 0), 4);
	text = text_of(v, "notes");
	assert_string_equal(text, "[\"assumed\"]");
	free(text);
	json_free(v);
	sim_result_release(&r);
	load_free(l);
}

static void six_digits_are_kept(void **state)
{
	static const double rows[][2] = {
		{0, 0},
		{1, 1},
		{123456.7, 123457},
		{1234567, 1234570},
		{-1234564, -1234560},
		{0.0001234567, 0.000123457},
		{999999.6, 1000000},
		{2.5, 2.5},
		{1e300, 1e300},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(sim_rounded(rows[i][0]) == rows[i][1]);
	assert_true(isinf(sim_rounded(INFINITY)));
	assert_true(isnan(sim_rounded(NAN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_stand_where_they_belong),
		cmocka_unit_test(metrics_are_rates_and_times),
		cmocka_unit_test(what_a_policy_did_is_told),
		cmocka_unit_test(six_digits_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
