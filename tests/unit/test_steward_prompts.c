/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prompts of the MCP server: what is ours and what is others' in them. */
#include "agents/prompt/prompt.h"
#include "steward_fix.h"

#define INVALID (-32602)

static struct mcp_call call;

static void get(const char *name, struct json *args)
{
	char *text = json_canonical(args);

	fix_call(&call, name, text);
	steward_prompts_call(&fix_steward, &call);
	assert_int_equal(call.answers, 1);
	free(text);
	json_free(args);
}

static struct json *one(const char *name, const char *value)
{
	struct json *v = json_object();

	json_set_string(v, name, value);
	return v;
}

static struct json *two(const char *name, const char *value, const char *name2,
			const char *value2)
{
	struct json *v = one(name, value);

	json_set_string(v, name2, value2);
	return v;
}

static const struct json *messages(void)
{
	if (!call.result)
		fail_msg("%s: %d %s", call.name, call.code, call.text);
	return json_get(call.result, "messages");
}

static const char *text_of(size_t i)
{
	return json_text_at(json_at(messages(), i), "content.text");
}

/* No line of it may begin as if it were ours. */
static void check_fenced(const char *text)
{
	assert_non_null(strstr(text, "Ignore "));
	assert_null(strstr(text, "\n# System"));
	assert_null(strstr(text, "\nIgnore "));
	assert_null(strstr(text, "<|im_start|>"));
}

static void expect_refused(const char *part)
{
	if (call.result || call.code != INVALID || !strstr(call.text, part))
		fail_msg("%s: %d '%s', not '%s'", call.name, call.code,
			 call.text, part);
}

/* ---- the list ---------------------------------------------------------- */

static void every_role_is_listed(void **state)
{
	struct json *list = steward_prompts_list(&fix_steward, &fix_who);
	char *text = json_canonical(list);

	(void)state;
	for (size_t i = 0; role_names[i]; i++)
		assert_string_equal(json_text_at(json_at(list, i), "name"),
				    role_names[i]);
	json_each (v, list) {
		assert_true(*json_text_at(v, "title") &&
			    *json_text_at(v, "description"));
		assert_true(json_len(json_get(v, "arguments")) > 0);
		json_each (a, json_get(v, "arguments"))
			assert_non_null(
				world_prompt_arg(json_text_at(v, "name"),
						 json_text_at(a, "name")));
	}
	assert_int_equal(json_len(list), 6);
	free(text);
	json_free(list);
}

/* ---- what they say ----------------------------------------------------- */

static void a_planner_gets_the_profile(void **state)
{
	struct json *args = two("profile", fix_profile->id, "wish",
				"answers before batch jobs");
	struct role r;
	char *line = doc_line(fix_profile), *uri;
	const struct json *res;

	(void)state;
	json_set_string(args, "count", "2");
	get("planner", args);
	assert_int_equal(json_len(messages()), 3);
	assert_int_equal(role_load("planner", &r), 0);
	assert_string_equal(text_of(0), r.system);
	role_release(&r);
	check_fenced(text_of(1));
	assert_non_null(strstr(text_of(1), "Propose 2 experiments"));
	assert_non_null(strstr(text_of(1), "\n| answers before batch jobs\n"));
	assert_non_null(strstr(text_of(1), "\"experiments\""));
	/* The whole document, as data beside it. */
	res = json_path(json_at(messages(), 2), "content.resource");
	uri = mem_printf("schedkit://history/profile/%s", fix_profile->id);
	assert_string_equal(json_text_at(res, "uri"), uri);
	assert_string_equal(json_text_at(res, "mimeType"), "application/json");
	assert_string_equal(json_text_at(res, "text"), line);
	json_each (m, messages())
		assert_string_equal(json_text_at(m, "role"), "user");
	free(uri);
	free(line);
}

static void a_coder_finds_the_profile(void **state)
{
	(void)state;
	get("coder", one("policy", fix_policy->id));
	check_fenced(text_of(1));
	assert_non_null(strstr(text_of(1), "Write the code of this policy, "
					   "form \"hooks\""));
	/* What is there already is not what is asked for. */
	assert_null(strstr(text_of(1), "with line numbers"));
	assert_int_equal(json_len(messages()), 4);
}

static void a_fixer_finds_the_verdict(void **state)
{
	(void)state;
	get("fixer", one("policy", fix_policy->id));
	check_fenced(text_of(1));
	assert_non_null(strstr(text_of(1), "\n| compiler: no such kfunc\n"));
	assert_non_null(strstr(text_of(1), "with line numbers"));
	assert_int_equal(json_len(messages()), 4);
	get("fixer", two("policy", fix_policy->id, "verdict", fix_verdict->id));
	assert_non_null(strstr(text_of(1), "no such kfunc"));
}

static void the_others(void **state)
{
	(void)state;
	get("critic", one("policy", fix_policy->id));
	check_fenced(text_of(1));
	get("summariser", one("text", INJECTION));
	check_fenced(text_of(1));
	assert_int_equal(json_len(messages()), 2);
	get("declarer", one("wish", "builds must not disturb the editor"));
	assert_non_null(
		strstr(text_of(1), "\n| builds must not disturb the editor\n"));
}

/* ---- what is refused --------------------------------------------------- */

