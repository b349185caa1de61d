/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys, whom to trust, and what a signature under a verdict is worth. */
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
#include "base/mem.h"
#include "base/temp.h"
#include "policy/policy.h"
#include "scx/configuration.h"
#include "trust/statement.h"
#include "trust_fix.h"

#define NOW  1800000000 /* some day in 2027 */
#define DAY  86400
#define HEX8 "0123abcd"
#define SHA  HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8

/* ---- fixture ---------------------------------------------------------- */

struct world {
	struct temp temp;
	char *keys; /* a folder that is not there yet */
	struct trust *trust;
	struct sign_key *key, *other;
	struct doc *policy;
	struct json *verdict; /* a body, signed with key */
};

static struct doc *policy_of(const char *params)
{
	char *text = mem_printf("{\"form\":\"params\",\"title\":\"t\",\"why\":"
				"\"w\",\"uses\":[],\"params\":%s}",
				params);
	struct doc *d = doc_new("policy", "test",
				json_parse(text, strlen(text)), NULL, 0);

	free(text);
	assert_non_null(d);
	return d;
}

static struct json *verdict_of(const struct doc *policy)
{
	char *text = mem_printf(
		"{\"policy\":\"%s\",\"workload\":\"w\",\"decision\":"
		"\"accepted\",\"why\":\"so\",\"target\":\"vm\",\"kernel\":"
		"\"6.18.15\",\"accelerator\":\"tcg\",\"configuration\":\"" SHA
		"\",\"object_sha256\":\"" SHA "\",\"stages\":[],\"metrics\":"
		"[{\"name\":\"wall\",\"unit\":\"s\",\"baseline\":3.25,"
		"\"candidate\":2,\"ratio\":1.5,\"ci95\":[1.4,1.6],\"pairs\":5,"
		"\"guard\":false}],\"evidence\":{\"confirmed\":true}}",
		policy->id);
	struct json *v = json_parse(text, strlen(text));

	free(text);
	assert_non_null(v);
	return v;
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));

	assert_int_equal(temp_make("/tmp", "schedkit-trust-", &w->temp), 0);
	w->keys = mem_printf("%s/a/keys", w->temp.dir);
	w->trust = trust_new();
	assert_int_equal(sign_key_new(&w->key), 0);
	assert_int_equal(sign_key_new(&w->other), 0);
	trust_this(w->trust, w->key, KEY_NEVER);
	w->policy = policy_of("{\"queue\":\"global\"}");
	w->verdict = verdict_of(w->policy);
	assert_int_equal(
		statement_sign(w->key, w->verdict, w->policy, NOW, NOW + DAY),
		0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	json_free(w->verdict);
	doc_free(w->policy);
	sign_key_free(w->key);
	sign_key_free(w->other);
	trust_free(w->trust);
	free(w->keys);
	temp_remove(&w->temp);
	free(w);
	return 0;
}

/* As a document that went over a pipe. */
static enum statement_fault judge_as(const struct world *w,
				     const struct json *body,
				     const struct doc *policy, time_t now)
{
	struct doc *made = doc_new("verdict", "test", json_copy(body), NULL, 0);
	enum statement_fault fault;
	struct doc *read;
	char *line;

	assert_non_null(made);
	line = doc_line(made);
	assert_int_equal(doc_parse(line, strlen(line), &read), 0);
	err_clear();
	fault = statement_judge(w->trust, read, policy, now);
	assert_true(!fault == !*err_text());
	doc_free(read);
	doc_free(made);
	free(line);
	return fault;
}

static enum statement_fault judge(const struct world *w,
				  const struct json *body)
{
	return judge_as(w, body, w->policy, NOW + 60);
}

static void says(const char *words)
{
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in: %s", words, err_text());
}

static struct json *at(const struct json *v, const char *path)
{
	return (struct json *)json_path(v, path);
}

static char *file_in(const struct world *w, const char *name)
{
	return mem_printf("%s/%s", w->keys, name);
}

