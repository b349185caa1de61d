/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which policy is the best, and which step it may take. */
#include <errno.h>

#include "history/state.h"
#include "history_fix.h"

#define N 4

static struct doc *policy[N];

static int fresh(void **state)
{
	fix_fresh(state);
	for (int i = 0; i < N; i++) {
		char title[2] = {(char)('a' + i), 0};

		policy[i] = fix_policy(title, i + 1);
		fix_add(policy[i]);
	}
	return 0;
}

static int away(void **state)
{
	for (int i = 0; i < N; i++)
		doc_free(policy[i]);
	return fix_away(state);
}

static void at(int second)
{
	char text[24];

	snprintf(text, sizeof(text), "%d", 1795230000 + second);
	setenv("SCHEDKIT_TIME", text, 1);
}

/* "a" and so on; "?": none of ours. */
static const char *letter(const char *id)
{
	static const char *const letters[N] = {"a", "b", "c", "d"};

	for (int i = 0; i < N; i++)
		if (!strcmp(policy[i]->id, id))
			return letters[i];
	return "?";
}

static void judge(char p, const char *workload, double ratio, double low)
{
	static int second;
	struct doc *v;

	at(++second);
	v = fix_verdict(policy[p - 'a'], workload, ratio, low);
	fix_add(v);
	doc_free(v);
}

/* ---- best --------------------------------------------------------------- */

static void check_best(const char *workload, const char *state,
		       const char *want)
{
	struct history_best *b;
	char got[64] = "";
	size_t n;

	assert_int_equal(history_best(h, workload, state, &b, &n), 0);
	for (size_t i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s:%s ",
			 b[i].workload,
			 b[i].policy ? letter(b[i].policy->id) : "-");
	assert_string_equal(got, want);
	history_best_free(b, n);
}

static void promote(int to, char p, const char *workload)
{
	struct history_step s = {.policy = policy[p - 'a']->id,
				 .workload = workload,
				 .force = true};
	struct doc *note;

	if (history_promote(h, (enum state)to, &s, &note))
		fail_msg("%s", err_text());
	doc_free(note);
}

/* The larger ratio, of equal ones the higher low end, then the id: whatever
 * came first. */
static void test_best(void **state)
{
	char *want;

	(void)state;
	check_best(NULL, NULL, "");
	judge('a', "w", 1.2, 1.1);
	judge('b', "w", 1.4, 1.0);
	judge('c', "w", 1.3, 1.2);
	check_best("w", NULL, "w:b ");
	judge('d', "w", 1.4, 1.3);
	check_best("w", NULL, "w:d ");
	judge('a', "w", 1.4, 1.2);
	check_best("w", NULL, "w:d ");
	judge('c', "w", 1.5, 0.1);
	check_best("w", NULL, "w:c ");
	judge('c', "w", 1.1, 0.1); /* the last word about it */
	judge('b', "w", 1.4, 1.3);
	want = mem_printf("w:%s ",
			  strcmp(policy[1]->id, policy[3]->id) < 0 ? "b" : "d");
	check_best("w", NULL, want);
	free(want);
	judge('a', "", 3, 2); /* of no workload */
	judge('a', "v", 1.4, 1.3);
	check_best("v", NULL, "v:a ");
	check_best("x", NULL, "");
	/* By states. */
	check_best("v", "trusted", "");
	promote(STATE_TRUSTED, 'a', "v");
	promote(STATE_TRUSTED, 'a', "w");
	promote(STATE_CANARY, 'c', "w");
	check_best(NULL, "trusted", "v:a w:a ");
	check_best("w", "canary", "w:c ");
	check_best("v", "canary", "");
	check_best("w", "candidate", "");
}

/* A verdict whose policy is elsewhere, and one that names none. */
static void test_best_of_what_is_absent(void **state)
{
	struct doc *p = fix_policy("elsewhere", 99), *v;

	(void)state;
	v = fix_verdict(p, "w", 2, 1);
	fix_add(v);
	check_best("w", NULL, "w:- ");
	doc_free(v);
	doc_free(p);
}

/* ---- steps -------------------------------------------------------------- */

struct step {
	int to; /* a state; -1: demote */
	char p; /* 0: NULL */
	const char *workload;
	bool force;
	int rc;
	const char *words; /* of the error */
};

