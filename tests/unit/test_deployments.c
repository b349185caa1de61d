/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was deployed when, and what was in place before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/deployer/deployments.h"
#include "base/clock.h"
#include "base/mem.h"

#define DOCS_MAX 64
#define A	 'a'
#define B	 'b'
#define C	 'c'

struct story {
	struct doc *docs[DOCS_MAX];
	size_t n;
	struct deployments of;
};

static const char *id_of(char policy)
{
	static char ids[128][DOC_ID_LEN];

	memset(ids[(int)policy], policy, DOC_ID_LEN - 1);
	return ids[(int)policy];
}

/* At minute t; since 0: it was never attached. */
static struct json *tell(struct story *s, int t, char policy, const char *state,
			 int since)
{
	struct json *b = json_object();
	char when[CLOCK_TEXT_LEN];
	struct doc *d;

	clock_text(60 * since, when);
	json_set_string(b, "policy", id_of(policy));
	json_set_string(b, "target", "host");
	json_set_string(b, "state", state);
	json_set_string(b, "why", "so it is");
	if (since)
		json_set_string(b, "since", when);
	d = doc_new("deployment", "tests", b, NULL, 0);
	assert_non_null(d);
	clock_text(60 * t, when);
	json_set_string(d->env, "time", when);
	s->docs[s->n++] = d;
	return b;
}

static struct json *attached(struct story *s, int t, char policy)
{
	return tell(s, t, policy, "attached", t);
}

static const struct deployments *all(struct story *s, const char *host)
{
	deployments_release(&s->of);
	deployments_read((const struct doc *const *)s->docs, s->n, host,
			 &s->of);
	return &s->of;
}

static void done(struct story *s)
{
	deployments_release(&s->of);
	for (size_t i = 0; i < s->n; i++)
		doc_free(s->docs[i]);
}

/* The policies that were in place before, as a word. */
static const char *before(struct story *s, const char *present)
{
	static char out[DOCS_MAX];
	size_t n, *at = deployments_before(all(s, NULL), present, &n);

	for (size_t i = 0; i < n; i++)
		out[i] = *json_text_at(deployment_doc(&s->of.v[at[i]])->body,
				       "policy");
	out[n] = '\0';
	free(at);
	return out;
}

static void beginning_and_end_are_one(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	attached(&s, 1, A);
	tell(&s, 3, A, "detached", 1);
	tell(&s, 4, B, "refused", 0);
	attached(&s, 5, A);
	all(&s, NULL);
	assert_int_equal(s.of.n, 3);
	assert_ptr_equal(s.of.v[0].begin, s.docs[0]);
	assert_ptr_equal(s.of.v[0].end, s.docs[1]);
	assert_null(s.of.v[1].begin);
	assert_false(deployment_was_attached(&s.of.v[1]));
	assert_null(s.of.v[2].end);
	assert_ptr_equal(deployments_last(&s.of), &s.of.v[2]);
	done(&s);
}

/* What a canary has, it stays attached with. */
static void a_canary_that_stays_is_one(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	attached(&s, 1, A);
	tell(&s, 5, A, "attached", 1);
	assert_int_equal(all(&s, NULL)->n, 1);
	assert_ptr_equal(deployment_doc(&s.of.v[0]), s.docs[1]);
	tell(&s, 9, A, "detached", 1);
	assert_int_equal(all(&s, NULL)->n, 1);
	assert_ptr_equal(s.of.v[0].end, s.docs[2]);
	/* Again is not still. */
	attached(&s, 10, A);
	attached(&s, 11, A);
	assert_int_equal(all(&s, NULL)->n, 3);
	done(&s);
}

static void others_machines_do_not_count(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	json_set_string(attached(&s, 1, A), "host", id_of('1'));
	json_set_string(attached(&s, 2, B), "host", id_of('2'));
	attached(&s, 3, C);
	assert_int_equal(all(&s, id_of('1'))->n, 2);
	assert_int_equal(all(&s, NULL)->n, 3);
	done(&s);
}

static void guests_were_never_in_place(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	attached(&s, 1, A);
	json_set_string(tell(&s, 2, B, "detached", 2), "target", "vm");
	assert_string_equal(before(&s, NULL), "");
	assert_int_equal(
		*json_text_at(deployment_doc(deployments_last(&s.of))->body,
			      "policy"),
		A);
	done(&s);
}

static void the_nearest_comes_first_and_each_once(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	assert_string_equal(before(&s, NULL), "");
	attached(&s, 1, A);
	assert_string_equal(before(&s, NULL), "");
	attached(&s, 2, B);
	attached(&s, 3, A);
	attached(&s, 4, C);
	attached(&s, 5, C);
	assert_string_equal(before(&s, NULL), "ab");
	/* What is in place is not in the history. */
	assert_string_equal(before(&s, id_of('x')), "cab");
	done(&s);
}

static void going_back_twice_goes_back_two_steps(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	attached(&s, 1, A);
	attached(&s, 2, B);
	attached(&s, 3, C);
	assert_string_equal(before(&s, NULL), "ba");
	json_set_string(attached(&s, 4, B), "back_from", id_of(C));
	assert_string_equal(before(&s, NULL), "a");
	json_set_string(attached(&s, 5, A), "back_from", id_of(B));
	assert_string_equal(before(&s, NULL), "");
	/* And from there on anew. */
	attached(&s, 6, C);
	assert_string_equal(before(&s, NULL), "a");
	done(&s);
}

static void a_crash_loop_is_counted_in_its_time(void **state)
{
	struct story s = {.n = 0};

	(void)state;
	for (int t = 1; t <= 5; t++) {
		attached(&s, 10 * t, A);
		tell(&s, 10 * t + 1, A, t % 2 ? "ejected" : "tripped", 10 * t);
	}
	attached(&s, 60, A);
	tell(&s, 61, A, "stopped", 60);
	attached(&s, 70, B);
	tell(&s, 71, B, "ejected", 70);
	all(&s, NULL);
	assert_int_equal(deployments_falls(&s.of, id_of(A), 0), 5);
	assert_int_equal(deployments_falls(&s.of, id_of(A), 60 * 31), 3);
	assert_int_equal(deployments_falls(&s.of, id_of(A), 60 * 52), 0);
	assert_int_equal(deployments_falls(&s.of, id_of(B), 0), 1);
	done(&s);
}

static void what_was_for_a_command_has_ended_with_it(void **state)
{
	struct story s = {.n = 0};
	char *why;

	(void)state;
	json_set_string(json_set(attached(&s, 1, A), "scope", json_object()),
			"command", "make");
	json_set(attached(&s, 2, B), "scope", json_object());
	all(&s, NULL);
	why = deployment_is_over(&s.of.v[0]);
	assert_non_null(strstr(why, "command"));
	free(why);
	assert_null(deployment_is_over(&s.of.v[1]));
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beginning_and_end_are_one),
		cmocka_unit_test(a_canary_that_stays_is_one),
		cmocka_unit_test(others_machines_do_not_count),
		cmocka_unit_test(guests_were_never_in_place),
		cmocka_unit_test(the_nearest_comes_first_and_each_once),
		cmocka_unit_test(going_back_twice_goes_back_two_steps),
		cmocka_unit_test(a_crash_loop_is_counted_in_its_time),
		cmocka_unit_test(what_was_for_a_command_has_ended_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
