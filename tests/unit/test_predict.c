/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Predictions: of laws that are known, of drift, and of nonsense. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/predict.h"

struct bench {
	struct rt_predictor *p;
	struct rt_request q;
	struct rng rng;
};

static int begin(void **state)
{
	struct bench *b = mem_zalloc(1, sizeof(*b));

	b->p = rt_predictor_new();
	rt_request_init(&b->q);
	b->q.kind = RT_LLM;
	rng_init(&b->rng, 42);
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	rt_predictor_free(b->p);
	rt_request_release(&b->q);
	free(b);
	return 0;
}

/* Box and Muller. */
static double gauss(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static double within(struct rng *r, double lo, double hi)
{
	return exp(log(lo) + rng_unit(r) * (log(hi) - log(lo)));
}

static double p50(const struct bench *b)
{
	struct rt_prediction out;

	rt_predict(b->p, &b->q, &out);
	return out.p50_s;
}

/* A prompt's and an answer's tokens, and a law with noise. */
static double draw(struct bench *b, double noise)
{
	b->q.features[0] = within(&b->rng, 200, 20000);
	b->q.features[1] = within(&b->rng, 50, 4000);
	return 0.01 * pow(1 + b->q.features[0], 0.3) *
	       pow(1 + b->q.features[1], 0.9) * exp(noise * gauss(&b->rng));
}

/* What it knows, to the last bit. */
static char *all_of(const struct bench *b)
{
	struct json *v = rt_predictor_json(b->p);
	char *text = json_canonical(v);

	json_free(v);
	return text;
}

static double reported(const struct bench *b, const char *key)
{
	struct json *v = rt_predictor_report(b->p);
	double x = json_as_number(json_get(json_at(v, 0), key), NAN);

	json_free(v);
	return x;
}

/* ---- the model --------------------------------------------------------- */

static void knows_a_law_that_is_one(void **state)
{
	struct bench *b = *state;
	double worst = 0;

	for (int i = 0; i < 400; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0));
	for (int i = 0; i < 200; i++) {
		double real = draw(b, 0);

		worst = fmax(worst, fabs(log(p50(b) / real)));
	}
	/* The ridge alone keeps it from being exact. */
	assert_true(worst < 0.02);
}

static void covers_what_it_says(void **state)
{
	struct bench *b = *state;
	size_t n = 4000, half = 0, p90 = 0, p95 = 0;

	for (int i = 0; i < 100; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0.4));
	for (size_t i = 0; i < n; i++) {
		double real = draw(b, 0.4);
		struct rt_prediction out;

		rt_predict(b->p, &b->q, &out);
		half += real <= out.p50_s;
		p90 += real <= out.p90_s;
		p95 += real <= out.p95_s;
		rt_predictor_learn(b->p, &b->q, real);
	}
	assert_true(fabs((double)half / (double)n - 0.50) < 0.02);
	assert_true(fabs((double)p90 / (double)n - 0.90) < 0.01);
	assert_true(fabs((double)p95 / (double)n - 0.95) < 0.01);
	assert_true(reported(b, "kendall_tau") > 0.5);
	assert_true(reported(b, "mape_pct") < 60);
	assert_true(reported(b, "samples") == 4100);
}

static void follows_drift(void **state)
{
	struct bench *b = *state;
	double off = 0;

	for (int i = 0; i < 500; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0.1));
	/* The endpoint gets five times slower. */
	for (int i = 0; i < 150; i++)
		rt_predictor_learn(b->p, &b->q, 5 * draw(b, 0.1));
	for (int i = 0; i < 200; i++) {
		double real = 5 * draw(b, 0);

		off += log(p50(b) / real) / 200;
	}
	assert_true(fabs(off) < 0.15);
}

static void one_freak_does_not_spoil_it(void **state)
{
	struct bench *b = *state;
	double before, after;

	for (int i = 0; i < 300; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0.1));
	draw(b, 0);
	before = p50(b);
	rt_predictor_learn(b->p, &b->q, 1e6);
	after = p50(b);
	assert_true(after / before < 1.5 && after / before > 0.67);
}