static void check_step(size_t row, const struct step *t)
{
	struct history_step s = {.policy = t->p ? policy[t->p - 'a']->id : NULL,
				 .workload = t->workload,
				 .force = t->force};
	struct doc *note;
	int rc;

	at(1000 + (int)row);
	rc = t->to < 0 ? history_demote(h, &s, &note)
		       : history_promote(h, (enum state)t->to, &s, &note);
	if (rc != t->rc || (rc < 0 && !strstr(err_text(), t->words)))
		fail_msg("step %zu: %d, %s", row, rc, err_text());
	assert_int_equal(note != NULL, !rc);
	doc_free(note);
}

static void check_states(const char *workload, const char *want)
{
	struct history_state *s;
	struct buf b;
	size_t n;

	buf_init(&b, 4096);
	buf_puts(&b, "");
	assert_int_equal(history_states(h, workload, &s, &n), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s:%s:%s%s ", s[i].workload,
			   state_names[s[i].state], letter(s[i].policy),
			   s[i].forced ? "!" : "");
	assert_string_equal(b.data, want);
	history_states_free(s, n);
	buf_release(&b);
}

static void test_steps(void **state)
{
	static const struct step steps[] = {
		{STATE_CANDIDATE, 'a', NULL, false, -EINVAL, "no workload yet"},
		{STATE_CANDIDATE, 'a', "w", false, -EPERM, "has no verdict"},
		{-1, 'a', NULL, false, -ENOENT, "that policy is in no state"},
		{-1, 0, NULL, false, -ENOENT, "no policy is trusted"},
		{-1, 0, "w", false, -ENOENT, "no policy is trusted for w"},
	};
	static const struct step more[] = {
		/* 'a' was accepted for v and w, 'b' for w alone. */
		{STATE_CANDIDATE, 'a', NULL, false, -EINVAL, "several"},
		{STATE_CANARY, 'b', NULL, false, -EPERM, "not the candidate"},
		{STATE_CANDIDATE, 'b', NULL, false, 0, NULL},
		{STATE_CANDIDATE, 'b', NULL, false, 1, NULL},
		{STATE_TRUSTED, 'b', NULL, false, -EPERM, "was no canary"},
		{STATE_CANARY, 'b', NULL, false, 0, NULL},
		{STATE_CANDIDATE, 'b', NULL, true, -EPERM, "demote it first"},
		{STATE_TRUSTED, 'b', "w", false, 0, NULL},
		{STATE_TRUSTED, 'c', "w", true, 0, NULL},
		{STATE_TRUSTED, 'b', "w", false, 0, NULL}, /* it was one */
		{STATE_TRUSTED, 'a', "v", true, 0, NULL},
		{-1, 0, NULL, false, -EINVAL, "several workloads"},
		{-1, 'd', "w", false, -ENOENT, "that policy is in no state"},
		{-1, 'a', "w", false, -ENOENT, "in no state for w"},
	};

	(void)state;
	assert_int_equal(state_of("canary"), STATE_CANARY);
	assert_int_equal(state_of("previous"), -1);
	assert_int_equal(state_of(""), -1);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		check_step(i, &steps[i]);
	judge('a', "v", 2, 1);
	judge('a', "w", 2, 1);
	judge('b', "w", 2, 1);
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		check_step(100 + i, &more[i]);
	check_states(NULL, "v:trusted:a! w:trusted:b w:previous:c! ");
	check_states("v", "v:trusted:a! ");
	check_states("x", "");
	check_step(200, &(struct step){-1, 'a', NULL, false, 0, NULL});
	check_states("v", "");
	/* Back, and back again; then there is nothing to return to. */
	check_step(201, &(struct step){-1, 0, "w", false, 0, NULL});
	check_states("w", "w:trusted:c! w:previous:b ");
	check_step(202, &(struct step){-1, 0, "w", false, 0, NULL});
	check_states("w", "w:trusted:b ");
	check_step(203, &(struct step){-1, 0, "w", false, 0, NULL});
	check_states("w", "");
	check_step(204, &(struct step){-1, 0, "w", false, -ENOENT,
				       "no policy is trusted for w"});
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_best),
		TEST(test_best_of_what_is_absent),
		TEST(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
