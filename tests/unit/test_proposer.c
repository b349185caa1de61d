/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the proposer decides without asking anybody. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

#define HYPOTHESIS "\"hypothesis\":{\"metric\":\"wall\",\"effect_pct\":5}"
#define COMMON(form)                                                       \
	"\"form\":\"" form "\",\"title\":\"t\",\"why\":\"w\",\"uses\":[]," \
	"\"knobs\":null,\"external\":null," HYPOTHESIS
#define PARAM(name, value) "{\"name\":\"" name "\",\"value\":" value "}"

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s: %s", err_text(), text);
	return v;
}

static const char *text_at(const struct json *v, const char *path)
{
	return json_as_string(json_path(v, path), "");
}

static const char *const profile_text =
	"{\"identities\":[{\"hash\":\"00000000000000aa\",\"execs\":2,"
	"\"run_us\":4000000,\"max_us\":3000000}]}";

/* The body of an experiment; NULL: refused. */
static struct json *body_of(const char *experiment)
{
	struct json *e = parse(experiment), *p = parse(profile_text), *b = NULL;
	int rc = body_of_experiment(e, p, &b);

	assert_int_equal(rc, b ? 0 : -EINVAL);
	json_free(e);
	json_free(p);
	return b;
}

static char *print_of(const char *experiment)
{
	struct json *b = body_of(experiment);
	char *out = mem_zalloc(1, DIGEST_HEX_LEN);

	assert_non_null(b);
	body_fingerprint(b, out);
	json_free(b);
	return out;
}

static void expect_same(bool same, const char *a, const char *b)
{
	char *x = print_of(a), *y = print_of(b);

	if (same != !strcmp(x, y))
		fail_msg("%s and %s", a, b);
	free(x);
	free(y);
}

/* ---- experiments ------------------------------------------------------ */

static void test_params(void **state)
{
	struct json *b = body_of("{" COMMON("params") ",\"params\":[" PARAM(
		"classify", "\"identity\"") "," PARAM("slice_us", "5000") "]}");

	(void)state;
	assert_non_null(b);
	assert_string_equal(text_at(b, "params.classify"), "identity");
	assert_true(json_as_number(json_path(b, "params.slice_us"), 0) == 5000);
	/* Known from the parameters, whatever the model said. */
	assert_string_equal(text_at(b, "uses.1"), "learned_identity");
	assert_true(json_as_number(json_path(b, "identities.0.expect_us"), 0) ==
		    2000000);
	assert_int_equal(doc_check("policy", b), 0);
	json_free(b);
}

/* A list that would take a minute to look up, and effects beyond all that a
 * measurement could tell. */
static void test_beyond_all_measure(void **state)
{
	static const double effects[] = {1e308, -1e308, 100001};
	struct json *e = parse("{" COMMON("params") ",\"params\":[]}");
	struct json *b = NULL, *params = json_set(e, "params", json_array());

	(void)state;
	for (int i = 0; i < 100000; i++)
		json_set_number(json_add(params, json_object()), "value", i);
	assert_int_equal(body_of_experiment(e, NULL, &b), -EINVAL);
	assert_non_null(strstr(err_text(), "100000"));
	json_set(e, "params", json_array());
	assert_int_equal(body_of_experiment(e, NULL, &b), 0);
	json_free(b);
	for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
		struct json *h = json_set(e, "hypothesis", json_object());

		json_set_number(h, "effect_pct", effects[i]);
		json_set_string(h, "metric", "wall");
		assert_int_equal(body_of_experiment(e, NULL, &b), -EINVAL);
	}
	json_free(e);
}

