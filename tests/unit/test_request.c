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
		{"\"8\"", "object"},
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

/* Who says nothing of resources, or null, asks for none. */
static void no_vector_is_nothing(void **state)
{
	struct json *null = parse("null");
	struct vec x = {{1, 1, 1, 1, 1, 1}};

	(void)state;
	assert_int_equal(vec_read(NULL, &x), 0);
	assert_true(vec_zero(&x));
	x.v[RES_GPU] = 1;
	assert_int_equal(vec_read(null, &x), 0);
	assert_true(vec_zero(&x));
	json_free(null);
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
		{"{\"kind\":\"sim\",\"priority\":-1}", "priority"},
		{"{\"kind\":\"sim\",\"priority\":\"1\"}", "priority"},
		{"{\"kind\":\"sim\",\"attempts\":101}", "attempts"},
		{"{\"kind\":\"sim\",\"tokens_in\":-1}", "tokens_in"},
		{"{\"kind\":\"sim\",\"tokens_out\":1e13}", "tokens_out"},
		{"{\"kind\":\"sim\",\"predicted_s\":-1}", "predicted_s"},
		{"{\"kind\":\"sim\",\"deadline_s\":1e10}", "deadline_s"},
		{"{\"kind\":\"sim\",\"deadline_s\":null}", "deadline_s"},
		{"{\"kind\":\"sim\",\"after\":\"a\"}", "after"},
		{"{\"kind\":\"sim\",\"after\":[7]}", "in [0]"},
		{"{\"kind\":\"sim\",\"after\":[\"a\",\"\"]}", "in [1]"},
		{"{\"kind\":\"sim\",\"wants\":\"tools\"}", "wants"},
		{"{\"kind\":\"sim\",\"wants\":[\"tools\",\"\"]}", "in [1]"},
		{"{\"kind\":\"sim\",\"features\":5}", "features"},
		{"{\"kind\":\"sim\",\"features\":[1,-1]}", "in [1]"},
		{"{\"kind\":\"sim\",\"features\":[\"1\"]}", "in [0]"},
		{"{\"kind\":\"sim\",\"place\":true}", "place"},
		{"{\"kind\":\"sim\",\"most\":[]}", "most"},
		{"{\"kind\":\"sim\",\"expires\":\"yes\"}", "expires"},
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

/* A text of n bytes. */
static char *wide(size_t n)
{
	char *s = mem_zalloc(n + 1, 1);

	memset(s, 'x', n);
	return s;
}

/* {"kind":"sim",KEY:BEFORE xxx AFTER}, of n times x. */
static int read_wide(const char *key, const char *before, size_t n,
		     const char *after)
{
	char *x = wide(n);
	char *text = mem_printf("{\"kind\":\"sim\",\"%s\":%s%s%s}", key, before,
				x, after);
	struct json *v = parse(text);
	struct rt_request q;
	int rc = rt_request_read(v, 0, &q);

	if (!rc)
		rt_request_release(&q);
	json_free(v);
	free(text);
	free(x);
	return rc;
}

/* The most that there may be of something is taken, and one more is not. */
static void what_is_too_long_is_refused(void **state)
{
	static const struct {
		const char *key, *before, *after;
		size_t most;
	} is[] = {
		{"agent", "\"", "\"", RT_NAME_MAX},
		{"key", "\"", "\"", RT_NAME_MAX},
		{"wants", "[\"", "\"]", RT_NAME_MAX},
		{"after", "[\"", "\"]", RT_NAME_MAX},
		{"after", "[{\"key\":\"", "\"}]", RT_NAME_MAX},
		/* With its quotes. */
		{"payload", "\"", "\"", RT_PAYLOAD_MAX - 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		assert_int_equal(read_wide(is[i].key, is[i].before, is[i].most,
					   is[i].after),
				 0);
		assert_int_equal(read_wide(is[i].key, is[i].before,
					   is[i].most + 1, is[i].after),
				 -EINVAL);
		assert_non_null(strstr(err_text(), is[i].key));
	}
}

/* {"kind":"sim",KEY:["k","k",…]} with n members. */
static int read_many(const char *key, size_t n)
{
	struct json *v = json_object(), *list = json_array();
	struct rt_request q;
	int rc;

	json_set_string(v, "kind", "sim");
	for (size_t i = 0; i < n; i++)
		json_add(list, json_string("k"));
	json_set(v, key, list);
	rc = rt_request_read(v, 0, &q);
	if (!rc)
		rt_request_release(&q);
	json_free(v);
	return rc;
}

static void what_is_too_much_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_many("after", 0), 0);
	assert_int_equal(read_many("after", RT_DEPS_MAX), 0);
	assert_int_equal(read_many("after", RT_DEPS_MAX + 1), -EINVAL);
	assert_non_null(strstr(err_text(), "after"));
	assert_int_equal(read_many("wants", 0), 0);
	assert_int_equal(read_many("wants", RT_NAME_MAX), 0);
	assert_int_equal(read_many("wants", RT_NAME_MAX + 1), -EINVAL);
	assert_non_null(strstr(err_text(), "wants"));
}