static void put_file(const struct world *w, const char *name, const char *text)
{
	char *path = file_in(w, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static char *text_of(const struct world *w, const char *name)
{
	char *path = file_in(w, name);
	struct buf b;

	buf_init(&b, 65536);
	assert_int_equal(buf_read_file(&b, path), 0);
	free(path);
	return buf_take(&b);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- Ed25519 ---------------------------------------------------------- */

/* RFC 8032, section 7.1, tests 1 and 2. */
static void test_vectors(void **state)
{
	static const struct {
		const char *seed, *public, *message, *signature;
	} rows[] = {
		{"9d61b19deffd5a60ba844af492ec2cc4"
		 "4449c5697b326919703bac031cae7f60",
		 "d75a980182b10ab7d54bfed3c964073a"
		 "0ee172f3daa62325af021a68f707511a",
		 "",
		 "e5564300c360ac729086e2cc806e828a"
		 "84877f1eb8e5d974d873e06522490155"
		 "5fb8821590a33bacc61e39701cf9b46b"
		 "d25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f"
		 "5b8a319f35aba624da8cf6ed4fb8a6fb",
		 "3d4017c3e843895a92b70aa74d1b7ebc"
		 "9c982ccf2ec4968cc0cd55f12af4660c",
		 "\x72",
		 "92a009a9f0d4cab8720e820b5f642540"
		 "a2b27b5416503f8fb3762223ebdb69da"
		 "085ac1e43e15996e458f3613d0f11d8c"
		 "387b2eaeb4302aeeb00d291612bb0c00"},
	};
	char sig[SIGN_HEX], seed[SIGN_KEY_HEX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].message);
		struct sign_key *k;

		assert_int_equal(sign_key_of_seed(rows[i].seed, &k), 0);
		assert_string_equal(sign_key_public(k), rows[i].public);
		sign_bytes(k, rows[i].message, n, sig);
		assert_string_equal(sig, rows[i].signature);
		assert_true(
			sign_check(rows[i].public, rows[i].message, n, sig));
		assert_false(sign_check(rows[i].public, "x", 1, sig));
		sign_key_seed(k, seed);
		assert_string_equal(seed, rows[i].seed);
		sign_key_free(k);
	}
}

static void test_hex(void **state)
{
	struct world *w = *state;
	char sig[SIGN_HEX], wrong[SIGN_HEX + 1];
	struct sign_key *k;

	sign_bytes(w->key, "m", 1, sig);
	assert_true(sign_check(sign_key_public(w->key), "m", 1, sig));
	assert_false(sign_check(sign_key_public(w->other), "m", 1, sig));
	assert_false(sign_check("", "m", 1, sig));
	assert_false(sign_check(sign_key_public(w->key), "m", 1, ""));
	/* Only one spelling of a signature is one. */
	snprintf(wrong, sizeof(wrong), "%s0", sig);
	assert_false(sign_check(sign_key_public(w->key), "m", 1, wrong));
	wrong[SIGN_HEX - 1] = '\0';
	for (char *s = wrong; *s; s++)
		if (*s >= 'a')
			*s += 'A' - 'a';
	assert_false(sign_check(sign_key_public(w->key), "m", 1, wrong));
	assert_int_equal(sign_key_of_seed("abc", &k), -EINVAL);
	assert_null(k);
}

/* ---- files of keys ---------------------------------------------------- */

static void test_key_made(void **state)
{
	struct world *w = *state;
	char *private = file_in(w, "first.key"), *public, *before, *after;
	struct key_info made, opened, read;
	struct sign_key *k;

	assert_int_equal(key_make(w->keys, "first", NOW, &made), 0);
	assert_string_equal(made.path, private);
	assert_string_equal(made.expires, "2027-01-15T08:00:00Z");
	public = file_in(w, "first.pub");
	assert_int_equal(mode_of(w->keys), 0700);
	assert_int_equal(mode_of(private), 0600);
	assert_int_equal(mode_of(public), 0644);
	assert_int_equal(key_open(w->keys, "first", &opened, &k), 0);
	assert_string_equal(opened.id, made.id);
	assert_string_equal(sign_key_public(k), made.id);
	assert_int_equal(key_read_public(public, &read), 0);
	assert_string_equal(read.id, made.id);
	assert_string_equal(read.made, made.made);
	assert_string_equal(read.expires, made.expires);
	free(made.path);
	/* What is there stays. */
	before = text_of(w, "first.key");
	assert_int_equal(key_make(w->keys, "first", 0, &made), -EEXIST);
	says("stays as it is");
	after = text_of(w, "first.key");
	assert_string_equal(before, after);
	assert_null(strstr(before, opened.id));
	sign_key_free(k);
	free(read.path);
	free(opened.path);
	free(before);
	free(after);
	free(public);
	free(private);
}

static void test_key_names(void **state)
{
	static const char *const bad[] = {"",	  ".x", "a/b",	   "a b",
					  "../x", "-x", "\xc3\xa4"};
	struct world *w = *state;
	struct strs names = {0};
	struct key_info k;

	assert_int_equal(key_names(w->keys, &names), 0);
	assert_int_equal(names.len, 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(key_make(w->keys, bad[i], 0, &k), -EINVAL);
	assert_int_equal(access(w->keys, F_OK), -1);
	assert_int_equal(key_make(w->keys, "b.2", 0, &k), 0);
	free(k.path);
	assert_int_equal(key_make(w->keys, "a", 0, &k), 0);
	free(k.path);
	put_file(w, "x.key.ab12cd", "left by one who died");
	assert_int_equal(key_names(w->keys, &names), 0);
	assert_int_equal(names.len, 2);
	assert_string_equal(names.v[0], "a");
	assert_string_equal(names.v[1], "b.2");
	strs_release(&names);
}

/* A file that ends early, anywhere, is no key; nor is one with more in it. */
static void test_key_cut(void **state)
{
	struct world *w = *state;
	struct key_info k;
	struct sign_key *key;
	char *text[2], *more;

	assert_int_equal(key_make(w->keys, "k", 0, &k), 0);
	free(k.path);
	text[0] = text_of(w, "k.pub");
	text[1] = text_of(w, "k.key");
	assert_int_equal(key_parse_public(text[0], strlen(text[0]), &k), 0);
	assert_int_equal(key_parse_private(text[1], strlen(text[1]), &k, &key),
			 0);
	sign_key_free(key);
	for (size_t n = 0; n < strlen(text[0]); n++)
		assert_int_equal(key_parse_public(text[0], n, &k), -EBADMSG);
	for (size_t n = 0; n < strlen(text[1]); n++)
		assert_int_equal(key_parse_private(text[1], n, &k, &key),
				 -EBADMSG);
	more = mem_printf("%sx\n", text[0]);
	assert_int_equal(key_parse_public(more, strlen(more), &k), -EBADMSG);
	says("line 5");
	/* Neither is taken for the other. */
	assert_int_equal(key_parse_public(text[1], strlen(text[1]), &k),
			 -EBADMSG);
	free(more);
	free(text[0]);
	free(text[1]);
}

static void test_key_damaged(void **state)
{
	static const char id[] = SHA;
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"schedkit public key 2\nkey %s\nmade 2026-01-02T03:04:05Z\n"
		 "expires never\n",
		 "line 1"},
		{"schedkit public key 1\nkey X%s\nmade 2026-01-02T03:04:05Z\n"
		 "expires never\n",
		 "line 2"},
		{"schedkit public key 1\nkey %s\nmade yesterday\nexpires "
		 "never\n",
		 "line 3"},
		{"schedkit public key 1\nkey %s\nmade 2026-01-02T03:04:05Z\n"
		 "expires ever\n",
		 "line 4"},
		{"schedkit public key 1\nkey %s\nexpires never\nmade "
		 "2026-01-02T03:04:05Z\n",
		 "line 3"},
		{"schedkit public key 1\r\nkey %s\r\nmade "
		 "2026-01-02T03:04:05Z\r\nexpires never\r\n",
		 "line 1"},
	};
	struct key_info k;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = mem_printf(rows[i].text, id);

		assert_int_equal(key_parse_public(text, strlen(text), &k),
				 -EBADMSG);
		says(rows[i].words);
		free(text);
	}
}

