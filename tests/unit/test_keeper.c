/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What agents ask of their store: what it takes, what it refuses and in which
 * words, and which seals of the audit log are kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/keeper/keeper.h"
#include "agents/keeper/seal.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *dir;
static struct history *h;
static struct keeper *k;

static int fresh(void **state)
{
	/* Nobody waits for a disk where there is memory. */
	char memory[] = "/dev/shm/schedkit-keeper.XXXXXX";
	char disk[] = "/tmp/schedkit-keeper.XXXXXX";
	char *base = mkdtemp(memory);

	(void)state;
	if (!base)
		base = mkdtemp(disk);
	assert_non_null(base);
	dir = mem_printf("%s/history", base);
	if (history_open(dir, true, &h))
		fail_msg("%s", err_text());
	k = keeper_new(h);
	return 0;
}

static int away(void **state)
{
	(void)state;
	keeper_free(k);
	history_close(h);
	*strrchr(dir, '/') = '\0';
	temp_clear(dir);
	free(dir);
	return 0;
}

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s: %s", err_text(), text);
	return v;
}

/* The answer, the caller's. */
static struct json *ask(const char *agent, const char *payload)
{
	char *text = *agent ? mem_printf("{\"id\":1,\"agent\":\"%s\","
					 "\"payload\":%s}",
					 agent, payload)
			    : mem_printf("{\"id\":1,\"payload\":%s}", payload);
	struct json *request = parse(text), *v;

	keeper_answer(k, (const struct json *const *)&request, 1, &v);
	json_free(request);
	free(text);
	return v;
}

static void is_refused(const char *agent, const char *payload,
		       const char *errno_name, const char *words)
{
	struct json *v = ask(agent, payload);

	if (strcmp(json_text_at(v, "error.errno"), errno_name) ||
	    !strstr(json_text_at(v, "error.text"), words))
		fail_msg("%s: %s '%s', not %s '%s'", payload,
			 json_text_at(v, "error.errno"),
			 json_text_at(v, "error.text"), errno_name, words);
	assert_null(json_get(v, "result"));
	json_free(v);
}

static struct json *is_done(const char *agent, const char *payload)
{
	struct json *v = ask(agent, payload), *result;

	if (json_get(v, "error"))
		fail_msg("%s: %s", payload, json_text_at(v, "error.text"));
	result = json_copy(json_get(v, "result"));
	json_free(v);
	return result;
}

static void done(const char *agent, const char *payload)
{
	json_free(is_done(agent, payload));
}

/* ---- what is refused --------------------------------------------------- */

#define MEMORY(verb)  "{\"kind\":\"memory\",\"verb\":\"" verb "\""
#define STORAGE(verb) "{\"kind\":\"storage\",\"verb\":\"" verb "\""

