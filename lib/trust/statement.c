/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trust/statement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "policy/form.h"
#include "policy/image.h"
#include "policy/policy.h"

/* Copied from the body, where it has them. */
static const char *const copied[] = {
	"policy",      "decision", "target",	    "kernel",
	"accelerator", "workload", "configuration", "object_sha256",
};
/* Beside these; the evidence last: it differs whatever does. */
static const char *const others[] = {
	"kind", "key",		 "issued",	 "expires",
	"form", "params_sha256", "image_sha256", "evidence_sha256",
};

const struct json *statement_of(const struct json *verdict)
{
	return json_path(verdict, "signature.statement");
}

/* ---- what is signed --------------------------------------------------- */

static void set_digest(struct json *to, const char *key, const struct json *of)
{
	char *text = json_canonical(of), hex[DIGEST_HEX_LEN];

	digest_hex(text, strlen(text), hex);
	json_set_string(to, key, hex);
	free(text);
}

static void set_evidence(struct json *to, const struct json *verdict)
{
	struct json *rest = json_copy(verdict);

	json_remove(rest, "signature");
	set_digest(to, "evidence_sha256", rest);
	json_free(rest);
}

/* With the defaults that a parameter left out has today: another version of
 * this program may have others, under the same policy's id. */
static int set_params(struct json *to, const struct json *policy)
{
	enum policy_form form = policy_form(policy);
	struct policy_params params;
	struct json *all;
	int rc;

	json_set_string(to, "form", json_text_at(policy, "form"));
	if (form != FORM_PARAMS && form != FORM_HOOKS)
		return 0;
	rc = policy_params_read(policy, &params);
	if (rc)
		return rc;
	all = policy_params_json(&params);
	set_digest(to, "params_sha256", all);
	json_free(all);
	return 0;
}

/* What is put into the object: its loader knows nothing else of the policy. */
static int set_image(struct json *to, const struct json *policy)
{
	struct policy_image *image;
	char hex[DIGEST_HEX_LEN];
	int rc;

	if (!policy_form_has_object(policy_form(policy)))
		return 0;
	image = mem_zalloc(1, sizeof(*image));
	rc = policy_image_read(policy, image);
	if (!rc) {
		policy_image_digest(image, hex);
		json_set_string(to, "image_sha256", hex);
	}
	free(image);
	return rc;
}