static void refuses_to_open(const struct world *w, int want, const char *words)
{
	struct sign_key *key;
	struct key_info k;

	assert_int_equal(key_open(w->keys, "k", &k, &key), want);
	assert_null(key);
	assert_null(k.path);
	says(words);
}

static void test_key_open_to_others(void **state)
{
	struct world *w = *state;
	char *private, *public;
	struct sign_key *key;
	struct key_info k, other;

	assert_int_equal(key_make(w->keys, "k", 0, &k), 0);
	private = k.path;
	public = file_in(w, "k.pub");
	chmod(private, 0640);
	refuses_to_open(w, -EACCES, "chmod 600");
	chmod(private, 0600);
	chmod(w->keys, 0755);
	refuses_to_open(w, -EACCES, "chmod 700");
	chmod(w->keys, 0700);
	chmod(public, 0666);
	refuses_to_open(w, -EACCES, "chmod go-w");
	/* The public half comes back when it is gone … */
	unlink(public);
	assert_int_equal(key_open(w->keys, "k", &k, &key), 0);
	sign_key_free(key);
	free(k.path);
	assert_int_equal(mode_of(public), 0644);
	/* … and is not another one's. */
	assert_int_equal(key_make(w->keys, "other", 0, &other), 0);
	unlink(public);
	free(other.path);
	other.path = file_in(w, "other.pub");
	assert_int_equal(link(other.path, public), 0);
	refuses_to_open(w, -EBADMSG, "not the public half");
	unlink(private);
	assert_int_equal(symlink("other.key", private), 0);
	refuses_to_open(w, -EACCES, "is a link");
	free(other.path);
	free(public);
	free(private);
}