/* A payload that is no JSON, which only a journal may have, stays a text; a
 * request that nobody read from JSON has no strings at all. */
static void a_request_without_json_is_written_all_the_same(void **state)
{
	struct rt_request from = {.kind = RT_SIM, .deadline = INFINITY};
	struct rt_request q;
	struct json *v;
	char *text;

	(void)state;
	rt_request_copy(&q, &from);
	assert_string_equal(q.payload, "");
	free(q.payload);
	q.payload = mem_strdup("not JSON");
	v = rt_request_json(&q, 0);
	text = json_canonical(v);
	assert_string_equal(text, "{\"kind\":\"sim\",\"payload\":\"not JSON\","
				  "\"place\":\"worker\",\"predicted_s\":0,"
				  "\"priority\":0}");
	free(text);
	json_free(v);
	rt_request_release(&q);
}

static void bad_outcomes_name_the_field(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"[]", "object"},
		{"{\"error\":\"EIO\"}", "error"},
		{"{\"error\":{}}", "errno"},
		{"{\"error\":{\"errno\":5}}", "errno"},
		{"{\"after_s\":-1}", "after_s"},
		{"{\"after_s\":\"1\"}", "after_s"},
		{"{\"after_s\":1e16}", "after_s"},
		{"{\"usage\":7}", "usage"},
		{"{\"usage\":{\"seconds\":-1}}", "seconds"},
		{"{\"usage\":{\"seconds\":true}}", "seconds"},
		{"{\"usage\":{\"core_seconds\":[]}}", "core_seconds"},
		{"{\"usage\":{\"cost_usd\":\"1\"}}", "cost_usd"},
		{"{\"usage\":{\"tokens_in\":-1}}", "tokens_in"},
		{"{\"usage\":{\"tokens_cached\":{}}}", "tokens_cached"},
		{"{\"usage\":{\"tokens_out\":1e300}}", "tokens_out"},
		{"{\"limits\":[]}", "limits"},
		{"{\"limits\":{\"in_left\":\"7\"}}", "in_left"},
	};
	struct rt_outcome o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json *v = parse(bad[i].text);

		assert_int_equal(rt_outcome_read(v, &o), -EINVAL);
		if (!strstr(err_text(), bad[i].says))
			fail_msg("'%s' does not say '%s'", err_text(),
				 bad[i].says);
		/* Nothing is left of it. */
		assert_null(o.text);
		assert_null(o.result);
		json_free(v);
	}
}

/* What need not be there: no error, no price, no limits, an error's text. */
static void outcomes_may_say_little(void **state)
{
	static const struct {
		const char *text, *back;
	} is[] = {
		{"{}", "{\"usage\":{}}"},
		{"{\"error\":null,\"usage\":{\"cost_usd\":null}}",
		 "{\"usage\":{}}"},
		{"{\"error\":{\"errno\":\"EIO\"}}",
		 "{\"error\":{\"errno\":\"EIO\",\"text\":\"\"},\"usage\":{}}"},
		{"{\"limits\":{},\"result\":null}",
		 "{\"result\":null,\"usage\":{}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *v = parse(is[i].text);
		struct rt_outcome o;
		char *back;

		assert_int_equal(rt_outcome_read(v, &o), 0);
		json_free(v);
		v = rt_outcome_json(&o);
		back = json_canonical(v);
		assert_string_equal(back, is[i].back);
		free(back);
		json_free(v);
		rt_outcome_release(&o);
	}
}

/* A result has its most, too; one that is no JSON stays a text, and an error
 * without words has none. */
static void an_outcome_of_our_own(void **state)
{
	struct json *v = json_object();
	struct rt_outcome o;
	char *x = wide(RT_PAYLOAD_MAX), *back;

	(void)state;
	json_set_string(v, "result", x);
	assert_int_equal(rt_outcome_read(v, &o), -EINVAL);
	assert_non_null(strstr(err_text(), "result"));
	assert_null(o.result);
	x[RT_PAYLOAD_MAX - 2] = '\0';
	json_set_string(v, "result", x);
	assert_int_equal(rt_outcome_read(v, &o), 0);
	rt_outcome_release(&o);
	json_free(v);
	free(x);
	o.error = -EIO;
	o.result = mem_strdup("half a {");
	v = rt_outcome_json(&o);
	back = json_canonical(v);
	assert_string_equal(back, "{\"error\":{\"errno\":\"EIO\",\"text\":"
				  "\"\"},\"result\":\"half a {\","
				  "\"usage\":{}}");
	free(back);
	json_free(v);
	rt_outcome_release(&o);
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
		cmocka_unit_test(no_vector_is_nothing),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(
			a_request_without_json_is_written_all_the_same),
		cmocka_unit_test(bad_outcomes_name_the_field),
		cmocka_unit_test(outcomes_may_say_little),
		cmocka_unit_test(an_outcome_of_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
