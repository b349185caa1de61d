/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource vectors, requests and outcomes, from JSON and back. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/request.h"

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	assert_non_null(v);
	return v;
}

static void vectors_are_whole_units(void **state)
{
	struct json *v =
		parse("{\"cores\":1.5,\"memory_mib\":64,\"gpu\":0.25}");
	struct vec a, b = {0};
	char *text;

	(void)state;
	assert_int_equal(vec_read(v, &a), 0);
	json_free(v);
	assert_int_equal(a.v[RES_CORES], 1500);
	assert_int_equal(a.v[RES_MEMORY], 64);
	assert_int_equal(a.v[RES_GPU], 250);
	v = vec_json(&a);
	text = json_canonical(v);
	assert_string_equal(text,
			    "{\"cores\":1.5,\"gpu\":0.25,\"memory_mib\":64}");
	free(text);
	json_free(v);
	assert_int_equal(vec_lacks(&a, &b), RES_CORES);
	vec_add(&b, &a);
	assert_true(vec_fits(&a, &b));
	vec_sub(&b, &a);
	assert_true(vec_zero(&b));
	assert_true(vec_zero(&b) && !vec_equal(&a, &b));
	b.v[RES_CORES] = 3000;
	b.v[RES_MEMORY] = 64;
	assert_true(vec_dominant(&a, &b) == 1);
	assert_true(vec_dominant(&b, &(struct vec){{0}}) == 0);
}

static void bad_vectors_name_the_component(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"{\"cpus\":1}", "cpus"},
		{"{\"cores\":-1}", "cores"},
		{"{\"memory_mib\":1e300}", "memory_mib"},
		{"{\"gpu\":\"1\"}", "gpu"},
		{"[1]", "object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json *v = parse(bad[i].text);
		struct vec x;

		assert_int_equal(vec_read(v, &x), -EINVAL);
		assert_non_null(strstr(err_text(), bad[i].says));
		json_free(v);
	}
}

static const char whole[] =
	"{\"after\":[\"a\",{\"key\":\"b\",\"on_failure\":\"run\"}],"
	"\"agent\":\"x/y\",\"attempts\":2,\"candidate\":\"c\","
	"\"deadline_s\":5,\"features\":[100,0,3],\"hedge\":true,"
	"\"idempotent\":true,\"key\":\"k\",\"kind\":\"llm\","
	"\"most\":{\"cores\":2},\"need\":{\"cores\":1},"
	"\"payload\":{\"m\":[1,null]},\"place\":\"self\","
	"\"predicted_s\":1.5,\"preemptible\":true,\"prefix\":\"p\","
	"\"priority\":7,\"run\":\"r\",\"tokens_in\":10,\"tokens_out\":20,"
	"\"wants\":[\"tools\"],\"within\":\"o\",\"worker\":\"w\"}";

static void a_request_comes_back_as_it_went(void **state)
{
	struct json *v = parse(whole);
	struct rt_request q, copy;
	char *text;

	(void)state;
	assert_int_equal(rt_request_read(v, 100, &q), 0);
	json_free(v);
	assert_true(q.deadline == 105);
	assert_string_equal(q.payload, "{\"m\":[1,null]}");
	assert_int_equal(q.deps[1].on_failure, RT_EDGE_RUN);
	rt_request_copy(&copy, &q);
	rt_request_release(&q);
	v = rt_request_json(&copy, 100);
	rt_request_release(&copy);
	text = json_canonical(v);
	assert_string_equal(text, whole);
	free(text);
	json_free(v);
}

static void bad_requests_name_the_field(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"{}", "kind"},
		{"{\"kind\":\"disk\"}", "disk"},
		{"{\"kind\":1}", "kind"},
		{"{\"kind\":\"sim\",\"priority\":256}", "priority"},
		{"{\"kind\":\"sim\",\"priority\":1.5}", "priority"},
		{"{\"kind\":\"sim\",\"need\":{\"cores\":-1}}", "need"},
		{"{\"kind\":\"sim\",\"after\":[{}]}", "after"},
		{"{\"kind\":\"sim\",\"after\":[{\"key\":\"a\","
		 "\"on_failure\":\"x\"}]}",
		 "on_failure"},
		{"{\"kind\":\"sim\",\"wants\":[1]}", "wants"},
		{"{\"kind\":\"sim\",\"features\":[1,2,3,4,5]}", "features"},
		{"{\"kind\":\"sim\",\"place\":\"here\"}", "place"},
		{"{\"kind\":\"sim\",\"hedge\":1}", "hedge"},
		{"{\"kind\":\"sim\",\"idempotant\":true}", "idempotant"},
		{"{\"kind\":\"sim\",\"run\":7}", "run"},
		{"[]", "object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json *v = parse(bad[i].text);
		struct rt_request q;

		assert_int_equal(rt_request_read(v, 0, &q), -EINVAL);
		assert_non_null(strstr(err_text(), bad[i].says));
		json_free(v);
	}
}

static void an_outcome_comes_back_as_it_went(void **state)
{
	static const char text[] =
		"{\"after_s\":2,\"again\":true,\"error\":{\"errno\":\"EAGAIN\","
		"\"text\":\"slow down\"},\"limits\":{\"in_left\":0},"
		"\"result\":{\"x\":1},\"usage\":{\"cost_usd\":0.5,"
		"\"seconds\":3,\"tokens_in\":4}}";
	struct json *v = parse(text);
	struct rt_outcome o, copy;
	char *back;

	(void)state;
	assert_int_equal(rt_outcome_read(v, &o), 0);
	json_free(v);
	assert_int_equal(o.error, -EAGAIN);
	assert_true(o.limits.in_left == 0 && o.limits.out_left < 0);
	rt_outcome_copy(&copy, &o);
	rt_outcome_release(&o);
	v = rt_outcome_json(&copy);
	rt_outcome_release(&copy);
	back = json_canonical(v);
	assert_string_equal(back, text);
	free(back);
	json_free(v);
	v = parse("{\"usage\":{\"tokens_in\":-1}}");
	assert_int_equal(rt_outcome_read(v, &o), -EINVAL);
	json_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_whole_units),
		cmocka_unit_test(bad_vectors_name_the_component),
		cmocka_unit_test(a_request_comes_back_as_it_went),
		cmocka_unit_test(bad_requests_name_the_field),
		cmocka_unit_test(an_outcome_comes_back_as_it_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