static void what_is_no_request(void **state)
{
	static const struct {
		const char *agent, *payload, *name, *words;
	} rows[] = {
		{"", MEMORY("list") "}", "EINVAL", "lacks the text 'agent'"},
		{"a\\u0001", MEMORY("list") "}", "EINVAL", "agent's name"},
		{"schedkit-audit", MEMORY("list") "}", "EACCES",
		 "the runtime's own name"},
		{"a", "{}", "EINVAL", "'memory' or 'storage'"},
		{"a", "7", "EINVAL", "'memory' or 'storage'"},
		{"a", "null", "EINVAL", "'memory' or 'storage'"},
		{"a", MEMORY("forget") "}", "EINVAL", "memory has the verbs"},
		{"a", STORAGE("forget") "}", "EINVAL", "storage has the verbs"},
		{"a", MEMORY("add") "}", "EINVAL", "lacks the text 'text'"},
		{"a", MEMORY("add") ",\"text\":\"\"}", "EINVAL", "'text'"},
		{"a", MEMORY("add") ",\"text\":7}", "EINVAL", "'text'"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"tags\":\"x\"}", "EINVAL",
		 "'tags' has to be an array"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"tags\":[\"\"]}",
		 "EINVAL", "a text of 1 to 64 bytes"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"tags\":[7]}", "EINVAL",
		 "a text of 1 to 64 bytes"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"tags\":[\"" HEX "0\"]}",
		 "EINVAL", "a text of 1 to 64 bytes"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"features\":[]}",
		 "EINVAL", "'features' has to be an object"},
		{"a",
		 MEMORY("add") ",\"text\":\"t\",\"features\":{\"x\":\"7\"}}",
		 "EINVAL", "the feature 'x' is no number"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"about\":\"x\"}",
		 "EINVAL", "'x' is not 64"},
		{"a", MEMORY("add") ",\"text\":\"t\",\"about\":7}", "EINVAL",
		 "about"},
		{"a", MEMORY("search") "}", "EINVAL", "search for what?"},
		{"a", MEMORY("search") ",\"text\":\"\",\"features\":{}}",
		 "EINVAL", "search for what?"},
		{"a", MEMORY("search") ",\"features\":[]}", "EINVAL",
		 "'features' has to be"},
		{"a", MEMORY("list") ",\"max\":0}", "EINVAL",
		 "'max' has to be a whole number from 1 to 1000"},
		{"a", MEMORY("list") ",\"max\":1001}", "EINVAL", "'max'"},
		{"a", MEMORY("list") ",\"max\":1.5}", "EINVAL", "'max'"},
		{"a", MEMORY("list") ",\"max\":\"7\"}", "EINVAL", "'max'"},
		{"a", MEMORY("get") "}", "EINVAL", "lacks the text 'id'"},
		{"a", MEMORY("get") ",\"id\":\"abc\"}", "EINVAL",
		 "at least 4 hexadecimal digits"},
		{"a", MEMORY("get") ",\"id\":\"ABCD\"}", "EINVAL",
		 "hexadecimal digits"},
		{"a", MEMORY("get") ",\"id\":\"abcd\"}", "ENOENT",
		 "'a' has no note 'abcd'"},
		{"a", MEMORY("share") ",\"id\":\"abcd\",\"with\":\"b\"}",
		 "ENOENT", "of its own"},
		{"a", MEMORY("share") ",\"all\":true}", "EINVAL",
		 "lacks the text 'with'"},
		{"a",
		 MEMORY("share") ",\"all\":true,\"with\":\"b\",\"expires_s\":0}",
		 "EINVAL", "'expires_s' has to be 1 to"},
		{"a",
		 MEMORY("share") ",\"all\":true,\"with\":\"b\","
				 "\"expires_s\":1e11}",
		 "EINVAL", "'expires_s'"},
		{"a",
		 MEMORY("unshare") ",\"all\":true,\"with\":\"b\","
				   "\"expires_s\":\"x\"}",
		 "EINVAL", "'expires_s'"},
		{"a", STORAGE("put") ",\"name\":\"f\",\"after\":-2}", "EINVAL",
		 "'after'"},
		{"a", STORAGE("get") "}", "EINVAL", "lacks the text 'name'"},
		{"a", STORAGE("get") ",\"name\":\"f\"}", "ENOENT", ""},
		{"a", STORAGE("get") ",\"name\":\"f\",\"owner\":\"b\"}",
		 "EACCES", "'b' shares no file 'f' with 'a'"},
		{"a", STORAGE("get") ",\"name\":\"f\",\"version\":-1}",
		 "EINVAL", "'version'"},
		{"a", STORAGE("log") ",\"name\":\"f\",\"max\":0}", "EINVAL",
		 "'max'"},
		{"a", STORAGE("list") ",\"max\":0}", "EINVAL", "'max'"},
		{"a", STORAGE("rollback") ",\"name\":\"f\"}", "EINVAL",
		 "lacks the number 'version'"},
		{"a", STORAGE("rollback") ",\"name\":\"f\",\"version\":0}",
		 "EINVAL", "'version'"},
		{"a", STORAGE("share") ",\"name\":\"f\"}", "EINVAL",
		 "lacks the text 'with'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		is_refused(rows[i].agent, rows[i].payload, rows[i].name,
			   rows[i].words);
}

static void what_is_too_much(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4 << 20);
	buf_puts(&b, MEMORY("add") ",\"text\":\"");
	for (unsigned i = 0; i <= KEEPER_TEXT_MAX; i++)
		buf_puts(&b, "x");
	buf_puts(&b, "\"}");
	is_refused("a", b.data, "EFBIG", "a note has at most 65536 bytes");
	buf_reset(&b);
	buf_puts(&b, MEMORY("add") ",\"text\":\"t\",\"tags\":[\"x\"");
	for (int i = 0; i < KEEPER_TAGS_MAX; i++)
		buf_puts(&b, ",\"x\"");
	buf_puts(&b, "]}");
	is_refused("a", b.data, "EINVAL", "at most 32 words");
	buf_reset(&b);
	buf_puts(&b, MEMORY("add") ",\"text\":\"t\",\"features\":{\"x\":1");
	for (int i = 0; i < KEEPER_FEATURES_MAX; i++)
		buf_printf(&b, ",\"x%d\":1", i);
	buf_puts(&b, "}}");
	is_refused("a", b.data, "EINVAL", "at most 64 numbers");
	buf_release(&b);
}

