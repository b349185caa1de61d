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
#include "policy/policy.h"

static int read_text(const char *text, struct policy_params *out)
{
	struct json *body = json_parse(text, strlen(text));
	int rc;

	assert_non_null(body);
	rc = policy_params_read(body, out);
	json_free(body);
	return rc;
}

static void refuses(const char *text, const char *words)
{
	struct policy_params p;

	err_clear();
	assert_true(read_text(text, &p) < 0);
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in '%s'", words, err_text());
}

static void test_defaults(void **state)
{
	struct policy_params p;

	(void)state;
	assert_int_equal(read_text("{}", &p), 0);
	assert_int_equal(p.order, ORDER_VRUNTIME);
	assert_int_equal(p.slice_us, 20000);
	assert_int_equal(p.direct, 1);
	assert_int_equal(p.timeout_ms, 30000);
}

static void test_every_field_has_one_row(void **state)
{
	unsigned char seen[sizeof(struct policy_params)] = {0};

	(void)state;
	for (size_t i = 0; i < policy_param_count; i++)
		for (size_t k = 0; k < sizeof(uint32_t); k++)
			seen[policy_param_table[i].offset + k]++;
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_equal(seen[i], 1);
}

static void test_default_within_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];

		assert_in_range(p->dflt, p->min, p->max);
		assert_ptr_equal(policy_param(p->name), p);
	}
}

static void test_there_and_back(void **state)
{
	struct policy_params p, again;
	struct json *body = json_object();

	(void)state;
	assert_int_equal(read_text("{\"params\":{\"order\":\"longest\","
				   "\"classify\":\"identity\",\"slice_us\":777,"
				   "\"direct\":false}}",
				   &p),
			 0);
	assert_int_equal(p.order, ORDER_LONGEST);
	assert_int_equal(p.classify, CLASSIFY_IDENTITY);
	assert_int_equal(p.slice_us, 777);
	assert_int_equal(p.direct, 0);
	json_set(body, "params", policy_params_json(&p));
	assert_int_equal(policy_params_read(body, &again), 0);
	assert_memory_equal(&p, &again, sizeof(p));
	json_free(body);
}

static void test_refusals_name_the_key(void **state)
{
	(void)state;
	refuses("{\"params\":{\"slice_us\":7}}", "params.slice_us: 7 is below");
	refuses("{\"params\":{\"slice_us\":4e9}}", "params.slice_us");
	refuses("{\"params\":{\"slice_us\":100.5}}", "not a whole number");
	refuses("{\"params\":{\"slice_us\":\"100\"}}", "params.slice_us");
	refuses("{\"params\":{\"order\":\"random\"}}",
		"params.order: 'random' is not one of fifo, vruntime");
	refuses("{\"params\":{\"order\":2}}", "params.order");
	refuses("{\"params\":{\"direct\":1}}", "params.direct: true or false");
	refuses("{\"params\":{\"speed\":1}}", "params.speed: no such");
	refuses("{\"params\":{\"interactive_us\":9,\"batch_us\":3}}",
		"interactive_us");
	refuses("{\"params\":{\"timeout_ms\":2000,\"starve_us\":5000000}}",
		"starve_us");
}

static void test_text_shows_what_differs(void **state)
{
	const char *text = "{\"params\":{\"order\":\"fifo\",\"slice_us\":20000,"
			   "\"steal\":false}}";
	struct json *body = json_parse(text, strlen(text));
	char *s = policy_params_text(body);

	(void)state;
	assert_string_equal(s, "order=fifo steal=0");
	free(s);
	json_free(body);
}

static void test_no_effect_no_difference(void **state)
{
	struct policy_params a, b;

	(void)state;
	read_text("{}", &a);
	read_text("{\"params\":{\"slice_batch_us\":99000,\"ahead_us\":7,"
		  "\"preempt_min_us\":1,\"handover_us\":9,"
		  "\"steal\":false}}",
		  &b);
	policy_params_normalise(&b);
	assert_memory_equal(&a, &b, sizeof(a));
	read_text("{\"params\":{\"place\":\"waker\",\"handover_us\":9}}", &b);
	policy_params_normalise(&b);
	assert_int_equal(b.handover_us, 9);
	read_text("{\"params\":{\"classify\":\"behaviour\","
		  "\"slice\":\"class\",\"slice_batch_us\":99000}}",
		  &b);
	policy_params_normalise(&b);
	assert_int_equal(b.slice_batch_us, 99000);
}

static void test_no_effect_without_a_model(void **state)
{
	struct policy_params a, b;

	(void)state;
	read_text("{}", &a);
	read_text("{\"params\":{\"slack_pct\":7}}", &b);
	policy_params_normalise(&b);
	assert_memory_equal(&a, &b, sizeof(a));
	read_text("{\"model\":{},\"params\":{\"order\":\"predicted\","
		  "\"slack_pct\":7,\"lag_us\":8}}",
		  &b);
	policy_params_normalise(&b);
	assert_int_equal(b.slack_pct, 7);
	assert_int_equal(b.lag_us, 8);
}

/* What somebody without a model may choose from. */
static void test_span(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];

		assert_true(policy_param_span(p) >= 1);
		assert_true(policy_param_span(p) <= p->max - p->min + 1);
		assert_true(p->kind == PARAM_NUMBER ||
			    p->dflt < policy_param_span(p));
	}
	assert_int_equal(policy_param_span(policy_param("order")),
			 ORDER_PREDICTED);
	assert_int_equal(policy_param_span(policy_param("slice")),
			 SLICE_PREDICTED);
	assert_int_equal(policy_param_span(policy_param("slack_pct")), 1);
	assert_int_equal(policy_param_span(policy_param("direct")), 2);
	assert_int_equal(policy_param_span(policy_param("place")),
			 PLACE_LLC + 1);
}

/* Without a detour by JSON the same is allowed. */
static void test_checked_as_it_would_be_read(void **state)
{
	struct policy_params p;

	(void)state;
	assert_int_equal(read_text("{}", &p), 0);
	assert_int_equal(policy_params_check(&p), 0);
	p.slice_us = 49;
	assert_int_equal(policy_params_check(&p), -EINVAL);
	assert_non_null(strstr(err_text(), "slice_us: 49 is not between 50"));
	p.slice_us = 1000001;
	assert_int_equal(policy_params_check(&p), -EINVAL);
	p.slice_us = 1000000;
	p.order = ORDER_PREDICTED;
	assert_int_equal(policy_params_check(&p), -EINVAL);
	assert_non_null(strstr(err_text(), "order: 'predicted' needs a model"));
	p.order = ORDER_PREDICTED + 1;
	assert_int_equal(policy_params_check(&p), -EINVAL);
	p.order = ORDER_SHORTEST;
	p.starve_us = 20000000;
	p.timeout_ms = 20000;
	assert_int_equal(policy_params_check(&p), -EINVAL);
	assert_non_null(strstr(err_text(), "no margin"));
	p.timeout_ms = 30000;
	assert_int_equal(policy_params_check(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_field_has_one_row),
		cmocka_unit_test(test_default_within_range),
		cmocka_unit_test(test_no_effect_without_a_model),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refusals_name_the_key),
		cmocka_unit_test(test_text_shows_what_differs),
		cmocka_unit_test(test_no_effect_no_difference),
		cmocka_unit_test(test_checked_as_it_would_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
