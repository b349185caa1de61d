/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys, statements and revocations that are not of the form they should be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"
#include "trust/statement.h"
#include "trust_fix.h"

#define NOW  1800000000 /* some day in 2027 */
#define DAY  86400
#define HEX8 "0123abcd"
#define HEX7 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8
#define SHA  HEX7 HEX8

static void says(const char *words)
{
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in: %s", words, err_text());
}

/* ---- keys --------------------------------------------------------------- */

#define MADE "2026-01-02T03:04:05Z"

/* A line of a key with this in it, embedded zeros and all. */
static void test_lines(void **state)
{
	static const struct {
		const char *key, *made, *expires;
		size_t key_len; /* 0: all of it */
		const char *words;
	} rows[] = {
		{SHA, MADE, "never", 0, NULL},
		{SHA, MADE, MADE, 0, NULL},
		{SHA "0", MADE, "never", 0, "line 2"},
		{HEX7 "0123abc", MADE, "never", 0, "line 2"},
		{HEX7 "0123abcD", MADE, "never", 0, "line 2"},
		{HEX7 "0123abcg", MADE, "never", 0, "line 2"},
		{HEX7 "0123abc\0", MADE, "never", 64, "line 2"},
		{"\0" HEX7 "0123abc", MADE, "never", 64, "line 2"},
		{"", MADE, "never", 0, "line 2"},
		{SHA, MADE "0", "never", 0, "line 3"},
		{SHA, "", "never", 0, "line 3"},
		{SHA, "2026-01-02T03:04:0xZ", "never", 0, "line 3"},
		{SHA, "2026-01-02 03:04:05Z", "never", 0, "line 3"},
		{SHA, "2026-01-02T03:04:05", "never", 0, "line 3"},
		{SHA, MADE, "", 0, "line 4"},
		{SHA, MADE, "never ", 0, "line 4"},
		{SHA, MADE, "2026-01-02T03:04:05z", 0, "line 4"},
		{SHA, MADE, MADE " and some more than fits", 0, "line 4"},
	};
	struct sign_key *key;
	struct key_info k;

	(void)state;
	for (int secret = 0; secret < 2; secret++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			size_t n = rows[i].key_len ? rows[i].key_len
						   : strlen(rows[i].key);
			struct buf b;
			int rc;

			buf_init(&b, 4096);
			buf_printf(&b, "schedkit %s key 1\n%s ",
				   secret ? "secret" : "public",
				   secret ? "seed" : "key");
			buf_add(&b, rows[i].key, n);
			buf_printf(&b, "\nmade %s\nexpires %s\n", rows[i].made,
				   rows[i].expires);
			rc = secret ? key_parse_private(b.data, b.len, &k, &key)
				    : key_parse_public(b.data, b.len, &k);
			if (rc != (rows[i].words ? -EBADMSG : 0))
				fail_msg("row %zu: %d", i, rc);
			if (rc)
				says(rows[i].words);
			else
				assert_string_equal(k.expires, rows[i].expires);
			if (secret) {
				assert_int_equal(key != NULL, !rc);
				sign_key_free(key);
			}
			buf_release(&b);
		}
}

