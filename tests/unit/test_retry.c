/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is tried again, when, and what is not. */
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
#include "llm/retry.h"

/* Sat, 21 Nov 2026 03:04:05 GMT */
#define NOW "1795230245"

#define MAX_HEADERS 6
/* More than a double can be. */
#define DIGITS_50  "99999999999999999999999999999999999999999999999999"
#define DIGITS_200 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50
#define DIGITS_400 DIGITS_200 DIGITS_200

static struct strs headers_of(const char *const *h)
{
	struct strs s = {0};

	for (; h && *h; h++)
		strs_add(&s, *h);
	return s;
}

/* ---- when ------------------------------------------------------------- */

struct when {
	long status;
	const char *headers[MAX_HEADERS];
	double s; /* below 0: nothing is said */
};

static const struct when whens[] = {
	{429, {NULL}, -1},
	{429, {"Retry-After: 7"}, 7},
	{429, {"retry-after:7"}, 7},
	{429, {"RETRY-AFTER: 1.5 "}, 1.5},
	{503, {"Retry-After: .25"}, 0.25},
	{503, {"Retry-After: 3600"}, 3600},
	{429, {"Retry-After: 99999999999999999999"}, 1e15},
	{429, {"Retry-After: " DIGITS_400}, 1e15},
	/* Nothing to wait for, or nonsense. */
	{429, {"Retry-After: 0"}, -1},
	{429, {"Retry-After: -5"}, -1},
	{429, {"Retry-After: soon"}, -1},
	{429, {"Retry-After: 5 minutes"}, -1},
	{429, {"Retry-After: 1e3"}, -1},
	{429, {"Retry-After: 0x10"}, -1},
	{429, {"Retry-After: inf"}, -1},
	{429, {"Retry-After: nan"}, -1},
	{429, {"Retry-After: ."}, -1},
	{429, {"Retry-After: "}, -1},
	{429, {"Retry-Afterwards: 7"}, -1},
	/* Dates, in the three forms of HTTP. */
	{429, {"Retry-After: Sat, 21 Nov 2026 03:04:35 GMT"}, 30},
	{429, {"Retry-After: Saturday, 21-Nov-26 03:04:35 GMT"}, 30},
	{429, {"Retry-After: Sat Nov 21 03:04:35 2026"}, 30},
	{429, {"Retry-After: Sat, 21 Nov 2026 02:00:00 GMT"}, -1},
	{429, {"Retry-After: Sat, 99 Foo 2026 99:99:99 GMT"}, -1},
	/* The endpoint's clock counts, not this one. */
	{429,
	 {"Date: Sat, 21 Nov 2026 12:00:00 GMT",
	  "Retry-After: Sat, 21 Nov 2026 12:00:10 GMT"},
	 10},
	{429,
	 {"Date: yesterday", "Retry-After: Sat, 21 Nov 2026 03:04:35 GMT"},
	 30},
	/* The finer one goes first, unless it is nonsense. */
	{429, {"retry-after-ms: 250", "Retry-After: 9"}, 0.25},
	{429, {"retry-after-ms: x", "Retry-After: 9"}, 9},
	{429, {"retry-after-ms: -1"}, -1},
	/* Limits that are used up, as durations. */
	{429,
	 {"x-ratelimit-remaining-requests: 0",
	  "x-ratelimit-reset-requests: 1s"},
	 1},
	{429,
	 {"x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s"},
	 360},
	{429,
	 {"x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 120ms"},
	 0.12},
	{429,
	 {"x-ratelimit-remaining-tokens: 0",
	  "x-ratelimit-reset-tokens: 1h2m41.724s"},
	 3761.724},
	{429,
	 {"x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 1s",
	  "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 9s"},
	 9},
	{429,
	 {"x-ratelimit-remaining-requests: 5",
	  "x-ratelimit-reset-requests: 9s"},
	 -1},
	{429,
	 {"x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 9"},
	 -1},
	{429,
	 {"x-ratelimit-remaining-requests: 0",
	  "x-ratelimit-reset-requests: 9y"},
	 -1},
	{429,
	 {"x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: "},
	 -1},
	{429,
	 {"anthropic-ratelimit-output-tokens-remaining: 0",
	  "anthropic-ratelimit-output-tokens-reset: 2026-11-21T03:04:25Z"},
	 20},
	/* Retry-After knows better; other statuses are about other things. */
	{429,
	 {"Retry-After: 2", "x-ratelimit-remaining-requests: 0",
	  "x-ratelimit-reset-requests: 9s"},
	 2},
	{503,
	 {"x-ratelimit-remaining-requests: 0",
	  "x-ratelimit-reset-requests: 9s"},
	 -1},
};

