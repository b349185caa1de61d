/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that are proposed: what of them can become a file, and what it says. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/intents/draft_rules.h"
#include "base/err.h"
#include "base/mem.h"

static struct json *draft_of(const char *rules)
{
	char *text = mem_printf("{\"summary\":\"s\",\"rules\":%s}", rules);
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s: %s", err_text(), text);
	free(text);
	return v;
}

#define RULE(name, key, value)                                                 \
	"{\"name\":\"" name "\",\"why\":\"w\",\"settings\":[{\"key\":\""       \
	"class\",\"value\":\"batch\"},{\"key\":\"" key "\",\"value\":\"" value \
	"\"}]}"

static void only_what_the_check_passes(void **state)
{
	static const struct {
		const char *rules;
		int rc;
		const char *why;
	} cases[] = {
		{"[" RULE("a", "command", "x") "]", 0, ""},
		{"[]", -ENODATA, "no rules"},
		{"{}", -ENODATA, "no rules"},
		{"[{}]", -EINVAL, ""},
		{"[1]", -EINVAL, ""},
		{"[" RULE("a", "command", "x") "," RULE("a", "user", "1") "]",
		 -EINVAL, "already"},
		{"[" RULE("a", "command", "") "]", -EINVAL, "no value"},
		{"[" RULE("a", "class", "batch") "]", -EINVAL, "twice"},
		{"[" RULE("a]\\n[b", "command", "x") "]", -EINVAL, "shown"},
		{"[" RULE("a", "command", "x\\nweight = 3") "]", -EINVAL,
		 "shown"},
		{"[" RULE("a", "command\\n", "x") "]", -EINVAL, "shown"},
		{"[" RULE("a", "command", "\\u009b1m") "]", -EINVAL, "shown"},
		{"[" RULE("a", "cores", "1-") "]", -EINVAL, "list of CPUs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *draft = draft_of(cases[i].rules);
		int rc = draft_rules_check(draft);

		if (rc != cases[i].rc ||
		    (rc && !strstr(err_text(), cases[i].why)))
			fail_msg("%s: %d, %s", cases[i].rules, rc, err_text());
		json_free(draft);
	}
}

static void not_more_than_somebody_reads(void **state)
{
	struct json *draft = draft_of("[]"), *list = json_array();
	const char *rule = RULE("a", "command", "x");
	char *value = mem_zalloc(1, 8001);

	(void)state;
	for (int i = 0; i < 13; i++)
		json_add(list, json_parse(rule, strlen(rule)));
	json_set(draft, "rules", list);
	assert_int_equal(draft_rules_check(draft), -EINVAL);
	assert_non_null(strstr(err_text(), "12 at most"));
	json_free(draft);
	draft = draft_of("[]");
	list = json_set(draft, "rules", json_array());
	memset(value, 'x', 8000);
	for (int i = 0; i < 3; i++) {
		struct json *r = json_add(list, json_parse(rule, strlen(rule)));

		json_set_string(r, "name", value);
	}
	assert_int_equal(draft_rules_check(draft), -EINVAL);
	json_free(draft);
	free(value);
}

/* Whatever is said of rules, the file has those that were checked. */
static void words_are_comments(void **state)
{
	struct json *draft =
		draft_of("[" RULE("a", "command", "draft-test") "]");
	struct json *rule = (struct json *)json_path(draft, "rules.0"), *body;
	char *words = mem_zalloc(1, 20001);
	struct intents now = {0}, read = {0};
	struct crowd crowd = {0};
	struct draft_about a = {"w\n[x]", "by\n[y]", &now, &crowd};
	const char *text;

	(void)state;
	/* A thousand words, a word of twenty thousand bytes, and a line. */
	for (int i = 0; i < 20000; i++)
		words[i] = i < 5000 ? "word "[i % 5] : '[';
	json_set_string(rule, "why", words);
	json_set_string(draft, "summary", "\n[z]\nclass = batch\n\033[1m");
	crowd_read(&crowd);
	assert_int_equal(draft_rules_body(draft, &a, &body), 0);
	text = json_text_at(body, "intent.proposal");
	assert_null(strchr(text, '\033'));
	assert_int_equal(intents_parse(&read, "f", text, strlen(text), 1), 0);
	assert_int_equal(read.count, 1);
	assert_string_equal(read.v[0].name, "a");
	assert_int_equal(
		json_as_number(json_path(body, "intent.rules.0.line"), 0),
		read.v[0].line);
	/* This process is not looked at. */
	assert_int_equal(
		json_as_number(json_path(body, "intent.rules.0.tasks"), -1), 0);
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");

		assert_true(n <= 80);
		line += n + 1;
	}
	json_free(body);
	json_free(draft);
	free(words);
	intents_release(&read);
	crowd_release(&crowd);
}

static void tasks_are_told_by_kind(void **state)
{
	struct intent_who who[] = {
		{.command = "b", .process = "b", .uid = 1},
		{.command = "a\nx", .process = "a", .uid = 1},
		{.command = "b", .process = "b", .uid = 1},
	};
	struct crowd crowd = {.v = who, .count = ARRAY_LEN(who)};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	crowd_text(&crowd, &b);
	assert_string_equal(b.data, "2 tasks: command b, user 1\n"
				    "1 task: command a?x, process a, user 1\n");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_the_check_passes),
		cmocka_unit_test(not_more_than_somebody_reads),
		cmocka_unit_test(words_are_comments),
		cmocka_unit_test(tasks_are_told_by_kind),
	};

	setlocale(LC_ALL, "C.UTF-8");
	prctl(PR_SET_NAME, "draft-test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