/* The same features for ever, and then others: no division by what was never
 * seen to change. */
static void constant_features_do_no_harm(void **state)
{
	struct bench *b = *state;
	struct rt_prediction out;

	b->q.features[0] = 1000;
	for (int i = 0; i < 20000; i++)
		rt_predictor_learn(b->p, &b->q, 2 + 0.1 * (i % 3));
	rt_predict(b->p, &b->q, &out);
	assert_true(out.p50_s > 1.9 && out.p50_s < 2.3);
	b->q.features[0] = 1100;
	b->q.features[3] = 5;
	rt_predict(b->p, &b->q, &out);
	assert_true(out.p50_s > 1.5 && out.p50_s < 3);
}

static void kinds_of_work_are_apart(void **state)
{
	struct bench *b = *state;
	char *wants[] = {(char *)"big", NULL};
	char *agent = b->q.agent;

	for (int i = 0; i < 50; i++) {
		b->q.wants = NULL;
		b->q.agent = agent;
		rt_predictor_learn(b->p, &b->q, 1);
		b->q.wants = wants;
		rt_predictor_learn(b->p, &b->q, 10);
		b->q.agent = (char *)"coder";
		rt_predictor_learn(b->p, &b->q, 100);
	}
	assert_true(fabs(log(p50(b) / 100)) < 0.01);
	b->q.agent = agent;
	assert_true(fabs(log(p50(b) / 10)) < 0.01);
	b->q.wants = NULL;
	assert_true(fabs(log(p50(b) / 1)) < 0.01);
	b->q.kind = RT_GUEST;
	assert_true(p50(b) == 60);
}

static void submitters_guess_is_a_feature(void **state)
{
	struct bench *b = *state;

	/* It is always three times too low. */
	for (int i = 0; i < 200; i++) {
		b->q.predicted_s = within(&b->rng, 1, 100);
		rt_predictor_learn(b->p, &b->q, 3 * b->q.predicted_s);
	}
	b->q.predicted_s = 20;
	assert_true(fabs(log(p50(b) / 60)) < 0.05);
}

/* ---- before there is one ----------------------------------------------- */

static void nothing_seen_is_a_guess(void **state)
{
	struct bench *b = *state;
	const double bad[] = {-1, NAN, INFINITY, -INFINITY};
	struct rt_prediction out;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		b->q.predicted_s = bad[i];
		for (int k = 0; k < RT_KINDS; k++) {
			b->q.kind = (enum rt_kind)k;
			rt_predict(b->p, &b->q, &out);
			assert_true(out.samples == 0 && out.p50_s > 0 &&
				    out.p50_s <= 60);
		}
	}
	b->q.predicted_s = 7;
	assert_true(p50(b) == 7);
	b->q.predicted_s = 1e300;
	rt_predict(b->p, &b->q, &out);
	assert_true(isfinite(out.p95_s));
	b->q.predicted_s = 0;
	assert_true(p50(b) > 0);
}

static void few_samples_are_averaged(void **state)
{
	struct bench *b = *state;
	struct rt_prediction out;

	for (int i = 1; i <= 7; i++) {
		rt_predictor_learn(b->p, &b->q, i);
		rt_predict(b->p, &b->q, &out);
		assert_int_equal(out.samples, i);
		assert_true(fabs(out.p50_s - (1 + i) / 2.0) < 1e-9);
		assert_true(out.p90_s == i && out.p95_s == i);
	}
}

/* ---- bounds ------------------------------------------------------------ */