static void test_key_of_another(void **state)
{
	struct world *w = *state;
	struct key_info k, r;
	char *public;

	if (geteuid())
		skip();
	assert_int_equal(key_make(w->keys, "k", 0, &k), 0);
	assert_int_equal(chown(k.path, 65534, 65534), 0);
	refuses_to_open(w, -EACCES, "belongs to user 65534");
	public = file_in(w, "k.pub");
	assert_int_equal(chown(public, 65534, 65534), 0);
	assert_int_equal(key_read_public(public, &r), -EACCES);
	free(public);
	free(k.path);
}

/* ---- whom to trust ---------------------------------------------------- */

static void test_store(void **state)
{
	struct world *w = *state;
	struct key_info a, b;
	struct trust *t = trust_new();
	char *none = file_in(w, "none");

	assert_int_equal(trust_add_folder(t, none), 0);
	assert_int_equal(key_make(w->keys, "a", 0, &a), 0);
	assert_int_equal(key_make(w->keys, "b", 0, &b), 0);
	assert_int_equal(trust_add_folder(t, w->keys), 0);
	assert_int_equal(trust_count(t), 2);
	assert_string_equal(trust_key(t, b.id)->id, b.id);
	assert_null(trust_key(t, SHA));
	assert_null(trust_revoked(t, "key", a.id));
	trust_free(t);
	/* One that is called back, and the other is not. */
	assert_int_equal(trust_revoke(w->keys, "key", a.id), 0);
	assert_int_equal(trust_revoke(w->keys, "key", "abc"), -EINVAL);
	assert_int_equal(trust_revoke(w->keys, "cat", SHA), -EINVAL);
	t = trust_new();
	assert_int_equal(trust_add_folder(t, w->keys), 0);
	assert_non_null(trust_revoked(t, "key", a.id));
	assert_null(trust_revoked(t, "verdict", a.id));
	assert_null(trust_revoked(t, "key", b.id));
	trust_free(t);
	free(none);
	free(a.path);
	free(b.path);
}

static void refuses_folder(const struct world *w, int want, const char *words)
{
	struct trust *t = trust_new();

	assert_int_equal(trust_add_folder(t, w->keys), want);
	says(words);
	trust_free(t);
}

static void test_store_damaged(void **state)
{
	struct world *w = *state;
	struct key_info k;
	char *revoked;

	assert_int_equal(key_make(w->keys, "k", 0, &k), 0);
	free(k.path);
	put_file(w, "half.pub", "schedkit public key 1\nkey 01");
	refuses_folder(w, -EBADMSG, "half.pub");
	revoked = file_in(w, "half.pub");
	unlink(revoked);
	free(revoked);
	/* What is revoked cannot be told from half a file. */
	put_file(w, "revoked", "# all\n\nkey " SHA);
	refuses_folder(w, -EBADMSG, "line 3");
	put_file(w, "revoked", "key " SHA "0\n");
	refuses_folder(w, -EBADMSG, "line 1");
	put_file(w, "revoked", "kez " SHA "\n");
	refuses_folder(w, -EBADMSG, "line 1");
	put_file(w, "revoked", "key " SHA " it was lost\n");
	revoked = file_in(w, "revoked");
	chmod(revoked, 0622);
	refuses_folder(w, -EACCES, "chmod go-w");
	chmod(revoked, 0644);
	chmod(w->keys, 0777);
	refuses_folder(w, -EACCES, "chmod go-w");
	free(revoked);
}

