/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources of the MCP server, and what completes their arguments. */
#include <unistd.h>

#include "base/path.h"
#include "steward_fix.h"

#define NOT_FOUND (-32602)
#define FAILED	  (-32603)

static struct mcp_call call;

/* ---- reading ----------------------------------------------------------- */

static void read_uri(const char *uri)
{
	fix_call(&call, uri, "{}");
	steward_resources_call(&fix_steward, &call);
}

/* The one content that came. */
static const char *got(const char *type)
{
	const struct json *list = json_get(call.result, "contents");

	if (call.answers != 1 || !call.result)
		fail_msg("%s: %d %s", call.name, call.code, call.text);
	assert_int_equal(json_len(list), 1);
	assert_string_equal(json_text_at(list, "0.uri"), call.name);
	assert_string_equal(json_text_at(list, "0.mimeType"), type);
	return json_text_at(list, "0.text");
}

static void documents_come_as_they_are(void **state)
{
	struct doc *const docs[] = {fix_profile, fix_policy, fix_verdict,
				    fix_note};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
		char *uri = mem_printf("schedkit://history/%s/%s",
				       docs[i]->kind, docs[i]->id);
		char *line = doc_line(docs[i]);

		read_uri(uri);
		assert_string_equal(got("application/json"), line);
		free(line);
		free(uri);
	}
}

static void ids_may_be_cut_short(void **state)
{
	char *uri =
		mem_printf("schedkit://history/policy/%.8s", fix_policy->id);
	char *other = mem_printf("schedkit://history/plan/%s", fix_policy->id);

	(void)state;
	read_uri(uri);
	assert_non_null(strstr(got("application/json"), fix_policy->id));
	/* Of another kind it is another thing. */
	read_uri(other);
	assert_int_equal(call.code, NOT_FOUND);
	fix_hang_up(&call);
	free(other);
	free(uri);
}

static void the_log_is_newest_first(void **state)
{
	struct json *log;
	const char *text;

	(void)state;
	read_uri(WORLD_LOG);
	text = got("application/json");
	log = json_parse(text, strlen(text));
	assert_int_equal(json_len(json_get(log, "entries")), 4);
	assert_string_equal(json_text_at(log, "entries.0.kind"), "note");
	assert_string_equal(json_text_at(log, "entries.3.id"), fix_profile->id);
	/* What it names can be read. */
	assert_non_null(json_path(log, "entries.2.uri"));
	read_uri(json_text_at(log, "entries.2.uri"));
	assert_non_null(strstr(got("application/json"), fix_policy->id));
	json_free(log);
}

static void pages_come_as_text(void **state)
{
	const char *text;

	(void)state;
	read_uri("schedkit://man/sched-verify.1");
	text = got("text/plain");
	assert_int_equal(strncmp(text, "SCHED-VERIFY(1)\n\nNAME\n", 22), 0);
	assert_non_null(strstr(text, "\n    sched-verify [option ...]\n"));
	assert_non_null(strstr(text, "schedkit-verdict(5)"));
	assert_null(strstr(text, "\n."));
}

static void hostile_uris(void **state)
{
	static const char *const bad[] = {
		"",
		"schedkit:/status",
		"schedkit://",
		"schedkit://status/",
		"schedkit://status?x",
		"schedkit://STATUS",
		"SCHEDKIT://status",
		"http://status",
		"file:///etc/passwd",
		"schedkit://history",
		"schedkit://history/",
		"schedkit://history/log/x",
		"schedkit://history/error/0123456789",
		"schedkit://history/policy",
		"schedkit://history/policy/",
		"schedkit://history/policy/abc",
		"schedkit://history/policy/abcg",
		"schedkit://history/policy/ABCD",
		"schedkit://history/policy/0000/0000",
		"schedkit://history/policy/../policy/0000",
		"schedkit://history/../../../etc/passwd",
		"schedkit://history/policy/%2e%2e",
		"schedkit://history/policies/0123456789",
		"schedkit://history/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/0000",
		"schedkit://lesson/",
		"schedkit://lesson/0123456789",
		"schedkit://man/",
		"schedkit://man/..",
		"schedkit://man/../../../../etc/passwd",
		"schedkit://man/.1",
		"schedkit://man/ls.1",
		"schedkit://man/sched-verify",
		"schedkit://man/sched-verify.2",
		"schedkit://man/sched-nothing.1",
		"schedkit://man/man1/sched-verify.1",
		"schedkit://man/sched%2dverify.1",
		"schedkit://man/sched-verify.1\n",
		"schedkit://history//log",
		"schedkit://\xff\xfe",
	};
	char *end, longest[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		read_uri(bad[i]);
		if (call.answers != 1 || call.code != NOT_FOUND)
			fail_msg("'%s': %d", bad[i], call.code);
		assert_true(strlen(call.text) > 10);
		assert_non_null(json_get(call.error_data, "uri"));
	}
	/* A name of 65 digits, and one of thousands. */
	end = stpcpy(longest, "schedkit://history/policy/");
	memset(end, '0', 65);
	end[65] = '\0';
	read_uri(longest);
	assert_int_equal(call.code, NOT_FOUND);
	memset(end, '0', sizeof(longest) - 100);
	end[sizeof(longest) - 100] = '\0';
	read_uri(longest);
	assert_int_equal(call.code, NOT_FOUND);
	assert_int_equal(fix_hand.asked, 0);
}

