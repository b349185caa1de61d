/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/access.h"

#define OTHER 54321

static struct rt_access *rules(const char *text)
{
	struct json *v = text ? json_parse(text, strlen(text)) : NULL;
	struct rt_access *a = NULL;

	if (text && !v)
		fail_msg("%s", err_text());
	if (rt_access_new(v, &a))
		fail_msg("%s", err_text());
	json_free(v);
	return a;
}

static int ask(const struct rt_access *a, uid_t uid, const char *agent,
	       const char *kind, const char *verb, const char *resource)
{
	struct rt_peer who = {uid, 77, agent};

	return rt_access_check(a, &who, kind, verb, resource);
}

static void test_defaults(void **state)
{
	struct rt_access *a = rules(NULL);
	uid_t us = geteuid();

	(void)state;
	assert_int_equal(ask(a, us, "a", "llm", NULL, NULL), 0);
	assert_int_equal(ask(a, us, "a", "control", "stop", NULL), 0);
	assert_int_equal(ask(a, us, "a", "work", "storage", NULL), 0);
	assert_int_equal(ask(a, us, "a", "look", "queue", NULL), 0);
	assert_int_equal(ask(a, 0, "a", "guest", NULL, NULL), 0);
	/* One's own and what is shared, */
	assert_int_equal(ask(a, us, "a", "storage", "read", "a/x"), 0);
	assert_int_equal(ask(a, us, "a", "storage", "rollback", "a/b/c"), 0);
	assert_int_equal(ask(a, us, "a", "memory", "search", "shared/n"), 0);
	assert_int_equal(ask(a, us, "a/coder", "memory", "add", "a/coder/"), 0);
	/* not another's, nor all of it. */
	assert_int_equal(ask(a, us, "a", "storage", "read", "b/x"), -EACCES);
	assert_int_equal(ask(a, us, "a", "memory", "search", "b/x"), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", "ab/x"), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", "a"), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", NULL), -EACCES);
	assert_int_equal(ask(a, us, "a", "memory", NULL, NULL), -EACCES);
	/* Nobody else. */
	assert_int_equal(ask(a, OTHER, "a", "llm", NULL, NULL), -EACCES);
	assert_int_equal(ask(a, OTHER, "a", "storage", "read", "a/x"), -EACCES);
	rt_access_free(a);
	rt_access_free(NULL);
}

static void test_first_match(void **state)
{
	struct rt_access *a = rules(
		"[{\"agent\":\"x/*\",\"uid\":54321,\"may\":[\"llm\"],"
		"\"not\":[\"guest\"]},"
		"{\"agent\":\"*\",\"uid\":54321,\"may\":[\"guest\",\"tool\","
		"\"storage:read:s/[ab]*\",\"control\"],"
		"\"not\":[\"control:stop\"]},"
		"{\"agent\":\"x/*\",\"uid\":54321,\"may\":[\"*\"]}]");

	(void)state;
	assert_int_equal(ask(a, OTHER, "x/y", "llm", NULL, NULL), 0);
	assert_int_equal(ask(a, OTHER, "x", "llm", NULL, NULL), -EACCES);
	/* The first that says something wins, */
	assert_int_equal(ask(a, OTHER, "x/y", "guest", NULL, NULL), -EACCES);
	assert_non_null(strstr(err_text(), "rule 1"));
	assert_int_equal(ask(a, OTHER, "x", "guest", NULL, NULL), 0);
	/* what says nothing leaves it to the next. */
	assert_int_equal(ask(a, OTHER, "x/y", "tool", "run", "make"), 0);
	assert_int_equal(ask(a, OTHER, "x/y", "sim", NULL, NULL), 0);
	assert_int_equal(ask(a, OTHER, "x", "sim", NULL, NULL), -EACCES);
	/* A part is covered by the whole, never the whole by a part; */
	assert_int_equal(ask(a, OTHER, "z", "storage", "read", "s/b"), 0);
	assert_int_equal(ask(a, OTHER, "z", "storage", "read", "s/c"), -EACCES);
	assert_int_equal(ask(a, OTHER, "z", "storage", "read", NULL), -EACCES);
	assert_int_equal(ask(a, OTHER, "z", "storage", NULL, NULL), -EACCES);
	/* what is forbidden in part is not allowed as a whole. */
	assert_int_equal(ask(a, OTHER, "z", "control", "drain", NULL), 0);
	assert_int_equal(ask(a, OTHER, "z", "control", "stop", NULL), -EACCES);
	assert_int_equal(ask(a, OTHER, "z", "control", NULL, NULL), -EACCES);
	/* A user that no rule names. */
	assert_int_equal(ask(a, OTHER + 1, "x/y", "llm", NULL, NULL), -EACCES);
	rt_access_free(a);
}