static void stays_within_four_times_what_was_seen(void **state)
{
	struct bench *b = *state;

	for (int run = 0; run < 200; run++) {
		double least = INFINITY, most = 0;
		struct rt_prediction out;

		rt_predictor_free(b->p);
		b->p = rt_predictor_new();
		for (int i = 0; i < 60; i++) {
			double s = within(&b->rng, 1e-6, 1e6);

			for (int f = 0; f < RT_FEATURES; f++)
				b->q.features[f] = within(&b->rng, 1e-3, 1e9);
			b->q.predicted_s = within(&b->rng, 1e-3, 1e3);
			rt_predictor_learn(b->p, &b->q, s);
			least = fmin(least, s);
			most = fmax(most, s);
			for (int f = 0; f < RT_FEATURES; f++)
				b->q.features[f] = within(&b->rng, 1e-9, 1e15);
			rt_predict(b->p, &b->q, &out);
			assert_true(out.p50_s > 0);
			assert_true(out.p50_s <= out.p90_s);
			assert_true(out.p90_s <= out.p95_s);
			assert_true(out.p50_s >= least / 4.0001);
			assert_true(out.p95_s <= most * 4.0001);
		}
	}
}

static void nonsense_changes_nothing(void **state)
{
	struct bench *b = *state;
	const double bad[] = {0, -1, NAN, INFINITY, -INFINITY, 1e300, 1e-320};
	char *was, *is;

	for (int i = 0; i < 30; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0.3));
	was = all_of(b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		rt_predictor_learn(b->p, &b->q, bad[i]);
	is = all_of(b);
	assert_string_equal(was, is);
	free(was);
	free(is);
}

static void hostile_features_break_nothing(void **state)
{
	struct bench *b = *state;
	const double bad[] = {0, -1, NAN, INFINITY, -INFINITY, 1e300, 1e-320};
	int known = 0;

	for (int i = 0; i < 5000; i++) {
		struct rt_prediction out;

		for (int f = 0; f < RT_FEATURES; f++)
			b->q.features[f] =
				bad[rng_below(&b->rng, ARRAY_LEN(bad))];
		b->q.predicted_s = bad[rng_below(&b->rng, ARRAY_LEN(bad))];
		rt_predictor_learn(b->p, &b->q, within(&b->rng, 0.5, 2));
		rt_predict(b->p, &b->q, &out);
		if (!out.samples)
			continue;
		known++;
		assert_true(out.p50_s >= 0.5 / 4.0001);
		assert_true(out.p95_s <= 2 * 4.0001);
	}
	assert_true(known > 4000);
	b->q.predicted_s = -1;
	memset(b->q.features, 0, sizeof(b->q.features));
	assert_true(fabs(log(p50(b))) < 1.5);
}

static void names_are_bounded(void **state)
{
	struct bench *b = *state;
	char *agent = b->q.agent, name[600];
	struct json *v;

	memset(name, 'x', sizeof(name));
	name[599] = '\0';
	b->q.agent = name;
	rt_predictor_learn(b->p, &b->q, 1);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "agent %d", i);
		rt_predictor_learn(b->p, &b->q, 1);
	}
	v = rt_predictor_report(b->p);
	assert_int_equal(json_len(v), 256);
	json_free(v);
	/* The last ones are those that are kept. */
	assert_true(p50(b) == 1);
	b->q.agent = agent;
}

/* ---- the report and the file ------------------------------------------- */

static double tau_by_count(const double *a, const double *b, size_t n)
{
	double agree = 0, in_a = 0, in_b = 0, all = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			double x = a[i] - a[j], y = b[i] - b[j];

			agree += x * y > 0 ? 1 : x * y < 0 ? -1 : 0;
			in_a += x == 0;
			in_b += y == 0;
			all++;
		}
	return (all - in_a) * (all - in_b) > 0
		       ? agree / sqrt((all - in_a) * (all - in_b))
		       : 0;
}

static void kendall_is_that_of_a_count(void **state)
{
	struct bench *b = *state;
	double x[80], y[80];

	for (int run = 0; run < 2000; run++) {
		size_t n = rng_below(&b->rng, 80);
		uint64_t values = 1 + rng_below(&b->rng, 100);

		for (size_t i = 0; i < n; i++) {
			x[i] = (double)rng_below(&b->rng, values);
			y[i] = (double)rng_below(&b->rng, values) +
			       (run % 3) * x[i];
		}
		assert_true(fabs(rt_kendall(x, y, n) - tau_by_count(x, y, n)) <
			    1e-9);
	}
}