static void the_huge_is_refused(void **state)
{
	struct json *body = json_object();
	char *text = mem_zalloc(WORLD_TEXT_MAX + 1, 1), *dir, *uri;
	struct history *h;
	struct doc *d;

	(void)state;
	memset(text, 'x', WORLD_TEXT_MAX);
	json_set_string(body, "text", text);
	d = fix_doc("note", NULL, body);
	dir = history_dir(NULL);
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(history_add(h, (const struct doc *const *)&d, 1), 1);
	history_close(h);
	uri = mem_printf("schedkit://history/note/%s", d->id);
	read_uri(uri);
	assert_int_equal(call.answers, 1);
	assert_int_equal(call.code, FAILED);
	assert_non_null(strstr(call.text, "history_show"));
	fix_hang_up(&call);
	free(uri);
	free(dir);
	doc_free(d);
	free(text);
}

/* ---- by a program ------------------------------------------------------ */

static void tell(const char *out, const char *words)
{
	struct steward_ended e = {
		.job = "1", .out = out, .out_len = strlen(out), .words = words};

	assert_non_null(fix_hand.done);
	fix_hand.done(fix_hand.arg, &e);
}

static void status_is_what_the_program_says(void **state)
{
	(void)state;
	read_uri(WORLD_STATUS);
	assert_int_equal(call.answers, 0);
	assert_string_equal(fix_hand.tool, "status");
	tell("{\"kind\":\"other\"}\n{\"kind\":\"note\"}\n", "");
	assert_string_equal(got("application/json"), "{\"kind\":\"note\"}");
	read_uri(WORLD_MACHINE);
	assert_string_equal(fix_hand.tool, "doctor");
	tell("\n", "sched-doctor: no");
	assert_int_equal(call.code, FAILED);
	assert_non_null(strstr(call.text, "sched-doctor: no"));
	fix_hand.refuse = 1;
	read_uri(WORLD_STATUS);
	fix_hand.refuse = 0;
	assert_int_equal(call.code, FAILED);
	assert_string_equal(call.text, "too many run");
}

static void who_hangs_up_is_not_answered(void **state)
{
	int before = fix_hand.forgotten;

	(void)state;
	read_uri(WORLD_STATUS);
	steward_resources_cancel(&fix_steward, &call);
	assert_int_equal(fix_hand.forgotten, before + 1);
	/* Nothing waits any more. */
	steward_resources_cancel(&fix_steward, &call);
	assert_int_equal(fix_hand.forgotten, before + 1);
	assert_int_equal(call.answers, 0);
	/* What still waits at the end is forgotten there. */
	read_uri(WORLD_STATUS);
	steward_resources_close(&fix_steward);
	assert_int_equal(fix_hand.forgotten, before + 2);
	assert_null(fix_steward.world);
}

/* ---- lists ------------------------------------------------------------- */

static void lists_hold_no_words_of_others(void **state)
{
	struct json *list =
		steward_resources_list(&fix_steward, MCP_RESOURCES, &fix_who);
	struct json *again =
		steward_resources_list(&fix_steward, MCP_RESOURCES, &fix_who);
	char *text = json_canonical(list), *same = json_canonical(again);

	(void)state;
	assert_string_equal(text, same);
	assert_null(strstr(text, "Ignore"));
	assert_non_null(strstr(text, "schedkit://man/schedkit.7"));
	assert_non_null(strstr(text, fix_policy->id));
	json_each (v, list) {
		/* All that is listed can be read. */
		read_uri(json_text_at(v, "uri"));
		if (call.answers)
			got(json_text_at(v, "mimeType"));
		else
			steward_resources_cancel(&fix_steward, &call);
		assert_true(*json_text_at(v, "name") &&
			    *json_text_at(v, "title") &&
			    *json_text_at(v, "description"));
	}
	free(same);
	free(text);
	json_free(again);
	json_free(list);
	list = steward_resources_list(&fix_steward, MCP_TEMPLATES, &fix_who);
	assert_int_equal(json_len(list), 3);
	json_each (v, list) {
		assert_true(*json_text_at(v, "uriTemplate"));
		assert_null(json_get(v, "uri"));
	}
	json_free(list);
}