/* Takes the rule that a refusal names, and asks again under it. */
static void assert_rule_helps(const char *agent, const char *kind,
			      const char *verb, const char *resource)
{
	struct rt_access *a = rules("[]");
	const char *said;
	char *text;

	assert_int_equal(ask(a, OTHER, agent, kind, verb, resource), -EACCES);
	said = strchr(err_text(), '{');
	assert_non_null(said);
	assert_null(strchr(err_text(), '\n'));
	rt_access_free(a);
	text = mem_printf("[%s]", said);
	a = rules(text);
	if (ask(a, OTHER, agent, kind, verb, resource))
		fail_msg("%s does not help: %s", text, err_text());
	/* And it helps nobody else. */
	assert_int_equal(ask(a, OTHER, "another", kind, verb, resource),
			 -EACCES);
	rt_access_free(a);
	free(text);
}

static void test_rule_that_is_needed(void **state)
{
	(void)state;
	assert_rule_helps("a", "llm", NULL, NULL);
	assert_rule_helps("a", "storage", "read", "b/c:d");
	assert_rule_helps("*", "llm", NULL, NULL);
	assert_rule_helps("a\nb", "llm", NULL, NULL);
	assert_rule_helps("[a-z]?\\\"{}", "tool", "run", "* [x] \\ \"\n");
	assert_rule_helps("", "llm", NULL, NULL);
}

/* A name is a name, whatever it looks like. */
static void test_hostile_names(void **state)
{
	struct rt_access *a = rules(NULL);
	struct rt_access *one = rules("[{\"agent\":\"a\",\"may\":[\"llm\"]}]");
	char *huge = mem_zalloc(1, 100001);
	uid_t us = geteuid();

	(void)state;
	memset(huge, 'a', 100000);
	assert_int_equal(ask(a, us, "*", "storage", "read", "b/x"), -EACCES);
	assert_int_equal(ask(a, us, "*", "storage", "read", "*/x"), 0);
	assert_int_equal(ask(a, us, "[ab]", "storage", "read", "b/x"), -EACCES);
	assert_int_equal(ask(a, us, "b\\", "storage", "read", "b/x"), -EACCES);
	assert_int_equal(ask(a, us, "", "storage", "read", "/x"), -EACCES);
	assert_int_equal(ask(a, us, "a\n", "storage", "read", "a\n/x"), 0);
	assert_int_equal(ask(one, us, "a\n", "llm", NULL, NULL), -EACCES);
	assert_int_equal(ask(one, us, "*", "llm", NULL, NULL), -EACCES);
	assert_int_equal(ask(one, us, "a", "llm\n", NULL, NULL), -EACCES);
	assert_int_equal(ask(one, us, "a", "llm", NULL, NULL), 0);
	/* Ways out of one's own. */
	assert_int_equal(ask(a, us, "a", "storage", "read", "a/../b/x"),
			 -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", "a/.."), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", "a//b"), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", "a/./b"), -EACCES);
	assert_int_equal(ask(a, us, "..", "storage", "read", "../b"), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", "a/..b/x..y"), 0);
	/* Too long. */
	assert_int_equal(ask(a, us, huge, "llm", NULL, NULL), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", huge, "a/b"), -EACCES);
	assert_int_equal(ask(a, us, "a", "storage", "read", huge), -EACCES);
	assert_true(strlen(err_text()) < 2048);
	/* Invalid UTF-8 passes no "may" and every "not". */
	assert_int_equal(ask(a, us, "a", "storage", "read", "\xff\xfe/x"),
			 -EACCES);
	rt_access_free(one);
	rt_access_free(a);
	free(huge);
}

static void assert_refused(const char *text, const char *word)
{
	struct json *v = json_parse(text, strlen(text));
	struct rt_access *a;

	assert_non_null(v);
	assert_int_equal(rt_access_new(v, &a), -EINVAL);
	if (!strstr(err_text(), word))
		fail_msg("'%s' does not say '%s'", err_text(), word);
	json_free(v);
}

static void test_bad_rules(void **state)
{
	(void)state;
	assert_refused("{}", "list of rules");
	assert_refused("[1]", "rule 1");
	assert_refused("[{\"agent\":\"*\"},{\"agent\":1}]", "rule 2: agent");
	assert_refused("[{\"agent\":\"*\",\"may\":\"llm\"}]", "may");
	assert_refused("[{\"agent\":\"*\",\"may\":[\"\"]}]", "may.0");
	assert_refused("[{\"agent\":\"*\",\"not\":[\"llm\",\":x\"]}]", "not.1");
	assert_refused("[{\"agent\":\"*\",\"uid\":-1}]", "uid");
	assert_refused("[{\"agent\":\"*\",\"uid\":1.5}]", "uid");
	assert_refused("[{\"agent\":\"*\",\"uid\":4294967295}]", "uid");
	assert_refused("[{\"agent\":\"*\",\"uid\":\"root\"}]", "uid");
	assert_refused("[{\"agent\":\"*\",\"nots\":[\"llm\"]}]", "nots");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_rule_that_is_needed),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_bad_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