static void test_revoked_text(void **state)
{
	static const char text[] = "# words\n\nkey " SHA "\nverdict " SHA
				   " a reason, with a # in it\n";
	struct trust *t = trust_new();

	(void)state;
	assert_int_equal(trust_parse_revoked(t, text, strlen(text)), 0);
	assert_string_equal(trust_revoked(t, "key", SHA), "no reason is given");
	assert_string_equal(trust_revoked(t, "verdict", SHA),
			    "a reason, with a # in it");
	assert_null(trust_revoked(t, "policy", SHA));
	trust_free(t);
}

/* ---- statements ------------------------------------------------------- */

static void test_holds(void **state)
{
	struct world *w = *state;
	struct json *again = json_copy(w->verdict);
	struct json *turned;
	char *text, *line;

	assert_int_equal(judge(w, w->verdict), STATEMENT_HOLDS);
	/* The signature is over the canonical form and nothing else. */
	text = json_canonical(statement_of(w->verdict));
	assert_true(sign_check(sign_key_public(w->key), text, strlen(text),
			       json_text_at(w->verdict, "signature.ed25519")));
	/* Signed twice, the second statement knows nothing of the first. */
	assert_int_equal(
		statement_sign(w->key, again, w->policy, NOW, NOW + DAY), 0);
	line = json_canonical(again);
	turned = json_parse(line, strlen(line));
	assert_int_equal(judge(w, turned), STATEMENT_HOLDS);
	assert_string_equal(json_text_at(again, "signature.ed25519"),
			    json_text_at(w->verdict, "signature.ed25519"));
	json_free(turned);
	json_free(again);
	free(line);
	free(text);
}

static void test_unsigned(void **state)
{
	struct world *w = *state;

	json_remove(w->verdict, "signature");
	assert_int_equal(judge(w, w->verdict), STATEMENT_UNSIGNED);
	says("not signed");
	json_set_string(w->verdict, "decision", "rejected");
	assert_int_equal(
		statement_sign(w->key, w->verdict, w->policy, NOW, NOW + DAY),
		-EINVAL);
	says("'rejected'");
	assert_null(json_get(w->verdict, "signature"));
}

/* Each member of the statement, changed, left out, and one more. */
static void test_statement_tampered(void **state)
{
	static const char *const words[] = {"issued",	"2027-01-15T08:00:01Z",
					    "expires",	"2099-01-01T00:00:00Z",
					    "kind",	"schedkit verdict 2",
					    "decision", "rejected"};
	struct world *w = *state;
	size_t n = 0;

	json_each (m, statement_of(w->verdict)) {
		struct json *changed = json_copy(w->verdict), *s;
		const char *value = NULL;
		char *other = mem_strdup(json_as_string(m, ""));

		other[0] = other[0] == '0' ? '1' : '0';
		for (size_t i = 0; i < ARRAY_LEN(words); i += 2)
			if (!strcmp(words[i], json_key(m)))
				value = words[i + 1];
		s = at(changed, "signature.statement");
		json_set_string(s, json_key(m), value ? value : other);
		if (judge(w, changed) == STATEMENT_HOLDS)
			fail_msg("'%s' may be changed", json_key(m));
		json_free(changed);
		free(other);
		n++;
		/* Not all are optional: what a pipe would not pass is checked
		 * without one. */
		changed = json_copy(w->verdict);
		s = at(changed, "signature.statement");
		json_remove(s, json_key(m));
		if (!statement_check(w->trust, json_get(changed, "signature"),
				     NOW))
			fail_msg("'%s' may be left out", json_key(m));
		json_free(changed);
	}
	assert_int_equal(n, 16);
	json_set_string(at(w->verdict, "signature.statement"), "more", "x");
	assert_int_equal(judge(w, w->verdict), STATEMENT_DAMAGED);
	says("'more'");
}