static void test_expiry(void **state)
{
	static const struct {
		const char *expires;
		bool over;
	} rows[] = {{"2027-01-15T08:00:00Z", false}, /* that second is NOW */
		    {"2027-01-15T07:59:59Z", true},
		    {"2027-01-15T08:00:01Z", false},
		    {KEY_NEVER, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key_info k = {0};

		strcpy(k.expires, rows[i].expires);
		assert_int_equal(key_expired(&k, NOW), rows[i].over);
	}
}

/* ---- folders ------------------------------------------------------------ */

static char dir[40];

static int fresh(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/schedkit-trust.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int away(void **state)
{
	(void)state;
	temp_clear(dir);
	return 0;
}

static char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void put(const char *name, const char *text, size_t len)
{
	char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	chmod(path, 0644);
	free(path);
}

static int add_folder(void)
{
	struct trust *t = trust_new();
	int rc = trust_add_folder(t, dir);

	if (!rc)
		assert_int_equal(trust_count(t), 0);
	trust_free(t);
	return rc;
}

/* What is no file of a key is none, or is refused. */
static void test_folders(void **state)
{
	char *path = in_dir("revoked"), *many = mem_zalloc(4097, 1);
	struct trust *t = trust_new();
	struct strs names = {0};
	struct key_info k = {0};
	struct sign_key *key;

	(void)state;
	put("notes", "x", 1);
	put(".pub", "x", 1);
	put(".hidden.pub", "x", 1);
	put(".hidden.key", "x", 1);
	put("x.pub.old", "x", 1);
	assert_int_equal(add_folder(), 0);
	assert_int_equal(key_names(dir, &names), 0);
	assert_int_equal(names.len, 0);
	/* Nothing is revoked by a file that says nothing. */
	put("revoked", "", 0);
	assert_int_equal(add_folder(), 0);
	put("revoked", "\n\n#\n", 4);
	assert_int_equal(add_folder(), 0);
	unlink(path);
	/* A folder or a pipe is no such file. */
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(add_folder(), -EACCES);
	says("not a regular file");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(add_folder(), -EACCES);
	unlink(path);
	/* A link to nowhere is no file that is there. */
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(add_folder(), 0);
	unlink(path);
	free(path);
	/* As large as a key can never be. */
	memset(many, 'x', 4096);
	put("big.pub", many, 4095);
	assert_int_equal(add_folder(), -EBADMSG);
	says("line 1");
	put("big.pub", many, 4096);
	assert_int_equal(add_folder(), -EBADMSG);
	says("too large");
	free(many);
	/* A file in the folder's place. */
	path = in_dir("notes");
	assert_int_equal(trust_add_folder(t, path), -ENOTDIR);
	assert_int_equal(key_names(path, &names), -ENOTDIR);
	assert_int_equal(key_open(path, "k", &k, &key), -ENOTDIR);
	free(path);
	path = in_dir("nowhere");
	assert_int_equal(trust_add_folder(t, path), 0);
	assert_int_equal(key_names(path, &names), 0);
	assert_int_equal(key_open(path, "k", &k, &key), -ENOENT);
	free(path);
	trust_free(t);
}

static void test_names(void **state)
{
	char name[KEY_NAME_MAX + 2];
	struct strs names = {0};
	struct key_info k;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[KEY_NAME_MAX + 1] = '\0';
	assert_int_equal(key_make(dir, name, 0, &k), -EINVAL);
	name[KEY_NAME_MAX] = '\0';
	assert_int_equal(key_make(dir, name, NOW, &k), 0);
	assert_string_equal(k.expires, "2027-01-15T08:00:00Z");
	free(k.path);
	assert_int_equal(key_make(dir, "0.a_b-c", 0, &k), 0);
	free(k.path);
	assert_int_equal(key_make(dir, "_", 0, &k), -EINVAL);
	assert_int_equal(key_names(dir, &names), 0);
	assert_int_equal(names.len, 2);
	assert_string_equal(names.v[0], "0.a_b-c");
	assert_string_equal(names.v[1], name);
	strs_release(&names);
}

/* ---- revocations -------------------------------------------------------- */

static void test_revoking(void **state)
{
	static const struct {
		const char *what, *id;
	} bad[] = {
		{"kez", SHA},
		{"", SHA},
		{"keys", SHA},
		{"key ", SHA},
		{"key", ""},
		{"key", SHA "0"},
		{"key", HEX7 "0123abc"},
		{"key", HEX7 "0123ABCD"},
		{"key", SHA " why"},
		{"key", SHA "\nkey " SHA},
		{"key", "#"},
	};
	struct trust *t = trust_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (trust_revoke(dir, bad[i].what, bad[i].id) != -EINVAL)
			fail_msg("row %zu is taken", i);
	assert_int_equal(trust_revoke(dir, "policy", SHA), 0);
	assert_int_equal(trust_revoke(dir, "verdict", SHA), 0);
	assert_int_equal(trust_add_folder(t, dir), 0);
	assert_non_null(trust_revoked(t, "policy", SHA));
	assert_non_null(trust_revoked(t, "verdict", SHA));
	assert_null(trust_revoked(t, "key", SHA));
	trust_free(t);
}

/* A line that is none makes the whole of it none. */
static void test_revoked_lines(void **state)
{
	static const struct {
		const char *text;
		const char *words; /* NULL: it is good, and revokes a key */
		const char *why;
	} rows[] = {
		{"key " SHA "\n", NULL, "no reason is given"},
		{"key " SHA " \n", NULL, "no reason is given"},
		{"key " SHA " x\n", NULL, "x"},
		{"key " SHA "  x\n", NULL, " x"},
		{"key\t" SHA "\n", "line 1", NULL},
		{"key " SHA "\tx\n", "line 1", NULL},
		{"key " SHA "\r\n", "line 1", NULL},
		{" key " SHA "\n", "line 1", NULL},
		{"key  " SHA "\n", "line 1", NULL},
		{"key " HEX7 "0123abcD\n", "line 1", NULL},
		{"key " HEX7 "0123abc\n", "line 1", NULL},
		{"#\nkey\n", "line 2", NULL},
		{"\n\npolicy " HEX7 "\n", "line 3", NULL},
		{"key " SHA "\n ", "line 2 does not end", NULL},
		{"key " SHA "\n#", "line 2 does not end", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct trust *t = trust_new();
		int rc = trust_parse_revoked(t, rows[i].text,
					     strlen(rows[i].text));

		if (rc != (rows[i].words ? -EBADMSG : 0))
			fail_msg("row %zu: %d", i, rc);
		if (rc)
			says(rows[i].words);
		else
			assert_string_equal(trust_revoked(t, "key", SHA),
					    rows[i].why);
		trust_free(t);
	}
}

/* ---- statements --------------------------------------------------------- */

static struct sign_key *key;

static struct doc *policy_of(const char *form, const char *rest)
{
	char *text = mem_printf("{\"form\":\"%s\",\"title\":\"t\",\"why\":"
				"\"w\",\"uses\":[],%s}",
				form, rest);
	struct doc *d = doc_new("policy", "test",
				json_parse(text, strlen(text)), NULL, 0);

	free(text);
	if (!d)
		fail_msg("%s", err_text());
	return d;
}

static struct json *verdict_of(const struct doc *policy)
{
	struct json *v = json_object();

	json_set_string(v, "policy", policy->id);
	json_set_string(v, "workload", "w");
	json_set_string(v, "decision", "accepted");
	json_set_string(v, "target", "vm");
	json_set_string(v, "kernel", "6.18.15");
	return v;
}

static int sign(struct json *v, const struct doc *p)
{
	return statement_sign(key, v, p, NOW, NOW + DAY);
}

static int with_key(void **state)
{
	(void)state;
	return sign_key_new(&key);
}

static int without_key(void **state)
{
	(void)state;
	sign_key_free(key);
	return 0;
}

/* What nobody could check is not signed. */
static void test_unsignable(void **state)
{
	static const struct {
		const char *name, *text;
		size_t repeat; /* of the last character */
		int rc;
	} rows[] = {
		{"workload", "w", 1022, 0},
		{"workload", "w", 1023, -EINVAL},
		{"kernel", "6", 126, 0},
		{"kernel", "6", 127, -EINVAL},
		{"target", "v", 30, 0},
		{"target", "v", 31, -EINVAL},
		{"workload", "a\x1b[2J", 0, -EINVAL},
		{"workload", "a\nb", 0, -EINVAL},
		{"workload", "a\x7f", 0, -EINVAL},
		{"workload", "a\x1f", 0, -EINVAL},
		{"workload", "\xc3\xbc ~", 0, 0},
		{"workload", "", 0, 0}, /* then it is about any */
	};
	struct doc *p = policy_of("params", "\"params\":{}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = verdict_of(p);
		size_t n = strlen(rows[i].text);
		char *text = mem_zalloc(n + rows[i].repeat + 1, 1);

		strcpy(text, rows[i].text);
		for (size_t k = 0; k < rows[i].repeat; k++)
			text[n + k] = text[n - 1];
		json_set_string(v, rows[i].name, text);
		if (sign(v, p) != rows[i].rc)
			fail_msg("row %zu: %s", i, err_text());
		assert_int_equal(json_get(v, "signature") != NULL, !rows[i].rc);
		free(text);
		json_free(v);
	}
	doc_free(p);
}

/* A policy that has no such parameters has no statement. */
static void test_policies(void **state)
{
	struct doc *good = policy_of("params", "\"params\":{}");
	struct doc *bad = policy_of("params", "\"params\":{\"slice_us\":-1}");
	struct json *v = verdict_of(bad), *s;

	(void)state;
	assert_int_equal(sign(v, bad), -EINVAL);
	json_free(v);
	v = verdict_of(good);
	assert_int_equal(sign(v, good), 0);
	s = (struct json *)json_get(v, "signature");
	json_set_string((struct json *)json_get(s, "statement"), "policy",
			bad->id);
	assert_int_equal(statement_match(s, v, bad), STATEMENT_ALTERED);
	says("slice_us");
	json_free(v);
	doc_free(bad);
	doc_free(good);
}

/* The statement as it is, and as it must not be. */
static void test_forms(void **state)
{
	static const struct {
		const char *patch; /* of the signature */
		enum statement_fault fault;
		const char *words;
	} rows[] = {
		{"{}", STATEMENT_HOLDS, NULL},
		{"{\"statement\":7}", STATEMENT_DAMAGED, "damaged"},
		{"{\"statement\":[]}", STATEMENT_DAMAGED, "damaged"},
		{"{\"ed25519\":null,\"x\":1}", STATEMENT_DAMAGED, "damaged"},
		{"{\"statement\":{\"kernel\":7}}", STATEMENT_DAMAGED,
		 "'kernel'"},
		{"{\"statement\":{\"kernel\":\"\"}}", STATEMENT_DAMAGED,
		 "'kernel'"},
		{"{\"statement\":{\"kernel\":null}}", STATEMENT_DAMAGED,
		 "'kernel'"},
		{"{\"statement\":{\"kernel\":[\"6\"]}}", STATEMENT_DAMAGED,
		 "'kernel'"},
		{"{\"statement\":{\"form\":\"0123456789012345678901234567890"
		 "1\"}}",
		 STATEMENT_DAMAGED, "'form'"},
		{"{\"statement\":{\"Kernel\":\"6\"}}", STATEMENT_DAMAGED,
		 "'Kernel'"},
		{"{\"statement\":{\"workload\":\"a\\u001b\"}}",
		 STATEMENT_DAMAGED, "control"},
		{"{\"statement\":{\"params_sha256\":\"" SHA "\"}}",
		 STATEMENT_ALTERED, "other defaults"},
		{"{\"statement\":{\"image_sha256\":\"" SHA "\"}}",
		 STATEMENT_ALTERED, "other defaults"},
		{"{\"statement\":{\"object_sha256\":\"" SHA "\"}}",
		 STATEMENT_ALTERED,
		 "object_sha256 '" SHA "', the verdict has "
		 "'(none)'"},
		{"{\"statement\":{\"form\":\"knobs\"}}", STATEMENT_ALTERED,
		 "signature is for form 'knobs', the verdict has 'params'"},
	};
	struct doc *p = policy_of("params", "\"params\":{}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = verdict_of(p), *patch, *s;
		enum statement_fault fault;

		assert_int_equal(sign(v, p), 0);
		s = (struct json *)json_get(v, "signature");
		patch = json_parse(rows[i].patch, strlen(rows[i].patch));
		assert_non_null(patch);
		json_each (m, patch) {
			struct json *to = s;

			if (json_type(m) != JSON_OBJECT) {
				json_remove(s, json_key(m));
				if (json_type(m) != JSON_NULL)
					json_set(s, json_key(m), json_copy(m));
				continue;
			}
			to = (struct json *)json_get(s, json_key(m));
			json_each (k, m)
				json_set(to, json_key(k), json_copy(k));
		}
		fault = statement_match(s, v, p);
		if (fault != rows[i].fault)
			fail_msg("row %zu: %d, %s", i, (int)fault, err_text());
		if (fault)
			says(rows[i].words);
		json_free(patch);
		json_free(v);
	}
	assert_int_equal(statement_match(NULL, NULL, p), STATEMENT_UNSIGNED);
	doc_free(p);
}

#define TEST(t)	    cmocka_unit_test_setup_teardown(t, fresh, away)
#define WITH_KEY(t) cmocka_unit_test_setup_teardown(t, with_key, without_key)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_expiry),
		TEST(test_folders),
		TEST(test_names),
		TEST(test_revoking),
		cmocka_unit_test(test_revoked_lines),
		WITH_KEY(test_unsignable),
		WITH_KEY(test_policies),
		WITH_KEY(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
