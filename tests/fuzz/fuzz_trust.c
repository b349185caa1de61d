/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Key files, revocations and signatures, as others may have written them.  The
 * first byte says what the rest is.  Nothing that was not signed by the one
 * key that is trusted here may hold.
 */
#include <stdlib.h>
#include <string.h>

#include "doc/doc.h"
#include "fuzz.h"
#include "trust/statement.h"

#define NOW 1800000000

/* Whose private half nobody has. */
static struct trust *trust_of_one(const char *id)
{
	struct key_info k = {.expires = KEY_NEVER};
	struct trust *t = trust_new();

	memcpy(k.id, id, strlen(id));
	trust_add_key(t, &k);
	return t;
}

static void fuzz_public(const char *text, size_t len)
{
	struct key_info k;

	if (key_parse_public(text, len, &k))
		return;
	expect(strlen(k.id) == SIGN_KEY_HEX - 1);
	expect(key_is_time(k.made));
	expect(key_is_time(k.expires) || !strcmp(k.expires, KEY_NEVER));
}

static void fuzz_private(const char *text, size_t len)
{
	struct sign_key *key;
	struct key_info k;
	char sig[SIGN_HEX];

	if (key_parse_private(text, len, &k, &key)) {
		expect(!key);
		return;
	}
	sign_bytes(key, text, len, sig);
	expect(sign_check(k.id, text, len, sig));
	sign_key_free(key);
}

static void fuzz_revoked(const char *text, size_t len)
{
	struct trust *t = trust_new();
	const char *id = "0000000000000000000000000000000000000000000000000000"
			 "000000000000";

	if (!trust_parse_revoked(t, text, len))
		trust_revoked(t, "key", id);
	trust_free(t);
}

/* A verdict's body, or its signature alone. */
static void fuzz_signature(const char *text, size_t len)
{
	struct json *v = json_parse(text, len);
	const struct json *signature = json_get(v, "signature");
	const char *id;
	struct trust *t;
	struct doc *policy = doc_new("policy", "fuzz",
				     json_parse("{\"form\":\"params\",\"title\""
						":\"t\",\"why\":\"w\",\"uses\""
						":[],\"params\":{}}",
						61),
				     NULL, 0);

	expect(policy != NULL);
	signature = signature ? signature : v;
	id = json_text_at(signature, "statement.key");
	/* The key that it names, so that it comes further. */
	t = trust_of_one(strlen(id) < SIGN_KEY_HEX ? id : "");
	if (json_type(v) == JSON_OBJECT) {
		enum statement_fault f = statement_check(t, signature, NOW);

		if (!f)
			expect(!strcmp(
				json_text_at(signature, "statement.decision"),
				"accepted"));
		statement_match(signature, v, policy);
	}
	trust_free(t);
	doc_free(policy);
	json_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *text, size_t len) = {
		fuzz_public, fuzz_private, fuzz_revoked, fuzz_signature};
	char *text;

	if (!size)
		return 0;
	/* A copy of just this size: the text has no NUL at its end. */
	text = malloc(size);
	expect(text != NULL);
	memcpy(text, data + 1, size - 1);
	readers[data[0] % 4](text, size - 1);
	free(text);
	return 0;
}