static void test_when(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whens); i++) {
		struct strs h = headers_of(whens[i].headers);
		double got = retry_after(whens[i].status, &h);
		double error = got - whens[i].s;

		if (whens[i].s < 0 ? got >= 0
				   : error > 1e-6 * (1 + whens[i].s) ||
					     error < -1e-6 * (1 + whens[i].s))
			fail_msg("'%s': %g, not %g", whens[i].headers[0], got,
				 whens[i].s);
		strs_release(&h);
	}
}

/* ---- whether ---------------------------------------------------------- */

struct whether {
	long status;
	const char *body;
	const char *header;
	bool again;
	int error;
};

static const struct whether whethers[] = {
	{400, "{\"error\":{\"message\":\"no\"}}", NULL, false, -EINVAL},
	{401, "{\"error\":{\"message\":\"no\"}}", NULL, false, -EACCES},
	{402, "{}", NULL, false, -EACCES},
	{403, "{}", NULL, false, -EACCES},
	{404, "{}", NULL, false, -EINVAL},
	{405, "{}", NULL, false, -EINVAL},
	{408, "{}", NULL, true, -EAGAIN},
	{409, "{}", NULL, true, -EAGAIN},
	{413, "{}", NULL, false, -EINVAL},
	{422, "{\"detail\":\"no\"}", NULL, false, -EINVAL},
	{425, "{}", NULL, true, -EAGAIN},
	{429, "{}", NULL, true, -EAGAIN},
	{500, "{}", NULL, true, -EAGAIN},
	{502, "<html>", NULL, true, -EAGAIN},
	{503, "", NULL, true, -EAGAIN},
	{504, "", NULL, true, -EAGAIN},
	{529,
	 "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	 "\"message\":\"Overloaded\"}}",
	 NULL, true, -EAGAIN},
	{204, "", NULL, false, -EBADMSG},
	{301, "", "Location: https://example.com/", false, -EINVAL},
	/* An account that is empty stays empty. */
	{429,
	 "{\"error\":{\"message\":\"You exceeded your quota\","
	 "\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
	 NULL, false, -EACCES},
	{429,
	 "{\"error\":{\"code\":\"billing_hard_limit_reached\","
	 "\"message\":\"no\"}}",
	 NULL, false, -EACCES},
	{429,
	 "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	 "\"message\":\"enforced_spend_limit_reached\"}}",
	 NULL, false, -EACCES},
	{400,
	 "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
	 "\"message\":\"Your credit balance is too low\"}}",
	 NULL, false, -EACCES},
	/* The page on billing is named in plain limits, too. */
	{429,
	 "{\"error\":{\"message\":\"Rate limit reached; add a payment method "
	 "at https://platform.openai.com/account/billing\",\"type\":"
	 "\"requests\",\"code\":\"rate_limit_exceeded\"}}",
	 NULL, true, -EAGAIN},
	/* The endpoint may know better than its status. */
	{400, "{}", "x-should-retry: true", true, -EINVAL},
	{500, "{}", "X-Should-Retry: FALSE", false, -EAGAIN},
	{429, "{}", "x-should-retry: maybe", true, -EAGAIN},
	{429, "{\"error\":{\"type\":\"insufficient_quota\"}}",
	 "x-should-retry: true", false, -EACCES},
};