static void file_keeps_all(void **state)
{
	struct bench *b = *state;
	struct rt_predictor *other = rt_predictor_new();
	struct rt_prediction one, two;

	for (int i = 0; i < 150; i++) {
		double s = draw(b, 0.3);
		struct json *v;
		char *text;

		rt_predictor_learn(b->p, &b->q, s);
		if (i % 10)
			continue;
		v = rt_predictor_json(b->p);
		text = json_canonical(v);
		json_free(v);
		v = json_parse(text, strlen(text));
		assert_int_equal(rt_predictor_read(other, v), 0);
		json_free(v);
		free(text);
		draw(b, 0);
		rt_predict(b->p, &b->q, &one);
		rt_predict(other, &b->q, &two);
		assert_memory_equal(&one, &two, sizeof(one));
	}
	/* And goes on as if nothing had been. */
	for (int i = 0; i < 100; i++) {
		double s = draw(b, 0.3);

		if (i == 0) {
			struct json *v = rt_predictor_json(b->p);

			assert_int_equal(rt_predictor_read(other, v), 0);
			json_free(v);
		}
		rt_predictor_learn(b->p, &b->q, s);
		rt_predictor_learn(other, &b->q, s);
	}
	rt_predict(b->p, &b->q, &one);
	rt_predict(other, &b->q, &two);
	assert_memory_equal(&one, &two, sizeof(one));
	rt_predictor_free(other);
}

/* Each number of a good one in turn is made a bad one. */
static void damaged_file_is_refused_or_harmless(void **state)
{
	struct bench *b = *state;
	const char *const bad[] = {"-1", "1e300", "null", "\"x\"", "[]",
				   "{}", "0",	  "1e15", "-1e15"};
	size_t len, harmless = 0, refused = 0;
	char *text;

	for (int i = 0; i < 20; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0.3));
	text = all_of(b);
	len = strlen(text);
	for (size_t at = 0; at < len; at++) {
		size_t n = strspn(text + at, "0123456789.e+-");
		char *damaged;
		struct json *v;
		struct rt_prediction out;

		if (!n || (at && strchr("0123456789.e+-", text[at - 1])))
			continue;
		damaged = mem_printf("%.*s%s%s", (int)at, text,
				     bad[at % ARRAY_LEN(bad)], text + at + n);
		v = json_parse(damaged, strlen(damaged));
		if (v && rt_predictor_read(b->p, v) == 0) {
			rt_predict(b->p, &b->q, &out);
			assert_true(out.p50_s > 0 && isfinite(out.p95_s));
			rt_predictor_learn(b->p, &b->q, 1);
			rt_predict(b->p, &b->q, &out);
			assert_true(out.p50_s > 0 && isfinite(out.p95_s));
			harmless++;
		} else {
			refused++;
		}
		json_free(v);
		free(damaged);
	}
	print_message("%zu harmless, %zu refused\n", harmless, refused);
	assert_true(harmless > 0 && refused > 0);
	free(text);
}

static void file_without_residuals_predicts_all_the_same(void **state)
{
	struct bench *b = *state;
	struct rt_prediction out;
	struct json *v;
	char *text;

	for (int i = 0; i < 20; i++)
		rt_predictor_learn(b->p, &b->q, 2);
	text = all_of(b);
	/* The last of five numbers says whether a residual counts. */
	for (char *c = text; (c = strstr(c, ",1]")); c++)
		c[1] = '0';
	v = json_parse(text, strlen(text));
	assert_int_equal(rt_predictor_read(b->p, v), 0);
	rt_predict(b->p, &b->q, &out);
	assert_true(fabs(out.p50_s - 2) < 0.01 && out.p95_s == out.p50_s);
	json_free(v);
	free(text);
}

