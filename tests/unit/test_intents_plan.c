/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file of rules would change, and whether what is attached follows the
 * rules that there are. */
#include "tests/unit/place_fix.h"

#include "agents/host/holder.h"
#include "agents/intents/crowd.h"
#include "agents/intents/intents.h"

static char *in_folder(const char *name)
{
	char *folder = place_path("rules"), *path;

	assert_int_equal(path_make_dirs(folder), 0);
	path = mem_printf("%s/%s", folder, name);
	free(folder);
	return path;
}

static void rules(const char *name, const char *text)
{
	char *path = in_folder(name);

	if (text)
		place_add(path, "we", text);
	else
		unlink(path);
	free(path);
}

#define A     "[a]\ncommand=x\nclass=batch\n"
#define A2    "[a]\ncommand=x\nclass=interactive\n"
#define B     "[b]\ncommand=y\nclass=batch\n"
#define UNTIL "until=2099-01-01\n"

/* ---- what would change ------------------------------------------------- */

static void what_would_change(void **state)
{
	static const struct {
		const char *first, *second; /* 1.conf and 2.conf as they are */
		const char *file, *text;    /* what is put in place */
		const char *words[3];
	} rows[] = {
		{NULL, NULL, "1.conf", A, {"+ [a] "}},
		{A, NULL, "1.conf", A, {NULL}},
		{A, NULL, "1.conf", A2, {"~ [a] "}},
		{A, NULL, "1.conf", B, {"+ [b] ", "- [a] "}},
		{A, NULL, "1.conf", "", {"- [a] "}},
		{A, NULL, "1.conf", A UNTIL, {"for a time (was "}},
		{A UNTIL, NULL, "1.conf", A UNTIL, {NULL}},
		{A B, NULL, "1.conf", B A, {"~ [b] is looked at earlier"}},
		{A, B, "2.conf", B, {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *folder = place_path("rules");
		char *file = place_path(rows[i].file);
		struct intents_change c;
		size_t n = 0;

		rules("1.conf", rows[i].first);
		rules("2.conf", rows[i].second);
		place_add(file, "we", rows[i].text);
		if (intents_plan(folder, file, &c))
			fail_msg("row %zu: %s", i, err_text());
		while (n < 3 && rows[i].words[n])
			n++;
		assert_int_equal(c.words.len, n);
		for (size_t k = 0; k < n; k++)
			if (!strstr(c.words.v[k], rows[i].words[k]))
				fail_msg("row %zu: %s", i, c.words.v[k]);
		intents_change_release(&c);
		free(file);
		free(folder);
	}
	rules("1.conf", NULL);
	rules("2.conf", NULL);
}

/* The same name in another file: the later file's counts. */
static void names_that_are_taken(void **state)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{"0.conf", NULL},
		{"2.conf", "~ [a] moves from "},
	};
	char *folder = place_path("rules");

	(void)state;
	rules("1.conf", A);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *file = place_path(rows[i].name);
		struct intents_change c;

		place_add(file, "we", A);
		assert_int_equal(intents_plan(folder, file, &c), 0);
		assert_int_equal(c.words.len, rows[i].words != NULL);
		if (rows[i].words) {
			assert_non_null(strstr(c.words.v[0], rows[i].words));
			assert_non_null(strstr(c.words.v[0], "/2.conf"));
		}
		intents_change_release(&c);
		free(file);
	}
	/* What is wrong with other files is told, and is no obstacle. */
	rules("1.conf", "[a]\n?");
	{
		char *file = place_path("2.conf");
		struct intents_change c;

		assert_int_equal(intents_plan(folder, file, &c), 0);
		assert_int_equal(c.problems.len, 1);
		assert_non_null(strstr(c.problems.v[0], "1.conf:2"));
		intents_change_release(&c);
		free(file);
	}
	rules("1.conf", NULL);
	free(folder);
}

static void what_is_no_file_of_rules(void **state)
{
	static const struct {
		const char *name, *text;
		int rc;
	} rows[] = {
		{".conf", A, -EINVAL},	      {".a.conf", A, -EINVAL},
		{"a.txt", A, -EINVAL},	      {"conf", A, -EINVAL},
		{"a.conf~", A, -EINVAL},      {"bad.conf", "[a]\n?", -EINVAL},
		{"none.conf", NULL, -ENOENT},
	};
	char *folder = place_path("rules");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *file = place_path(rows[i].name);
		struct intents_change c;
		int rc;

		if (rows[i].text)
			place_add(file, "we", rows[i].text);
		rc = intents_plan(folder, file, &c);
		if (rc != rows[i].rc)
			fail_msg("%s: %d '%s'", rows[i].name, rc, err_text());
		assert_null(c.text);
		free(file);
	}
	free(folder);
}