static void test_whether(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whethers); i++) {
		const struct whether *w = &whethers[i];
		const char *const lines[] = {w->header, NULL};
		struct strs h = headers_of(lines);
		struct json *v = json_parse(w->body, strlen(w->body));
		struct api_error e;
		struct failure f;

		api_error_read(v, &e);
		failure_of_status(w->status, &e, &h, &f);
		if (f.again != w->again || f.error != w->error)
			fail_msg("%ld %s %s: again %d, error %d", w->status,
				 w->body, w->header ? w->header : "", f.again,
				 f.error);
		assert_non_null(strstr(f.text, "HTTP "));
		json_free(v);
		strs_release(&h);
	}
}

struct within {
	const char *body;
	bool again;
	int error;
};

static const struct within withins[] = {
	{"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	 "\"message\":\"Overloaded\"}}",
	 true, -EAGAIN},
	{"{\"error\":{\"message\":\"The server had an error\",\"type\":"
	 "\"server_error\"}}",
	 true, -EAGAIN},
	{"{\"error\":{\"code\":400,\"message\":\"the prompt is too long\","
	 "\"type\":\"invalid_request_error\"}}",
	 false, -EINVAL},
	{"{\"error\":{\"code\":503,\"message\":\"loading\"}}", true, -EAGAIN},
	{"{\"error\":{\"code\":404,\"message\":\"no\"}}", false, -EINVAL},
	{"{\"error\":{\"code\":77,\"message\":\"no\"}}", true, -EAGAIN},
	{"{\"error\":{\"type\":\"authentication_error\"}}", false, -EACCES},
	{"{\"error\":{\"code\":\"insufficient_quota\"}}", false, -EACCES},
	{"{\"error\":\"out of memory\"}", true, -EAGAIN},
};

static void test_error_within(void **state)
{
	struct strs none = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(withins); i++) {
		const struct within *w = &withins[i];
		struct json *v = json_parse(w->body, strlen(w->body));
		struct api_error e;
		struct failure f;

		api_error_read(v, &e);
		assert_true(e.set);
		failure_of_error(&e, &none, &f);
		if (f.again != w->again || f.error != w->error)
			fail_msg("%s: again %d, error %d", w->body, f.again,
				 f.error);
		json_free(v);
	}
}