/* The statement about a verdict as it stands there. */
static int new_statement(const struct json *verdict, const struct doc *policy,
			 const char *key, const char *issued,
			 const char *expires, struct json **out)
{
	struct json *s = json_object();
	int rc;

	json_set_string(s, "kind", CLAIM_KIND);
	json_set_string(s, "key", key);
	json_set_string(s, "issued", issued);
	json_set_string(s, "expires", expires);
	for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
		const struct json *v = json_get(verdict, copied[i]);

		if (*json_as_string(v, ""))
			json_set(s, copied[i], json_copy(v));
	}
	set_evidence(s, verdict);
	rc = set_params(s, policy->body);
	if (!rc)
		rc = set_image(s, policy->body);
	if (rc) {
		json_free(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

int statement_sign(const struct sign_key *key, struct json *verdict,
		   const struct doc *policy, time_t issued, time_t expires)
{
	char from[CLOCK_TEXT_LEN], until[CLOCK_TEXT_LEN], hex[SIGN_HEX], *text;
	struct json *s, *signature;
	struct claim c;
	int rc;

	if (strcmp(json_text_at(verdict, "decision"), "accepted"))
		return err_set(EINVAL,
			       "only accepted verdicts are signed, "
			       "this one is '%s'",
			       json_text_at(verdict, "decision"));
	if (strcmp(json_text_at(verdict, "policy"), policy->id))
		return err_set(EINVAL, "the verdict is about another policy");
	clock_text(issued, from);
	clock_text(expires, until);
	rc = new_statement(verdict, policy, sign_key_public(key), from, until,
			   &s);
	if (rc)
		return rc;
	text = json_canonical(s);
	sign_bytes(key, text, strlen(text), hex);
	free(text);
	signature = json_object();
	json_set(signature, "statement", s);
	json_set_string(signature, "ed25519", hex);
	/* What nobody could check is not signed. */
	if (statement_claim(signature, &c)) {
		json_free(signature);
		return -EINVAL;
	}
	json_set(verdict, "signature", signature);
	return 0;
}

/* ---- does it hold? ---------------------------------------------------- */

/* Sets the message; the fault. */
#define FAULT(fault, ...) (err_set(EACCES, __VA_ARGS__), STATEMENT_##fault)

/* Everything is text, nothing unknown stands there, nothing is left empty: two
 * texts never say the same. */
static bool take_member(const struct json *m, struct claim *out)
{
	size_t size, len = strlen(json_as_string(m, ""));
	char *field = claim_field(out, json_key(m), &size);

	if (!field || json_type(m) != JSON_STRING || !len || len >= size)
		return false;
	memcpy(field, json_as_string(m, ""), len + 1);
	return true;
}

enum statement_fault statement_claim(const struct json *signature,
				     struct claim *out)
{
	const struct json *s = json_get(signature, "statement");

	memset(out, 0, sizeof(*out));
	if (!signature)
		return FAULT(UNSIGNED,
			     "the verdict is not signed: 'sched-verify' "
			     "signs what it accepts, and 'sched-verify --sign "
			     "ID' what you vouch for");
	if (json_len(signature) != 2 || !json_get(signature, "ed25519") ||
	    json_type(s) != JSON_OBJECT)
		return FAULT(DAMAGED, "the verdict's signature is damaged: "
				      "verify again");
	json_each (m, s)
		if (!take_member(m, out))
			return FAULT(DAMAGED,
				     "the verdict's signature is not of a "
				     "form that is known here ('%.40s'): "
				     "verify again",
				     json_key(m));
	return claim_is_text(out)
		       ? STATEMENT_HOLDS
		       : FAULT(DAMAGED,
			       "the verdict's signature is over control "
			       "characters: verify again");
}

enum statement_fault statement_check(const struct trust *t,
				     const struct json *signature, time_t now)
{
	struct claim c;
	enum statement_fault fault = statement_claim(signature, &c);

	return fault ? fault
		     : claim_check(t, &c, json_text_at(signature, "ed25519"),
				   now);
}

static enum statement_fault differs(const char *name, const struct json *is,
				    const struct json *was)
{
	if (!strcmp(name, "evidence_sha256"))
		return FAULT(ALTERED,
			     "the verdict was altered after it was signed (its "
			     "figures or findings): verify again");
	if (!strcmp(name, "params_sha256") || !strcmp(name, "image_sha256"))
		return FAULT(ALTERED,
			     "the parameters are not those that were signed "
			     "(another version of schedkit has other "
			     "defaults): verify again");
	return FAULT(ALTERED,
		     "the signature is for %s '%.64s', the verdict has "
		     "'%.64s': verify again",
		     name, json_as_string(was, "(none)"),
		     json_as_string(is, "(none)"));
}

static enum statement_fault compare(const struct json *is,
				    const struct json *was,
				    const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct json *a = json_get(is, names[i]);
		const struct json *b = json_get(was, names[i]);

		if (!a != !b ||
		    strcmp(json_as_string(a, ""), json_as_string(b, "")))
			return differs(names[i], a, b);
	}
	return STATEMENT_HOLDS;
}

enum statement_fault statement_match(const struct json *signature,
				     const struct json *verdict,
				     const struct doc *policy)
{
	const struct json *was = json_get(signature, "statement");
	struct claim c;
	enum statement_fault fault = statement_claim(signature, &c);
	struct json *is;

	if (fault)
		return fault;
	if (strcmp(json_text_at(was, "policy"), policy->id))
		return FAULT(ALTERED,
			     "the signature is for policy %.12s, not %.12s: "
			     "verify this one, too",
			     json_text_at(was, "policy"), policy->id);
	if (new_statement(verdict, policy, json_text_at(was, "key"),
			  json_text_at(was, "issued"),
			  json_text_at(was, "expires"), &is))
		return STATEMENT_ALTERED;
	fault = compare(is, was, copied, ARRAY_LEN(copied));
	if (!fault)
		fault = compare(is, was, others, ARRAY_LEN(others));
	json_free(is);
	return fault;
}

enum statement_fault statement_judge(const struct trust *t,
				     const struct doc *verdict,
				     const struct doc *policy, time_t now)
{
	const struct json *signature = json_get(verdict->body, "signature");
	const char *why = trust_revoked(t, "verdict", verdict->id);
	enum statement_fault fault;

	if (why)
		return FAULT(REVOKED, "verdict %.12s is revoked: %s",
			     verdict->id, why);
	fault = statement_check(t, signature, now);
	return fault ? fault
		     : statement_match(signature, verdict->body, policy);
}
