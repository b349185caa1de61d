/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "doc/json.h"
#include "llm/secret.h"

#define KEY "Zx81-planted-key"

static void becomes(const char *text, const char *want)
{
	char *got = secret_scrub(text);

	assert_string_equal(got, want);
	free(got);
}

static int teardown(void **state)
{
	(void)state;
	secret_forget();
	return 0;
}

static void test_exact(void **state)
{
	const struct secret *s;

	(void)state;
	assert_int_equal(secret_learn("K", KEY, strlen(KEY), &s), 0);
	assert_string_equal(s->value, KEY);
	becomes("a" KEY "b " KEY, "a[secret]b [secret]");
	becomes("nothing of Zx81-planted-ke here",
		"nothing of Zx81-planted-ke here");
	becomes("", "");
	secret_forget();
	becomes(KEY, KEY);
}

/* The longer of two that begin alike goes as a whole. */
static void test_longest(void **state)
{
	(void)state;
	assert_int_equal(secret_learn("A", "abcdefgh", 8, NULL), 0);
	assert_int_equal(secret_learn("B", "abcdefghijkl", 12, NULL), 0);
	becomes("abcdefghijkl!", "[secret]!");
}

static void test_patterns(void **state)
{
	(void)state;
	becomes("key sk-proj-0123456789abcdefXYZ.", "key [secret]");
	becomes("Authorization: Bearer abcdefghijklmnop0123",
		"Authorization: Bearer [secret]");
	becomes("{\"x-api-key\":\"12345678\"}", "{\"x-api-key\":\"[secret]\"}");
	becomes("X-API-Key: 123456789\r\n", "X-API-Key: [secret]\r\n");
	becomes("api_key = 'abcdef0123456789'", "api_key = '[secret]'");
	becomes("a line\\nsk-0123456789abcdefgh", "a line\\n[secret]");
	/* Words of ours stay. */
	becomes("task-sk-buff, risk-taking-with-long-names and bearer of news",
		"task-sk-buff, risk-taking-with-long-names and bearer of news");
	becomes("the x-api-key header", "the x-api-key header");
}

static void test_json_stays_json(void **state)
{
	char *got;
	struct json *v;

	(void)state;
	assert_int_equal(secret_learn("K", KEY, strlen(KEY), NULL), 0);
	got = secret_scrub("{\"a\":\"" KEY "\",\"" KEY "\":1,\"b\":"
			   "\"Bearer abcdefghijklmnopq\"}");
	v = json_parse(got, strlen(got));
	assert_non_null(v);
	assert_null(strstr(got, KEY));
	json_free(v);
	free(got);
}

static void test_what_is_no_key(void **state)
{
	(void)state;
	assert_int_equal(secret_learn("K", "short", 5, NULL), -EINVAL);
	assert_non_null(strstr(err_text(), "at least 8"));
	assert_null(strstr(err_text(), "short"));
	assert_int_equal(secret_learn("K", "with a blank", 12, NULL), -EINVAL);
	assert_int_equal(secret_learn("K", "with\r\nline", 10, NULL), -EINVAL);
	assert_null(strstr(err_text(), "with"));
}

static void test_file(void **state)
{
	char path[] = "/tmp/test_secret.XXXXXX";
	int fd = mkstemp(path);
	const struct secret *s;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, KEY "\nmore\n", strlen(KEY) + 6),
			 (ssize_t)strlen(KEY) + 6);
	close(fd);
	assert_int_equal(secret_learn_file("F", path, &s), 0);
	assert_string_equal(s->value, KEY);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(secret_learn_file("F", path, &s), -EACCES);
	assert_non_null(strstr(err_text(), "chmod 600"));
	unlink(path);
	assert_int_equal(secret_learn_file("F", path, &s), -ENOENT);
	assert_int_equal(secret_learn_file("F", "/tmp", &s), -EACCES);
	assert_non_null(strstr(err_text(), "regular"));
}

static void test_message(void **state)
{
	(void)state;
	assert_int_equal(secret_learn("K", KEY, strlen(KEY), NULL), 0);
	err_set(EIO, "the endpoint says: %s is wrong", KEY);
	assert_int_equal(secret_scrub_err(-EIO), -EIO);
	assert_string_equal(err_text(), "the endpoint says: [secret] is wrong");
}

/* The bytes are gone too, which unsetenv(3) leaves where they are. */
static void test_environment(void **state)
{
	static char entry[] = "OPENAI_API_KEY=" KEY;

	(void)state;
	assert_int_equal(putenv(entry), 0);
	secret_clear_env();
	assert_null(getenv("OPENAI_API_KEY"));
	for (size_t i = strlen("OPENAI_API_KEY="); i < sizeof(entry); i++)
		assert_int_equal(entry[i], 0);
}

/* Linear time, also for a text of nothing but beginnings of keys. */
static void test_long(void **state)
{
	struct buf b;
	char *got;

	(void)state;
	buf_init(&b, 16 << 20);
	for (int i = 0; i < 400000; i++)
		buf_puts(&b, "Bearer sk- ");
	got = secret_scrub(b.data);
	assert_string_equal(got, b.data);
	free(got);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_exact, teardown),
		cmocka_unit_test_teardown(test_longest, teardown),
		cmocka_unit_test_teardown(test_patterns, teardown),
		cmocka_unit_test_teardown(test_json_stays_json, teardown),
		cmocka_unit_test_teardown(test_what_is_no_key, teardown),
		cmocka_unit_test_teardown(test_file, teardown),
		cmocka_unit_test_teardown(test_message, teardown),
		cmocka_unit_test_teardown(test_environment, teardown),
		cmocka_unit_test_teardown(test_long, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