/* A header goes to a terminal; a location is long. */
static void test_message_is_harmless(void **state)
{
	const char *const lines[] = {"Location: \x1b[2J\a", NULL};
	struct strs h = headers_of(lines);
	struct api_error e = {0};
	struct failure f;

	(void)state;
	failure_of_status(302, &e, &h, &f);
	for (const char *c = f.text; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
	strs_release(&h);
}

/* ---- the budget ------------------------------------------------------- */

static const struct llm_limits limits = {
	.attempts = 5, .retry_s = 100, .total_s = 600};

static struct failure again_after(double s)
{
	struct failure f = {
		.error = -EAGAIN, .again = true, .after_s = s, .text = "down"};

	return f;
}

static void test_backoff(void **state)
{
	double most[] = {0.5, 1, 2, 4, 8, 8, 8}, sum = 0, wait;
	struct failure f = again_after(-1);
	struct llm_limits l = limits;
	struct retry r;

	(void)state;
	l.attempts = 8;
	for (uint64_t seed = 0; seed < 200; seed++) {
		retry_init(&r, &l, seed);
		for (size_t i = 0; i < ARRAY_LEN(most); i++) {
			assert_int_equal(retry_next(&r, &f, &wait), 0);
			assert_true(wait >= 0 && wait <= most[i]);
			sum += wait / most[i];
		}
		assert_int_equal(retry_next(&r, &f, &wait), -EAGAIN);
		assert_non_null(strstr(err_text(), "attempt 8"));
	}
	/* All over the range, not near one end of it. */
	sum /= 200 * ARRAY_LEN(most);
	assert_true(sum > 0.4 && sum < 0.6);
}

static void test_told_to_wait(void **state)
{
	struct failure f = again_after(7);
	struct retry r;
	double wait;

	(void)state;
	retry_init(&r, &limits, 1);
	assert_int_equal(retry_next(&r, &f, &wait), 0);
	assert_true(wait == 7);
	assert_true(r.waited == 7);
	f = again_after(121);
	assert_int_equal(retry_next(&r, &f, &wait), -EAGAIN);
	assert_non_null(strstr(err_text(), "come back in 121 s, at "
					   "2026-11-21T03:06:06Z"));
	f = again_after(1e20);
	assert_int_equal(retry_next(&r, &f, &wait), -EAGAIN);
	assert_non_null(strstr(err_text(), "more than a year"));
}

static void test_budget_of_waiting(void **state)
{
	struct failure f = again_after(60);
	struct retry r;
	double wait;

	(void)state;
	retry_init(&r, &limits, 1);
	assert_int_equal(retry_next(&r, &f, &wait), 0);
	assert_int_equal(retry_next(&r, &f, &wait), -EAGAIN);
	assert_non_null(strstr(err_text(), "come back in 60 s"));
}

static void test_total_clock(void **state)
{
	struct llm_limits l = limits;
	struct failure f = again_after(1);
	struct retry r;
	double wait;

	(void)state;
	l.total_s = 0.5;
	retry_init(&r, &l, 1);
	assert_int_equal(retry_next(&r, &f, &wait), -EAGAIN);
	f = again_after(-1);
	f.error = -ETIMEDOUT;
	r.started -= 1;
	assert_true(retry_left(&r) < 0);
	assert_int_equal(retry_next(&r, &f, &wait), -ETIMEDOUT);
	assert_non_null(strstr(err_text(), "no time for more"));
}

static void test_not_again(void **state)
{
	struct failure f = {.error = -EACCES, .after_s = 1, .text = "no"};
	struct retry r;
	double wait;

	(void)state;
	retry_init(&r, &limits, 1);
	assert_int_equal(retry_next(&r, &f, &wait), -EACCES);
	assert_string_equal(err_text(), "no");
}

struct broken {
	int error;
	long status;
	bool again;
	int call;
};

static void test_broken_connections(void **state)
{
	static const struct broken cases[] = {
		{-ECONNREFUSED, 0, true, -EAGAIN},
		{-EPIPE, 0, true, -EAGAIN},
		{-EPIPE, 200, true, -EBADMSG},
		{-EPIPE, 500, true, -EAGAIN},
		{-ETIMEDOUT, 0, true, -ETIMEDOUT},
		{-EINTR, 0, false, -EINTR},
		{-EMSGSIZE, 200, false, -EMSGSIZE},
		{-EPROTO, 0, false, -EBADMSG},
		{-EKEYREJECTED, 0, false, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transfer t = {.error = cases[i].error,
				     .status = cases[i].status,
				     .text = "why"};
		struct failure f;

		failure_of_transfer(&t, &f);
		assert_int_equal(f.error, cases[i].call);
		assert_int_equal(f.again, cases[i].again);
		assert_non_null(strstr(f.text, "why"));
	}
}

static int fix_clock(void **state)
{
	(void)state;
	return setenv("SCHEDKIT_TIME", NOW, 1);
}

static int free_clock(void **state)
{
	(void)state;
	return unsetenv("SCHEDKIT_TIME");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_whether),
		cmocka_unit_test(test_error_within),
		cmocka_unit_test(test_message_is_harmless),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_told_to_wait),
		cmocka_unit_test(test_budget_of_waiting),
		cmocka_unit_test(test_total_clock),
		cmocka_unit_test(test_not_again),
		cmocka_unit_test(test_broken_connections),
	};

	return cmocka_run_group_tests(tests, fix_clock, free_clock);
}