static void it_is_put_in_place(void **state)
{
	char *folder = place_path("new/deep"), *file = place_path("a.conf");
	struct intents_change c;
	struct intents i = {0};
	struct stat st;

	(void)state;
	place_add(file, "we", A);
	assert_int_equal(intents_plan(folder, file, &c), 0);
	assert_int_equal(intents_commit(&c), 0);
	/* Once more is no error. */
	assert_int_equal(intents_commit(&c), 0);
	assert_int_equal(stat(c.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	intents_change_release(&c);
	assert_int_equal(intents_read(&i, folder), 0);
	assert_int_equal(i.count, 1);
	intents_release(&i);
	free(file);
	free(folder);
}

/* ---- who follows them -------------------------------------------------- */

static void declared(const char *text)
{
	struct json *v = json_of(text);

	holder_declare(v);
	json_free(v);
}

static void attached(void)
{
	struct json *v = json_of("{\"policy\":\"p\",\"ops\":\"schedkit\"}");

	sysfs_is("state", "enabled\n");
	sysfs_is("root/ops", "schedkit\n");
	assert_int_equal(holder_write(v), 0);
	json_free(v);
}

/* Of what is attached, about all rules. */
static void policy_is(bool followed, const char *words)
{
	char *folder = place_path("rules");
	const struct strs none = {0};
	struct json *body;
	const char *text;

	if (intents_list(folder, &none, &body))
		fail_msg("%s", err_text());
	text = json_text_at(body, "intent.policy.text");
	if (!strstr(text, words) ||
	    json_as_bool(json_path(body, "intent.policy.followed"),
			 !followed) != followed)
		fail_msg("'%s', not '%s'", text, words);
	json_free(body);
	free(folder);
}

static void whether_they_are_followed(void **state)
{
	char *words, *text;
	struct intents i = {0};
	char *folder = place_path("rules");

	(void)state;
	rules("1.conf", A);
	assert_int_equal(intents_read(&i, folder), 0);
	words = intent_words(&i.v[0]);
	intents_release(&i);
	policy_is(false, "no policy is attached");
	attached();
	policy_is(false, "no sched-deploy of root's holds it");
	declared("{\"generation\":0,\"why\":\"it has no room\",\"rules\":[]}");
	policy_is(false, "follows no rules: it has no room");
	declared("{\"generation\":3,\"since\":\"then\",\"folder\":\"/f\","
		 "\"rules\":[]}");
	policy_is(false, "does not follow all of them; it has had the rules of "
			 "/f as they are since then");
	text = mem_printf("{\"generation\":3,\"since\":\"then\",\"folder\":"
			  "\"/f\",\"rules\":[{\"name\":\"a\",\"words\":\"x\"},"
			  "{\"name\":\"b\",\"words\":\"%s\"}]}",
			  words);
	declared(text);
	policy_is(false, "does not follow all of them");
	free(text);
	text = mem_printf("{\"generation\":3,\"since\":\"then\",\"folder\":"
			  "\"/f\",\"rules\":[{\"name\":\"a\",\"words\":"
			  "\"%s\"}]}",
			  words);
	declared(text);
	policy_is(true, "follows them");
	free(text);
	/* They were refused. */
	text = mem_printf("{\"generation\":0,\"rules\":[{\"name\":\"a\","
			  "\"words\":\"%s\"}]}",
			  words);
	declared(text);
	policy_is(false, "does not follow");
	free(text);
	holder_clear();
	sysfs_is("state", "disabled\n");
	rules("1.conf", NULL);
	free(folder);
	free(words);
}

static void why_a_rule_is_for_a_task(void **state)
{
	char *folder = place_path("rules"), *text;
	struct json *body;

	(void)state;
	/* We ourselves, by every condition that a task can have. */
	rules("1.conf",
	      "[one]\ncommand=sched-deploy\nuser=0\nclass=batch\n"
	      "[two]\nexecutable=/tmp/*/tests/test\nclass=interactive\n"
	      "[three]\ncommand=other\nclass=batch\n");
	assert_int_equal(intents_explain(folder, getpid(), &body), 0);
	assert_string_equal(json_text_at(body, "intent.rule.name"), "one");
	assert_string_equal(json_text_at(body, "intent.rule.because.0.value"),
			    "sched-deploy");
	assert_true(
		json_as_number(json_path(body, "intent.rule.because.1.value"),
			       -1) == 0);
	assert_int_equal(json_len(json_path(body, "intent.also")), 1);
	assert_string_equal(json_text_at(body, "intent.also.0.name"), "two");
	json_free(body);
	attached();
	text = mem_printf("{\"generation\":3,\"since\":\"then\",\"folder\":"
			  "\"/f\",\"rules\":[]}");
	declared(text);
	free(text);
	assert_int_equal(intents_explain(folder, getpid(), &body), 0);
	assert_non_null(strstr(json_text_at(body, "intent.policy.text"),
			       "does not follow it"));
	json_free(body);
	rules("1.conf", "[three]\ncommand=other\nclass=batch\n");
	assert_int_equal(intents_explain(folder, getpid(), &body), 0);
	assert_non_null(
		strstr(json_text_at(body, "text"), "no rule is for task"));
	assert_null(json_path(body, "intent.rule"));
	json_free(body);
	assert_true(intents_explain(folder, 4194303, &body) < 0);
	holder_clear();
	sysfs_is("state", "disabled\n");
	rules("1.conf", NULL);
	free(folder);
}

/* ---- who there is ------------------------------------------------------ */

static void who_there_is_in_words(void **state)
{
	struct intent_who who[] = {
		{.command = "a", .process = "a", .uid = 7},
		{.command = "a",
		 .process = "a",
		 .uid = 7,
		 .cgroup = (char *)"/"},
		{.command = "b",
		 .process = "p\nq",
		 .uid = 0,
		 .executable = (char *)"/bin/b",
		 .cgroup = (char *)"/x",
		 .tag = (char *)"t"},
	};
	const struct crowd c = {.v = who, .count = 3};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	crowd_text(&c, &out);
	assert_string_equal(out.data,
			    "2 tasks: command a, user 7\n"
			    "1 task: command b, process p?q, executable "
			    "/bin/b, cgroup /x, tag t, user 0\n");
	buf_release(&out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_would_change),
		cmocka_unit_test(names_that_are_taken),
		cmocka_unit_test(what_is_no_file_of_rules),
		cmocka_unit_test(it_is_put_in_place),
		cmocka_unit_test(whether_they_are_followed),
		cmocka_unit_test(why_a_rule_is_for_a_task),
		cmocka_unit_test(who_there_is_in_words),
	};

	(void)argc;
	return place_run(tests, argv, NULL, place_leave);
}