static void how_long_it_may_be_kept(void **state)
{
	const char *scope;
	char *uri = mem_printf("schedkit://history/policy/%s", fix_policy->id);
	long ms;

	(void)state;
	steward_resources_keep(&fix_steward, uri, &ms, &scope);
	assert_true(ms > 3600000);
	assert_string_equal(scope, "private");
	uri[strlen(uri) - 1] = '\0';
	steward_resources_keep(&fix_steward, uri, &ms, &scope);
	assert_int_equal(ms, 0);
	steward_resources_keep(&fix_steward, "schedkit://man/sched.1", &ms,
			       &scope);
	assert_string_equal(scope, "public");
	steward_resources_keep(&fix_steward, WORLD_STATUS, &ms, &scope);
	assert_int_equal(ms, 0);
	steward_resources_keep(&fix_steward, NULL, &ms, &scope);
	assert_true(ms > 0);
	free(uri);
}

/* ---- watching ---------------------------------------------------------- */

static int changes;
static char changed_uri[64];

static void on_change(void *arg, const char *uri)
{
	(void)arg;
	changes++;
	snprintf(changed_uri, sizeof(changed_uri), "%s", uri);
}

static int watch(const char *uri, bool on)
{
	return steward_resources_watch(&fix_steward, &fix_who, uri, on);
}

static void record(const char *name)
{
	char *path = path_run(name);

	assert_int_equal(path_write_atomic(path, name, strlen(name)), 0);
	free(path);
}

static void a_change_is_told_once(void **state)
{
	double now = 1000;

	(void)state;
	changes = 0;
	fix_steward.opts.changed = on_change;
	assert_int_equal(watch(WORLD_STATUS, true), 0);
	steward_resources_tick(&fix_steward, now);
	assert_int_equal(changes, 0);
	record("deployment.json");
	/* Not more than once a second. */
	steward_resources_tick(&fix_steward, now + 0.5);
	assert_int_equal(changes, 0);
	steward_resources_tick(&fix_steward, now + 1.5);
	assert_int_equal(changes, 1);
	assert_string_equal(changed_uri, WORLD_STATUS);
	steward_resources_tick(&fix_steward, now + 3);
	assert_int_equal(changes, 1);
	/* Nobody watches, nobody is told; nor of what was before. */
	assert_int_equal(watch(WORLD_STATUS, false), 0);
	record("other.json");
	steward_resources_tick(&fix_steward, now + 5);
	assert_int_equal(watch(WORLD_STATUS, true), 0);
	steward_resources_tick(&fix_steward, now + 7);
	assert_int_equal(changes, 1);
	assert_int_equal(watch(WORLD_STATUS, false), 0);
}

static void the_log_can_be_watched(void **state)
{
	char *dir = history_dir(NULL);
	struct doc *d = fix_doc("note", NULL, fix_parse("{\"text\":\"new\"}"));
	struct history *h;

	(void)state;
	changes = 0;
	fix_steward.opts.changed = on_change;
	assert_int_equal(watch(WORLD_LOG, true), 0);
	steward_resources_tick(&fix_steward, 2000);
	assert_int_equal(changes, 0);
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(history_add(h, (const struct doc *const *)&d, 1), 1);
	history_close(h);
	steward_resources_tick(&fix_steward, 2002);
	assert_int_equal(changes, 1);
	assert_string_equal(changed_uri, WORLD_LOG);
	assert_int_equal(watch(WORLD_LOG, false), 0);
	/* The open repository sees what others recorded. */
	read_uri(WORLD_LOG);
	assert_non_null(strstr(got("application/json"), d->id));
	doc_free(d);
	free(dir);
}

static void what_can_be_watched(void **state)
{
	char *uri = mem_printf("schedkit://history/policy/%s", fix_policy->id);

	(void)state;
	assert_int_equal(watch(uri, true), 0);
	assert_int_equal(watch(uri, false), 0);
	assert_int_equal(watch("schedkit://man/sched.1", true), 0);
	assert_int_equal(watch("schedkit://man/sched-x.1", true), -ENOENT);
	assert_int_equal(watch("schedkit://history/plan/0000", true), -ENOENT);
	assert_int_equal(watch("schedkit://history/../x", true), -ENOENT);
	free(uri);
}

/* ---- completion -------------------------------------------------------- */