static void refused_file_changes_nothing(void **state)
{
	struct bench *b = *state;
	const char *const bad[] = {"{}", "[1]", "[{\"work\":\"x\"}]", "null"};
	char *was, *is;

	rt_predictor_learn(b->p, &b->q, 3);
	was = all_of(b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct json *v = json_parse(bad[i], strlen(bad[i]));

		assert_int_equal(rt_predictor_read(b->p, v), -EINVAL);
		json_free(v);
	}
	is = all_of(b);
	assert_string_equal(was, is);
	free(was);
	free(is);
}

/* The document of one kind of work, with one thing in it that cannot be. */
static void one_thing_that_cannot_be(void **state)
{
	static const char *const what[] = {"samples", "used",	"work",
					   "info",    "moment", "recent",
					   "twice",   "none"};
	struct bench *b = *state;
	struct rt_predictor *other = rt_predictor_new();
	char longest[513];

	memset(longest, 'w', 512);
	longest[512] = '\0';
	for (int i = 0; i < 20; i++)
		rt_predictor_learn(b->p, &b->q, draw(b, 0.3));
	for (size_t i = 0; i < 8; i++)
		for (int way = 0; way < 3; way++) {
			static const double bad[] = {20.5, 2e15, -1};
			struct json *v = rt_predictor_json(b->p), *work;
			bool number = i < 2;

			work = json_copy(json_at(v, 0));
			if (number)
				json_set_number(work, what[i], bad[way]);
			else if (i == 2)
				json_set_string(work, "work",
						way ? longest : "");
			else if (i < 6 && way == 0)
				json_set(work, what[i], json_object());
			else if (i < 6 && way == 1)
				json_set(work, what[i], json_array());
			else if (i < 6)
				json_remove(work, what[i]);
			json_free(v);
			v = json_array();
			if (i == 6)
				json_add(v, json_copy(work));
			json_add(v, work);
			/* A time of use is any number. */
			if (i == 7 || (i == 1 && way == 0))
				assert_int_equal(rt_predictor_read(other, v),
						 0);
			else if (rt_predictor_read(other, v) != -EINVAL)
				fail_msg("%s, %d", what[i], way);
			json_free(v);
		}
	rt_predictor_free(other);
}

/* As many kinds of work as there may be, and one more. */
static void works_have_their_most(void **state)
{
	struct bench *b = *state;
	struct rt_predictor *other = rt_predictor_new();
	struct json *v, *all = json_array();

	rt_predictor_learn(b->p, &b->q, 3);
	v = rt_predictor_json(b->p);
	for (int i = 0; i <= 256; i++) {
		struct json *work = json_copy(json_at(v, 0));
		char *name = mem_printf("work %d", i);

		json_set_string(work, "work", name);
		json_add(all, work);
		free(name);
		if (i >= 255)
			assert_int_equal(rt_predictor_read(other, all),
					 i > 255 ? -EINVAL : 0);
	}
	json_free(v);
	json_free(all);
	rt_predictor_free(other);
}

#define FRESH(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(knows_a_law_that_is_one),
		FRESH(covers_what_it_says),
		FRESH(follows_drift),
		FRESH(one_freak_does_not_spoil_it),
		FRESH(constant_features_do_no_harm),
		FRESH(kinds_of_work_are_apart),
		FRESH(submitters_guess_is_a_feature),
		FRESH(nothing_seen_is_a_guess),
		FRESH(few_samples_are_averaged),
		FRESH(stays_within_four_times_what_was_seen),
		FRESH(nonsense_changes_nothing),
		FRESH(hostile_features_break_nothing),
		FRESH(names_are_bounded),
		FRESH(kendall_is_that_of_a_count),
		FRESH(file_keeps_all),
		FRESH(damaged_file_is_refused_or_harmless),
		FRESH(file_without_residuals_predicts_all_the_same),
		FRESH(refused_file_changes_nothing),
		FRESH(one_thing_that_cannot_be),
		FRESH(works_have_their_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