static void test_what_an_experiment_must_say(void **state)
{
	static const char *const bad[] = {
		"{" COMMON("params") ",\"params\":null}",
		"{" COMMON("hooks") ",\"task\":null}",
		"{" COMMON("source") "}",
		"{" COMMON("knobs") "}",
		"{" COMMON("external") "}",
		"{" COMMON("magic") ",\"params\":[]}",
		"{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
		"\"params\":[]}",
		"{" COMMON("params") ",\"params\":[{\"name\":\"order\","
				     "\"value\":{\"deep\":1}}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (body_of(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void test_nothing_of_other_forms_comes_along(void **state)
{
	struct json *b = body_of(
		"{\"form\":\"knobs\",\"title\":\"t\",\"why\":\"w\",\"uses\":"
		"[\"declared_intent\",\"magic\"],\"task\":\"x\","
		"\"params\":[" PARAM(
			"slice_us",
			"1") "],"
			     "\"external\":{\"program\":\"x\",\"flags\":[]},"
			     "\"knobs\":[{\"match\":null,\"nice\":5}]"
			     "," HYPOTHESIS "}");

	(void)state;
	assert_non_null(b);
	assert_null(json_get(b, "params"));
	assert_null(json_get(b, "external"));
	assert_null(json_get(b, "task"));
	assert_null(json_path(b, "knobs.0.match"));
	assert_int_equal(json_len(json_get(b, "uses")), 1);
	json_free(b);
}

/* ---- what makes two of them one --------------------------------------- */

#define POINT(list) "{" COMMON("params") ",\"params\":[" list "]}"

static void test_equal_points(void **state)
{
	(void)state;
	/* Where slices are fixed no class has one. */
	expect_same(true, POINT(""),
		    POINT(PARAM("slice_interactive_us", "7000")));
	expect_same(true, POINT(PARAM("slice_us", "20000")), POINT(""));
	expect_same(false, POINT(""), POINT(PARAM("slice_us", "7000")));
	expect_same(false, POINT(PARAM("slice_us", "1")),
		    POINT(PARAM("slice_us", "2")));
}

static void code_print(const char *code, char out[static DIGEST_HEX_LEN])
{
	struct json *b = json_object();

	json_set_string(b, "form", "source");
	json_set_string(b, "code", code);
	body_fingerprint(b, out);
	json_free(b);
}

static void expect_code(bool same, const char *a, const char *b)
{
	char x[DIGEST_HEX_LEN], y[DIGEST_HEX_LEN];

	code_print(a, x);
	code_print(b, y);
	if (same != !strcmp(x, y))
		fail_msg("'%s' and '%s'", a, b);
}

static void test_equal_code(void **state)
{
	(void)state;
	expect_code(true, "int f(void)\n{\n\treturn 1;\n}\n",
		    "int  f( void ) { return 1; } // yes");
	expect_code(true, "a /* b\n */ c", "a c");
	expect_code(true, "\"x\" y", "\"x\"y");
	expect_code(false, "\"a  b\"", "\"a b\"");
	expect_code(false, "\"/* a */\"", "\"\"");
	expect_code(false, "int a;", "inta;");
	expect_code(false, "a - -b", "a--b");
	expect_code(false, "a - > b", "a->b");
	expect_code(true, "if (a) { b(c[0]); }", "if(a){b( c[ 0 ] ) ;}");
	expect_code(true, "#define A 1\nint x;", "#define  A  1\n\n int x;");
	expect_code(false, "#define A 1\nint x;", "#define A 1 int x;");
	expect_code(false, "x = 1;", "x = 2;");
	expect_code(true, "'\"' /* \" */ z", "'\"' z");
	/* What ends too early is not read past its end. */
	expect_code(true, "a /* b", "a");
	expect_code(false, "a \"b", "a");
	expect_code(false, "a \"b\\", "a");
}

/* ---- the fixer -------------------------------------------------------- */

/* The code that body_fix() answers; *out is the new body or NULL. */
static int fix(const char *body, const char *answer, struct json **out)
{
	struct json *b = parse(body), *a = parse(answer), *p;
	int rc;

	p = parse(profile_text);
	*out = NULL;
	rc = body_fix(b, a, p, out);
	json_free(b);
	json_free(a);
	json_free(p);
	return rc;
}

#define BODY(form, rest)                                                   \
	"{\"form\":\"" form "\",\"title\":\"t\",\"why\":\"w\",\"uses\":[]" \
	"," rest "}"

static void test_numbers_change(void **state)
{
	struct json *b;

	(void)state;
	assert_int_equal(
		fix(BODY("params", "\"params\":{\"order\":\"longest\","
				   "\"slice_us\":5}"),
		    "{\"code\":null,\"params\":[" PARAM(
			    "order", "\"longest\"") "," PARAM("slice_us",
							      "5000") "]}",
		    &b),
		0);
	assert_true(json_as_number(json_path(b, "params.slice_us"), 0) == 5000);
	json_free(b);
}

static void test_the_idea_stays(void **state)
{
	static const char *const body =
		BODY("params", "\"params\":{\"order\":\"longest\"}");
	struct json *b;

	(void)state;
	assert_int_equal(
		fix(body, "{\"params\":[" PARAM("order", "\"fifo\"") "]}", &b),
		-EPERM);
	/* What is left out has its default: another order, too. */
	assert_int_equal(
		fix(body, "{\"params\":[" PARAM("slice_us", "5000") "]}", &b),
		-EPERM);
	assert_int_equal(fix(body, "{\"code\":\"int x;\"}", &b), -EPERM);
	assert_int_equal(fix(body, "{\"knobs\":[{\"nice\":1}]}", &b), -EPERM);
	assert_int_equal(fix(body, "{\"form\":\"source\"}", &b), -EPERM);
	assert_null(b);
}

static void test_a_wrong_choice_may_be_mended(void **state)
{
	struct json *b;

	(void)state;
	assert_int_equal(fix(BODY("params", "\"params\":{\"order\":\"lifo\"}"),
			     "{\"params\":[" PARAM("order", "\"fifo\"") "]}",
			     &b),
			 0);
	json_free(b);
}

static void test_code_is_replaced(void **state)
{
	struct json *b;

	(void)state;
	assert_int_equal(fix(BODY("source", "\"code\":\"old\""),
			     "{\"code\":\"new\",\"params\":null,\"knobs\":[]}",
			     &b),
			 0);
	assert_string_equal(text_at(b, "code"), "new");
	json_free(b);
	assert_int_equal(fix(BODY("source", "\"code\":\"old\""),
			     "{\"params\":[" PARAM("slice_us", "5000") "]}",
			     &b),
			 -EPERM);
}

static void test_long_code_is_refused(void **state)
{
	size_t n = 300000;
	char *code = mem_zalloc(n + 1, 1), *answer;
	struct json *b;

	(void)state;
	memset(code, 'x', n);
	answer = mem_printf("{\"code\":\"%s\"}", code);
	assert_int_equal(fix(BODY("source", "\"code\":\"old\""), answer, &b),
			 -EINVAL);
	free(code);
	free(answer);
}

/* ---- findings and transcripts ----------------------------------------- */

static void test_findings_are_short(void **state)
{
	struct json *v = parse("{\"stages\":[{\"name\":\"lint\",\"status\":"
			       "\"passed\",\"findings\":[{\"rule\":\"a\","
			       "\"text\":\"b\"}]}]}"),
		    *list, *stage = json_object(), *many = json_array();
	char *words = mem_zalloc(5001, 1);

	(void)state;
	memset(words, 'w', 5000);
	for (int i = 0; i < 50; i++) {
		struct json *f = json_add(many, json_object());

		json_set_string(f, "rule", "r");
		json_set_string(f, "file", "/a/b/policy.c");
		json_set_number(f, "line", i);
		json_set_string(f, "text", words);
	}
	json_set_string(stage, "name", "build");
	json_set_string(stage, "status", "failed");
	json_set(stage, "findings", many);
	json_add((struct json *)json_get(v, "stages"), stage);
	list = findings_of(v);
	assert_int_equal(json_len(list), FINDINGS_MAX);
	assert_string_equal(text_at(list, "0.file"), "policy.c");
	assert_int_equal(strlen(text_at(list, "3.text")), FINDING_TEXT);
	assert_true(json_as_number(json_path(list, "3.line"), 0) == 3);
	free(words);
	json_free(list);
	json_free(v);
}

static void test_a_transcript_has_a_limit(void **state)
{
	struct talk t = {.entries = json_array()};
	char *words = mem_zalloc(8001, 1), *text;
	struct json *out;

	(void)state;
	memset(words, 'w', 8000);
	for (int i = 0; i < 100; i++) {
		struct json *e = json_add(t.entries, json_object());

		json_set_string(e, "role", "coder");
		json_set_string(e, "messages", words);
		json_set_number(e, "answer", i);
	}
	out = talk_transcript(&t);
	text = json_canonical(out);
	assert_true(strlen(text) <= TALK_TRANSCRIPT);
	/* The newest are whole. */
	assert_non_null(json_path(out, "99.messages"));
	assert_null(json_path(out, "0.messages"));
	assert_true(json_as_number(json_path(out, "0.answer"), -1) == 0);
	free(text);
	free(words);
	json_free(out);
	talk_release(&t);
}

/* ---- drafts between processes ----------------------------------------- */

static struct draft a_draft(enum draft_state state)
{
	struct draft d = {.state = state, .climbs = 3, .turns = 2};

	d.body = body_of("{" COMMON("params") ",\"params\":[]}");
	body_fingerprint(d.body, d.fingerprint);
	d.talk.entries = parse("[{\"role\":\"coder\"}]");
	d.talk.accounts = parse("{\"coder\":{\"calls\":1}}");
	d.talk.model = mem_strdup("m");
	d.metric = mem_strdup("wall");
	d.ratio = 1.25;
	d.seeds = 5;
	if (state > DRAFT_ACCEPTED)
		d.why = mem_strdup("given up: no");
	return d;
}

static void test_a_draft_goes_over(void **state)
{
	static const enum draft_state states[] = {DRAFT_OPEN, DRAFT_ACCEPTED,
						  DRAFT_DEAD, DRAFT_DROPPED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct draft d = a_draft(states[i]), back;
		struct json *v = draft_json(&d), *again;
		char *a, *b;

		assert_int_equal(draft_take(v, &back), 0);
		assert_int_equal(back.state, states[i]);
		assert_int_equal(back.climbs, 3);
		assert_true(back.ratio == 1.25);
		again = draft_json(&back);
		a = json_canonical(v);
		b = json_canonical(again);
		assert_string_equal(a, b);
		free(a);
		free(b);
		json_free(v);
		json_free(again);
		draft_release(&d);
		draft_release(&back);
	}
}

/* Its process read what a model wrote: what it says is looked at. */
static void test_what_is_no_draft(void **state)
{
	static const struct {
		const char *key, *value;
	} bad[] = {
		{"state", "\"signed\""}, {"state", "\"dead\""},
		{"state", "null"},	 {"body", "null"},
		{"body", "[]"},		 {"body", "{\"form\":\"params\"}"},
		{"fingerprint", "\"\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct draft d = a_draft(DRAFT_ACCEPTED), back;
		struct json *v = draft_json(&d);

		json_set(v, bad[i].key, parse(bad[i].value));
		if (draft_take(v, &back) != -EBADMSG)
			fail_msg("taken: %s %s", bad[i].key, bad[i].value);
		json_free(v);
		draft_release(&d);
	}
	assert_int_equal(draft_take(NULL, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_beyond_all_measure),
		cmocka_unit_test(test_what_an_experiment_must_say),
		cmocka_unit_test(test_nothing_of_other_forms_comes_along),
		cmocka_unit_test(test_equal_points),
		cmocka_unit_test(test_equal_code),
		cmocka_unit_test(test_numbers_change),
		cmocka_unit_test(test_the_idea_stays),
		cmocka_unit_test(test_a_wrong_choice_may_be_mended),
		cmocka_unit_test(test_code_is_replaced),
		cmocka_unit_test(test_long_code_is_refused),
		cmocka_unit_test(test_findings_are_short),
		cmocka_unit_test(test_a_transcript_has_a_limit),
		cmocka_unit_test(test_a_draft_goes_over),
		cmocka_unit_test(test_what_is_no_draft),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