static const struct json *complete(const char *template, const char *argument,
				   const char *args)
{
	fix_call(&call, template, args);
	call.argument = argument;
	steward_complete(&fix_steward, &call);
	assert_int_equal(call.answers, 1);
	assert_non_null(call.result);
	return json_get(call.result, "values");
}

#define DOCUMENT "schedkit://history/{kind}/{id}"

static void templates_are_completed(void **state)
{
	const struct json *v;
	char *args;

	(void)state;
	v = complete(DOCUMENT, "kind", "{\"value\":\"p\"}");
	assert_int_equal(json_len(v), 3);
	assert_string_equal(json_text_at(v, "0"), "profile");
	assert_int_equal(
		json_len(complete(DOCUMENT, "kind", "{\"value\":\"error\"}")),
		0);
	v = complete(DOCUMENT, "id",
		     "{\"value\":\"\",\"context\":{\"kind\":"
		     "\"verdict\"}}");
	assert_int_equal(json_len(v), 1);
	assert_string_equal(json_text_at(v, "0"), fix_verdict->id);
	assert_int_equal(json_as_number(json_get(call.result, "total"), 0), 1);
	assert_false(json_as_bool(json_get(call.result, "hasMore"), true));
	args = mem_printf("{\"value\":\"%.5s\"}", fix_policy->id);
	v = complete(DOCUMENT, "id", args);
	assert_string_equal(json_text_at(v, "0"), fix_policy->id);
	free(args);
	v = complete("schedkit://man/{page}", "page",
		     "{\"value\":\"sched-ver\"}");
	assert_int_equal(json_len(v), 1);
	assert_string_equal(json_text_at(v, "0"), "sched-verify.1");
	assert_int_equal(json_len(complete("schedkit://lesson/{id}", "id",
					   "{\"value\":\"\"}")),
			 0);
	assert_int_equal(
		json_len(complete(DOCUMENT, "id", "{\"value\":\"../x\"}")), 0);
	assert_int_equal(
		json_len(complete(DOCUMENT, "none", "{\"value\":\"\"}")), 0);
	fix_hang_up(&call);
}

static void many_are_cut(void **state)
{
	enum { MANY = 130 };
	struct doc *docs[MANY];
	char *dir = history_dir(NULL);
	const struct json *v;
	struct history *h;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct json *body = json_object();

		json_set_number(body, "number", i);
		json_set_string(body, "text", "one of many");
		docs[i] = fix_doc("note", NULL, body);
	}
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(history_add(h, (const struct doc *const *)docs, MANY),
			 MANY);
	history_close(h);
	v = complete(DOCUMENT, "id",
		     "{\"value\":\"\",\"context\":{\"kind\":"
		     "\"note\"}}");
	assert_int_equal(json_len(v), 100);
	assert_string_equal(json_text_at(v, "0"), docs[MANY - 1]->id);
	assert_true(json_as_bool(json_get(call.result, "hasMore"), false));
	assert_null(json_get(call.result, "total"));
	fix_hang_up(&call);
	for (int i = 0; i < MANY; i++)
		doc_free(docs[i]);
	free(dir);
}

/* ---- without a history ------------------------------------------------- */

static void no_history_is_no_trouble(void **state)
{
	(void)state;
	steward_resources_close(&fix_steward);
	setenv("SCHEDKIT_HISTORY", "/nonexistent/history", 1);
	read_uri(WORLD_LOG);
	assert_string_equal(got("application/json"),
			    "{\"entries\":[],\"more\":false}");
	read_uri("schedkit://history/policy/0123456789");
	assert_int_equal(call.code, NOT_FOUND);
	assert_int_equal(json_len(complete(DOCUMENT, "id", "{\"value\":\"\"}")),
			 0);
	fix_hang_up(&call);
	unsetenv("SCHEDKIT_HISTORY");
	steward_resources_close(&fix_steward);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_come_as_they_are),
		cmocka_unit_test(ids_may_be_cut_short),
		cmocka_unit_test(the_log_is_newest_first),
		cmocka_unit_test(pages_come_as_text),
		cmocka_unit_test(hostile_uris),
		cmocka_unit_test(status_is_what_the_program_says),
		cmocka_unit_test(who_hangs_up_is_not_answered),
		cmocka_unit_test(lists_hold_no_words_of_others),
		cmocka_unit_test(how_long_it_may_be_kept),
		cmocka_unit_test(a_change_is_told_once),
		cmocka_unit_test(the_log_can_be_watched),
		cmocka_unit_test(what_can_be_watched),
		cmocka_unit_test(templates_are_completed),
		cmocka_unit_test(many_are_cut),
		cmocka_unit_test(the_huge_is_refused),
		cmocka_unit_test(no_history_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, fix_open, fix_close);
}
