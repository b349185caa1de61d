/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the template follows its model, and when it does not: run in the
 * simulator, on tasks whose bursts are short and long by turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/path.h"
#include "learn/forecast.h"
#include "policy/model.h"
#include "sim/load.h"
#include "sim/sim.h"

/* Of 2 ms and 16 ms; the sum of both logs less the last one is the next. */
#define TURNS                                                        \
	"\"turns\":{\"instance\":6,\"loop\":100,\"phases\":{"        \
	"\"a\":{\"run\":2000,\"sleep\":20000},\"b\":{\"run\":16000," \
	"\"sleep\":20000}}}"
#define STEADY \
	"\"steady\":{\"instance\":2,\"loop\":200,\"run\":250,\"sleep\":5000}"
#define SUM 11482 /* of the logs */

static struct forecast model; /* of bursts, linear */

static struct forecast_part *blank(void)
{
	struct forecast_part *p = &model.part[FORECAST_BURST];

	forecast_init(&model, FEATURE_VERSION, FEATURE_COUNT);
	p->kind = FORECAST_LINEAR;
	return p;
}

static void set(enum feature f, double weight, double bias)
{
	struct forecast_part *p = blank();

	p->weight[f] = (int32_t)(weight * (1 << FORECAST_SHIFT));
	p->bias = (int32_t)(bias * (1 << (FORECAST_SHIFT - FORECAST_BIAS)));
}

static struct json *body_with_model(void)
{
	static const char text[] =
		"{\"form\":\"params\",\"params\":{\"order\":\"predicted\","
		"\"slice\":\"predicted\",\"preempt\":\"key\"}}";
	struct json *body = json_parse(text, sizeof(text) - 1);

	assert_non_null(body);
	json_set(body, "model", policy_model_json(&model));
	return body;
}

/* What the policy said of its model in the end; the caller's. */
static struct json *run(const char *tasks)
{
	char *path = path_lib("learned.bpf.o");
	struct json *body = body_with_model(), *said;
	struct sim_opts o = {.seed = 1};
	struct sim_policy *policy;
	struct sim_result r;
	struct load *load;

	sim_costs_default(&o.costs);
	assert_int_equal(sim_machine_parse("2", &o.machine), 0);
	if (load_from_rtapp(tasks, strlen(tasks), &load) ||
	    sim_policy_open(path, body, 0, &policy) ||
	    sim_run(&o, policy, load, &r))
		fail_msg("%s", err_text());
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.finding_count, 0);
	assert_non_null(r.model);
	said = json_copy(r.model);
	sim_result_release(&r);
	sim_policy_free(policy);
	load_free(load);
	json_free(body);
	free(path);
	return said;
}

static double figure(const struct json *said, const char *key)
{
	return json_as_number(json_get(said, key), -1);
}

static void follows_what_is_right(void **state)
{
	struct json *said;

	(void)state;
	set(FEATURE_BURST_LAST, -1, SUM);
	said = run("{\"tasks\":{" TURNS "}}");
	assert_string_equal(json_text_at(said, "state"), "followed");
	assert_true(figure(said, "error") < 0.2);
	assert_true(figure(said, "average_error") > 0.8);
	assert_true(figure(said, "follow") > 1000);
	assert_true(figure(said, "trips") == 0);
	json_free(said);
}

/* What the average says itself does no harm. */
static void follows_the_average(void **state)
{
	struct json *said;

	(void)state;
	set(FEATURE_BURST_MEAN, 1, 0);
	said = run("{\"tasks\":{" TURNS "}}");
	assert_string_equal(json_text_at(said, "state"), "followed");
	assert_true(figure(said, "trips") == 0);
	json_free(said);
}

/* Nobody ever goes by any of these. */
static void brakes(const char *name)
{
	struct json *said = run("{\"tasks\":{" TURNS "}}");

	if (figure(said, "trips") < 1 || figure(said, "follow") != 0)
		fail_msg("%s: braked %.0f times, followed for %.0f bursts",
			 name, figure(said, "trips"), figure(said, "follow"));
	json_free(said);
}

static void brakes_what_is_wrong(void **state)
{
	struct forecast_part *p = blank();
	unsigned seed = 5;

	(void)state;
	brakes("nothing but 0");
	for (int i = 0; i < FEATURE_COUNT; i++)
		p->weight[i] = (int32_t)((unsigned)rand_r(&seed) << 1);
	brakes("random weights");
	set(FEATURE_BURST_LAST, 0, FORECAST_MOST);
	brakes("always for ever");
	/* Short for long, and long for short. */
	set(FEATURE_BURST_LAST, 1, 0);
	brakes("the opposite");
}

static void leaves_a_task_apart(void **state)
{
	struct json *said;

	(void)state;
	set(FEATURE_BURST_LAST, -1, SUM);
	said = run("{\"tasks\":{" TURNS "," STEADY "}}");
	assert_string_equal(json_text_at(said, "state"), "followed");
	assert_true(figure(said, "apart") > 300);
	assert_true(figure(said, "follow") > 1000);
	json_free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_what_is_right),
		cmocka_unit_test(follows_the_average),
		cmocka_unit_test(brakes_what_is_wrong),
		cmocka_unit_test(leaves_a_task_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