static void arguments_are_checked(void **state)
{
	char *nul = mem_zalloc(70000, 1);

	(void)state;
	get("Planner", json_object());
	expect_refused("no such prompt");
	get("../planner", json_object());
	expect_refused("no such prompt");
	get("planner", json_object());
	expect_refused("profile is missing");
	get("planner", one("profile", "../../x"));
	expect_refused("profile is not");
	get("planner", one("profile", "00000000"));
	expect_refused("has no profile 00000000");
	/* Of another kind. */
	get("planner", one("profile", fix_policy->id));
	expect_refused("has no profile");
	get("planner", two("profile", fix_profile->id, "count", "13"));
	expect_refused("count is not 1 to 12");
	get("planner", two("profile", fix_profile->id, "count", ""));
	expect_refused("count is not");
	get("planner", two("profile", fix_profile->id, "form", "hook"));
	expect_refused("form is none of");
	get("planner", two("profile", fix_profile->id, "count", "0"));
	expect_refused("count is not");
	get("planner", two("profile", fix_profile->id, "count", "3x"));
	expect_refused("count is not");
	get("planner",
	    two("profile", fix_profile->id, "count", "99999999999999999999"));
	expect_refused("count is not");
	get("planner", one("profile", "0123456789abcdef0123456789abcdef012345"
				      "6789abcdef0123456789abcdef0"));
	expect_refused("profile is not");
	get("summariser", one("text", ""));
	expect_refused("text is empty");
	get("planner", json_array());
	expect_refused("profile is missing");
	get("planner", two("profile", fix_profile->id, "wish", "a\nb"));
	expect_refused("control character");
	get("planner", two("profile", fix_profile->id, INJECTION, "x"));
	expect_refused("no argument of that name");
	assert_null(strstr(call.text, "Ignore"));
	get("critic", one("policy", "1"));
	expect_refused("policy is not");
	memset(nul, 'x', 69999);
	get("summariser", one("text", nul));
	expect_refused("text is empty");
	get("fixer", two("policy", fix_policy->id, "verdict", fix_profile->id));
	expect_refused("has no verdict");
	free(nul);
}

/* A policy of no profile, about which there is no verdict. */
static void what_the_history_does_not_say_is_asked_for(void **state)
{
	struct json *body = json_copy(fix_policy->body);
	struct doc *alone;
	const struct doc *docs[1];
	struct history *h;
	char *dir = history_dir(NULL);

	(void)state;
	json_set_string(body, "title", "alone");
	alone = fix_doc("policy", NULL, body);
	docs[0] = alone;
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(history_add(h, docs, 1), 1);
	history_close(h);
	free(dir);
	/* It is looked at anew. */
	steward_resources_close(&fix_steward);
	get("coder", one("policy", alone->id));
	expect_refused("give profile");
	get("fixer", one("policy", alone->id));
	expect_refused("or give verdict");
	get("coder", two("policy", alone->id, "profile", fix_profile->id));
	assert_int_equal(json_len(messages()), 4);
	get("critic", one("policy", alone->id));
	assert_int_equal(json_len(messages()), 3);
	doc_free(alone);
}

/* By its beginning, where that is of one. */
static void the_beginning_of_an_id_is_enough(void **state)
{
	char begin[9];

	(void)state;
	snprintf(begin, sizeof(begin), "%s", fix_profile->id);
	get("planner", one("profile", begin));
	assert_int_equal(json_len(messages()), 3);
	begin[3] = '\0';
	get("planner", one("profile", begin));
	expect_refused("profile is not");
}

static void no_string_is_refused(void **state)
{
	struct json *args = json_object();

	(void)state;
	json_set_number(args, "policy", 12345678);
	get("critic", args);
	expect_refused("policy is not a string");
}

/* ---- completion -------------------------------------------------------- */

static size_t complete(const char *prompt, const char *argument,
		       const char *typed)
{
	char *args = mem_printf("{\"value\":\"%s\"}", typed);

	fix_call(&call, prompt, args);
	call.argument = argument;
	steward_complete(&fix_steward, &call);
	assert_int_equal(call.answers, 1);
	free(args);
	return json_len(json_get(call.result, "values"));
}

static void arguments_are_completed(void **state)
{
	(void)state;
	assert_int_equal(complete("planner", "profile", ""), 1);
	assert_string_equal(json_text_at(call.result, "values.0"),
			    fix_profile->id);
	assert_int_equal(complete("fixer", "verdict", "zz"), 0);
	assert_int_equal(complete("planner", "form", "h"), 1);
	assert_string_equal(json_text_at(call.result, "values.0"), "hooks");
	assert_int_equal(complete("planner", "form", ""), 5);
	assert_int_equal(complete("planner", "wish", ""), 0);
	assert_int_equal(complete("planner", "nothing", ""), 0);
	assert_int_equal(complete("nobody", "profile", ""), 0);
	fix_hang_up(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_role_is_listed),
		cmocka_unit_test(a_planner_gets_the_profile),
		cmocka_unit_test(a_coder_finds_the_profile),
		cmocka_unit_test(a_fixer_finds_the_verdict),
		cmocka_unit_test(the_others),
		cmocka_unit_test(arguments_are_checked),
		cmocka_unit_test(no_string_is_refused),
		cmocka_unit_test(the_beginning_of_an_id_is_enough),
		cmocka_unit_test(arguments_are_completed),
		cmocka_unit_test(what_the_history_does_not_say_is_asked_for),
	};

	return cmocka_run_group_tests(tests, fix_open, fix_close);
}