static void test_signature_tampered(void **state)
{
	struct world *w = *state;
	struct json *sig = at(w->verdict, "signature");
	char hex[SIGN_HEX];

	strcpy(hex, json_text_at(sig, "ed25519"));
	hex[5] = hex[5] == '0' ? '1' : '0';
	json_set_string(sig, "ed25519", hex);
	assert_int_equal(judge(w, w->verdict), STATEMENT_FORGED);
	says("forged");
	/* Nothing is hung onto it, or the verdict would have other ids. */
	hex[5] = json_text_at(sig, "ed25519")[5];
	json_set_string(sig, "note", "x");
	assert_int_equal(judge(w, w->verdict), STATEMENT_DAMAGED);
}

/* Each member of the body, changed. */
static void test_body_tampered(void **state)
{
	static const struct {
		const char *key, *value, *words;
	} rows[] = {
		{"workload", "x", "signature is for workload 'w'"},
		{"target", "host", "signature is for target 'vm'"},
		{"kernel", "6.18.16", "signature is for kernel '6.18.15'"},
		{"accelerator", "kvm", "signature is for accelerator"},
		{"configuration",
		 "ffff" HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 "ffff",
		 "signature is for configuration"},
		{"object_sha256",
		 "ffff" HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 "ffff",
		 "signature is for object_sha256"},
		{"why", "because", "figures or findings"},
	};
	struct world *w = *state;
	struct json *changed;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		changed = json_copy(w->verdict);
		json_set_string(changed, rows[i].key, rows[i].value);
		assert_int_equal(judge(w, changed), STATEMENT_ALTERED);
		says(rows[i].words);
		json_free(changed);
	}
	changed = json_copy(w->verdict);
	json_set_number(at(changed, "metrics.0"), "ratio", 1.6);
	assert_int_equal(judge(w, changed), STATEMENT_ALTERED);
	json_free(changed);
	changed = json_copy(w->verdict);
	json_set_bool(at(changed, "evidence"), "more", true);
	assert_int_equal(judge(w, changed), STATEMENT_ALTERED);
	json_free(changed);
	changed = json_copy(w->verdict);
	json_remove(changed, "configuration");
	assert_int_equal(judge(w, changed), STATEMENT_ALTERED);
	json_free(changed);
}

/* A good signature, taken to where it does not belong. */
static void test_replayed(void **state)
{
	struct world *w = *state;
	struct doc *other = policy_of("{\"queue\":\"percpu\"}");
	struct json *v = verdict_of(other);

	json_set(v, "signature", json_copy(json_get(w->verdict, "signature")));
	assert_int_equal(judge_as(w, v, other, NOW), STATEMENT_ALTERED);
	says("is for policy");
	assert_int_equal(judge_as(w, w->verdict, other, NOW),
			 STATEMENT_ALTERED);
	assert_int_equal(statement_sign(w->key, v, w->policy, NOW, NOW + 1),
			 -EINVAL);
	json_free(v);
	doc_free(other);
}

static void test_keys(void **state)
{
	struct world *w = *state;
	struct json *v = json_copy(w->verdict);

	assert_int_equal(statement_sign(w->other, v, w->policy, NOW, NOW + DAY),
			 0);
	assert_int_equal(judge(w, v), STATEMENT_FOREIGN);
	says("not trusted");
	/* Rotation: the old one and the new one are both good. */
	trust_this(w->trust, w->other, KEY_NEVER);
	assert_int_equal(judge(w, v), STATEMENT_HOLDS);
	assert_int_equal(judge(w, w->verdict), STATEMENT_HOLDS);
	/* One key's signature does not become another's. */
	json_set_string(at(v, "signature.statement"), "key",
			sign_key_public(w->key));
	assert_int_equal(judge(w, v), STATEMENT_FORGED);
	json_free(v);
}

