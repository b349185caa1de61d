/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rollout/signed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct json *signed_make(const struct sign_key *key, const char *kind,
			 struct json *statement, time_t issued)
{
	char from[CLOCK_TEXT_LEN], hex[SIGN_HEX], *text;
	struct json *v = json_object();

	clock_text(issued, from);
	json_set_string(statement, "kind", kind);
	json_set_string(statement, "key", sign_key_public(key));
	json_set_string(statement, "issued", from);
	text = json_canonical(statement);
	sign_bytes(key, text, strlen(text), hex);
	free(text);
	json_set(v, "statement", statement);
	json_set_string(v, "ed25519", hex);
	return v;
}

/* Sets the message; the fault. */
#define FAULT(fault, ...) (err_set(EACCES, __VA_ARGS__), STATEMENT_##fault)

static enum statement_fault check_key(const struct trust *t,
				      const struct json *v, const char *key,
				      time_t now)
{
	const char *why = trust_revoked(t, "key", key);
	const struct key_info *k = trust_key(t, key);
	bool good;
	char *text;

	if (why)
		return FAULT(REVOKED,
			     "it is signed with the key %.12s, which is "
			     "revoked (%s)",
			     key, why);
	if (!k)
		return FAULT(FOREIGN,
			     "it is signed with the key %.12s, which is not "
			     "trusted here",
			     key);
	text = json_canonical(json_get(v, "statement"));
	good = sign_check(key, text, strlen(text), json_text_at(v, "ed25519"));
	free(text);
	if (!good)
		return FAULT(FORGED,
			     "the signature is not that of the key %.12s: it "
			     "was altered, or forged",
			     key);
	if (key_expired(k, now - STATEMENT_SKEW_S))
		return FAULT(EXPIRED, "the key %.12s has expired at %s", key,
			     k->expires);
	return STATEMENT_HOLDS;
}

enum statement_fault signed_check(const struct trust *t, const char *kind,
				  const struct json *v, time_t now)
{
	const struct json *s = json_get(v, "statement");

	if (!*json_text_at(v, "ed25519"))
		return FAULT(UNSIGNED, "it is not signed");
	if (json_len(v) != 2 || strcmp(json_text_at(s, "kind"), kind) ||
	    !key_is_time(json_text_at(s, "issued")))
		return FAULT(DAMAGED, "its signature is not that of a '%s'",
			     kind);
	return check_key(t, v, json_text_at(s, "key"), now);
}