/* ---- notes ------------------------------------------------------------- */

static size_t notes_of(const char *agent, const char *payload)
{
	struct json *v = is_done(agent, payload);
	size_t n = json_len(json_get(v, "notes"));

	json_free(v);
	return n;
}

static void notes_are_ones_own(void **state)
{
	struct json *v = is_done("a", MEMORY("add") ",\"text\":\"one fish\","
						    "\"tags\":[\"x\"],"
						    "\"features\":{\"f\":1}}");
	char *get = mem_printf(MEMORY("get") ",\"id\":\"%s\"}",
			       json_text_at(v, "id"));
	char *share = mem_printf(MEMORY("share") ",\"id\":\"%s\",\"with\":"
						 "\"b*\",\"expires_s\":1000}",
				 json_text_at(v, "id"));
	char *unshare = mem_printf(MEMORY("unshare") ",\"id\":\"%s\"}",
				   json_text_at(v, "id"));

	(void)state;
	assert_true(json_as_bool(json_get(v, "new"), false));
	json_free(v);
	v = is_done("a", MEMORY("add") ",\"text\":\"one fish\",\"tags\":"
				       "[\"x\"],\"features\":{\"f\":1}}");
	assert_false(json_as_bool(json_get(v, "new"), true));
	json_free(v);
	done("a", MEMORY("add") ",\"text\":\"two birds\"}");
	assert_int_equal(notes_of("a", MEMORY("list") "}"), 2);
	assert_int_equal(notes_of("a", MEMORY("list") ",\"max\":1}"), 1);
	assert_int_equal(notes_of("a", MEMORY("list") ",\"tag\":\"x\"}"), 1);
	assert_int_equal(notes_of("a", MEMORY("search") ",\"text\":\"fish\"}"),
			 1);
	assert_int_equal(
		notes_of("a", MEMORY("search") ",\"features\":{\"f\":2}}"), 1);
	done("a", get);
	/* Others see nothing of it until it is shared with them. */
	assert_int_equal(notes_of("b1", MEMORY("list") "}"), 0);
	is_refused("b1", get, "ENOENT", "'b1' has no note");
	is_refused("b1", share, "ENOENT", "of its own");
	v = is_done("a", share);
	assert_true(json_as_number(json_get(v, "until"), 0) > 0);
	json_free(v);
	assert_int_equal(notes_of("b1", MEMORY("list") "}"), 1);
	done("b1", get);
	is_refused("c", get, "ENOENT", "'c' has no note");
	done("a", unshare);
	assert_int_equal(notes_of("b1", MEMORY("list") "}"), 0);
	done("a", MEMORY("share") ",\"all\":true,\"with\":\"b1\"}");
	assert_int_equal(notes_of("b1", MEMORY("list") "}"), 2);
	free(get);
	free(share);
	free(unshare);
}

/* ---- files ------------------------------------------------------------- */