static void test_times(void **state)
{
	struct world *w = *state;
	const time_t skew = STATEMENT_SKEW_S;
	const struct {
		time_t now;
		enum statement_fault want;
	} rows[] = {
		{NOW - skew - 1, STATEMENT_FUTURE},
		{NOW - skew, STATEMENT_HOLDS},
		{NOW + DAY + skew, STATEMENT_HOLDS},
		{NOW + DAY + skew + 1, STATEMENT_EXPIRED},
		{0, STATEMENT_FUTURE},
		{NOW * 2ll, STATEMENT_EXPIRED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
			judge_as(w, w->verdict, w->policy, rows[i].now),
			rows[i].want);
	assert_int_equal(judge_as(w, w->verdict, w->policy, NOW + 2 * DAY),
			 STATEMENT_EXPIRED);
	says("has expired at 2027-01-16T08:00:00Z");
	assert_int_equal(judge_as(w, w->verdict, w->policy, NOW - DAY),
			 STATEMENT_FUTURE);
	says("set the clock");
}

static void test_key_expired(void **state)
{
	struct world *w = *state;

	trust_free(w->trust);
	w->trust = trust_new();
	trust_this(w->trust, w->key, "2027-01-15T09:00:00Z");
	assert_int_equal(judge(w, w->verdict), STATEMENT_HOLDS);
	assert_int_equal(judge_as(w, w->verdict, w->policy, NOW + 7200),
			 STATEMENT_EXPIRED);
	says("the key");
}

static void revoke_line(struct trust *t, const char *what, const char *id)
{
	char *line = mem_printf("%s %s lost\n", what, id);

	assert_int_equal(trust_parse_revoked(t, line, strlen(line)), 0);
	free(line);
}

static void test_revoked(void **state)
{
	struct world *w = *state;
	const char *evidence =
		json_text_at(statement_of(w->verdict), "evidence_sha256");
	char id[DOC_ID_LEN];
	struct {
		const char *what, *id;
	} rows[] = {
		{"key", sign_key_public(w->key)},
		{"policy", w->policy->id},
		{"verdict", id},
		{"verdict", evidence},
	};

	doc_body_id(w->verdict, id);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		trust_free(w->trust);
		w->trust = trust_new();
		trust_this(w->trust, w->key, KEY_NEVER);
		revoke_line(w->trust, rows[i].what, SHA);
		assert_int_equal(judge(w, w->verdict), STATEMENT_HOLDS);
		revoke_line(w->trust, rows[i].what, rows[i].id);
		assert_int_equal(judge(w, w->verdict), STATEMENT_REVOKED);
		says("lost");
	}
}

/* The id of the body before it was signed: that much is one document. */
static void test_evidence_is_the_id(void **state)
{
	struct world *w = *state;
	struct json *plain = verdict_of(w->policy);
	char id[DOC_ID_LEN];

	doc_body_id(plain, id);
	assert_string_equal(
		json_text_at(statement_of(w->verdict), "evidence_sha256"), id);
	json_free(plain);
}

/* ---- the kernel's configuration --------------------------------------- */

static void test_configuration(void **state)
{
	char a[DIGEST_HEX_LEN], b[DIGEST_HEX_LEN], *text;
	struct strs words = {0};
	struct json *p;

	(void)state;
	configuration_digest(a);
	configuration_digest(b);
	assert_string_equal(a, b);
	/* Written without JSON, it is what JSON would be. */
	p = configuration_facts();
	text = json_canonical(p);
	digest_hex(text, strlen(text), b);
	assert_string_equal(a, b);
	free(text);
	json_free(p);
	configuration_words("", &words);
	assert_int_equal(words.len, 0);
	configuration_words("BOOT_IMAGE=/vmlinuz root=UUID=1 quiet "
			    "preempt=full  isolcpus=2,3\tpreemptx=1 "
			    "nosmt -- preempt=none\n",
			    &words);
	assert_int_equal(words.len, 3);
	assert_string_equal(words.v[0], "preempt=full");
	assert_string_equal(words.v[1], "isolcpus=2,3");
	assert_string_equal(words.v[2], "nosmt");
	strs_release(&words);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		WITH(test_hex),
		WITH(test_key_made),
		WITH(test_key_names),
		WITH(test_key_cut),
		cmocka_unit_test(test_key_damaged),
		WITH(test_key_open_to_others),
		WITH(test_key_of_another),
		WITH(test_store),
		WITH(test_store_damaged),
		cmocka_unit_test(test_revoked_text),
		WITH(test_holds),
		WITH(test_unsigned),
		WITH(test_statement_tampered),
		WITH(test_signature_tampered),
		WITH(test_body_tampered),
		WITH(test_replayed),
		WITH(test_keys),
		WITH(test_times),
		WITH(test_key_expired),
		WITH(test_revoked),
		WITH(test_evidence_is_the_id),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