static void files_have_versions(void **state)
{
	struct json *v;

	(void)state;
	done("a", STORAGE("put") ",\"name\":\"f\",\"text\":\"one\"}");
	is_refused("a",
		   STORAGE("put") ",\"name\":\"f\",\"text\":\"x\",\"after\":0}",
		   "ESTALE", "another writer was first");
	done("a", STORAGE("put") ",\"name\":\"f\",\"text\":\"two\","
				 "\"after\":1}");
	v = is_done("a", STORAGE("get") ",\"name\":\"f\"}");
	assert_string_equal(json_text_at(v, "text"), "two");
	json_free(v);
	v = is_done("a", STORAGE("get") ",\"name\":\"f\",\"version\":1}");
	assert_string_equal(json_text_at(v, "text"), "one");
	json_free(v);
	is_refused("a", STORAGE("get") ",\"name\":\"f\",\"version\":9}",
		   "ENOENT", "");
	done("a", STORAGE("rollback") ",\"name\":\"f\",\"version\":1}");
	v = is_done("a", STORAGE("log") ",\"name\":\"f\",\"max\":2}");
	assert_int_equal(json_len(json_get(v, "versions")), 2);
	json_free(v);
	v = is_done("b", STORAGE("list") "}");
	assert_int_equal(json_len(json_get(v, "files")), 0);
	json_free(v);
	done("a", STORAGE("share") ",\"name\":\"f\",\"with\":\"b\"}");
	v = is_done("b", STORAGE("list") ",\"owner\":\"a\"}");
	assert_int_equal(json_len(json_get(v, "files")), 1);
	/* With whom else it is shared is not told. */
	assert_null(json_path(v, "files.0.shares"));
	json_free(v);
	v = is_done("a", STORAGE("list") "}");
	assert_string_equal(json_text_at(v, "files.0.shares.0.with"), "b");
	json_free(v);
	done("a", STORAGE("unshare") ",\"name\":\"f\",\"with\":\"b\"}");
	is_refused("b", STORAGE("get") ",\"name\":\"f\",\"owner\":\"a\"}",
		   "EACCES", "shares no file");
}

/* ---- seals ------------------------------------------------------------- */

static void what_is_no_seal(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"n\":1,\"hash\":\"" HEX "\",\"first\":\"" HEX "\"}",
		"{\"log\":\"l\",\"n\":0,\"hash\":\"" HEX "\",\"first\":\"" HEX
		"\"}",
		"{\"log\":\"l\",\"n\":1e300,\"hash\":\"" HEX
		"\",\"first\":\"" HEX "\"}",
		"{\"log\":\"l\",\"n\":1,\"hash\":\"short\",\"first\":\"" HEX
		"\"}",
		"{\"log\":\"l\",\"n\":1,\"hash\":\"" HEX "\",\"first\":\"x\"}",
		"{\"log\":\"l\",\"n\":1,\"hash\":\"" HEX "\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = mem_printf("{\"id\":1,\"seal\":%s}", rows[i]);
		struct json *request = parse(text), *v;

		keeper_answer(k, (const struct json *const *)&request, 1, &v);
		assert_string_equal(json_text_at(v, "error.errno"), "EINVAL");
		assert_non_null(strstr(json_text_at(v, "error.text"),
				       "no seal of an audit log"));
		json_free(v);
		json_free(request);
		free(text);
	}
}

/* The latest are all kept; of those before, every second one goes, and
 * never the first of all. */
static void which_seals_are_kept(void **state)
{
	struct rt_audit_mark *marks;
	struct json *request, *v;
	size_t n;

	(void)state;
	assert_int_equal(seals_of(h, "l", &marks, &n), 0);
	assert_int_equal(n, 0);
	free(marks);
	for (int i = 1; i <= 100; i++) {
		char *text = mem_printf(
			"{\"id\":1,\"seal\":{\"log\":\"l\",\"n\":%d,\"hash\":"
			"\"" HEX "\",\"first\":\"" HEX "\"}}",
			i);

		request = parse(text);
		keeper_answer(k, (const struct json *const *)&request, 1, &v);
		if (json_get(v, "error"))
			fail_msg("%s", json_text_at(v, "error.text"));
		json_free(v);
		json_free(request);
		free(text);
	}
	assert_int_equal(seals_of(h, "l", &marks, &n), 0);
	assert_true(n > 32 && n <= 65);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(marks[i].seal.n, 100 - i);
	assert_int_equal(marks[n - 1].seal.n, 1);
	for (size_t i = 1; i < n; i++)
		assert_true(marks[i].seal.n < marks[i - 1].seal.n);
	free(marks);
	/* Another log has none of them. */
	assert_int_equal(seals_of(h, "m", &marks, &n), 0);
	assert_int_equal(n, 0);
	free(marks);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_request), TEST(what_is_too_much),
		TEST(notes_are_ones_own), TEST(files_have_versions),
		TEST(what_is_no_seal),	  TEST(which_seals_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
