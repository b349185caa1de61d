/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include "trust/claim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/quote.h"

#define TEXT_MAX 65536

#define MEMBER(name)                                            \
	{                                                       \
#name, offsetof(struct claim, name),            \
			sizeof(((const struct claim *)0)->name) \
	}

static const struct member {
	const char *name;
	size_t offset, size;
} members[] = {
	MEMBER(accelerator),   MEMBER(configuration),
	MEMBER(decision),      MEMBER(evidence_sha256),
	MEMBER(expires),       MEMBER(form),
	MEMBER(image_sha256),  MEMBER(issued),
	MEMBER(kernel),	       MEMBER(key),
	MEMBER(kind),	       MEMBER(object_sha256),
	MEMBER(params_sha256), MEMBER(policy),
	MEMBER(target),	       MEMBER(workload),
};

static const char *text_of(const struct claim *c, const struct member *m)
{
	return (const char *)c + m->offset;
}

const char *claim_member(size_t i)
{
	return i < ARRAY_LEN(members) ? members[i].name : NULL;
}

char *claim_field(struct claim *c, const char *name, size_t *size)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (!strcmp(members[i].name, name)) {
			*size = members[i].size;
			return (char *)c + members[i].offset;
		}
	return NULL;
}

bool claim_is_text(const struct claim *c)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *s = text_of(c, &members[i]);

		if (strnlen(s, members[i].size) == members[i].size)
			return false;
		for (; *s; s++)
			if ((unsigned char)*s < 0x20 || *s == 0x7f)
				return false;
	}
	return true;
}

char *claim_text(const struct claim *c)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!*text_of(c, &members[i]))
			continue;
		buf_puts(&b, b.len ? "," : "{");
		quote_add(&b, members[i].name);
		buf_puts(&b, ":");
		quote_add(&b, text_of(c, &members[i]));
	}
	buf_puts(&b, b.len ? "}" : "{}");
	return buf_take(&b);
}

/* ---- does it hold? ---------------------------------------------------- */

/* Sets the message; the fault. */
#define FAULT(fault, ...) (err_set(EACCES, __VA_ARGS__), STATEMENT_##fault)

static enum statement_fault check_form(const struct claim *c)
{
	if (strcmp(c->kind, CLAIM_KIND) || strcmp(c->decision, "accepted") ||
	    !key_is_time(c->issued) || !key_is_time(c->expires))
		return FAULT(DAMAGED,
			     "the verdict's signature is not about an "
			     "accepted verdict, or its times are none: "
			     "verify again");
	return STATEMENT_HOLDS;
}

static enum statement_fault check_revoked(const struct trust *t,
					  const struct claim *c)
{
	const char *why = trust_revoked(t, "key", c->key);

	if (why)
		return FAULT(REVOKED,
			     "the verdict is signed with the key %.12s, which "
			     "is revoked (%s): verify again with another",
			     c->key, why);
	why = trust_revoked(t, "policy", c->policy);
	if (why)
		return FAULT(REVOKED, "policy %.12s is revoked: %s", c->policy,
			     why);
	why = trust_revoked(t, "verdict", c->evidence_sha256);
	if (why)
		return FAULT(REVOKED, "the verdict is revoked: %s", why);
	return STATEMENT_HOLDS;
}

static enum statement_fault check_key(const struct trust *t,
				      const struct claim *c,
				      const char *ed25519)
{
	enum statement_fault fault = STATEMENT_HOLDS;
	char *text;

	if (!trust_key(t, c->key))
		return FAULT(FOREIGN,
			     "the verdict is signed with the key %.12s, which "
			     "is not trusted here: if you know whose it is, "
			     "put its .pub file into " TRUST_SYSTEM_FOLDER
			     " or your own folder of keys "
			     "(schedkit-keys(5))",
			     c->key);
	text = claim_text(c);
	if (!sign_check(c->key, text, strlen(text), ed25519))
		fault = FAULT(FORGED,
			      "the signature is not that of the key %.12s: the "
			      "statement was altered or the signature forged; "
			      "verify again",
			      c->key);
	free(text);
	return fault;
}

static enum statement_fault check_times(const struct trust *t,
					const struct claim *c, time_t now)
{
	const struct key_info *k = trust_key(t, c->key);
	char text[CLOCK_TEXT_LEN], early[CLOCK_TEXT_LEN], late[CLOCK_TEXT_LEN];

	clock_text(now, text);
	clock_text(now - STATEMENT_SKEW_S, early);
	clock_text(now + STATEMENT_SKEW_S, late);
	if (strcmp(c->issued, late) > 0)
		return FAULT(FUTURE,
			     "the verdict was signed at %s, and here it is %s: "
			     "set the clock of one of the two machines, or "
			     "verify again",
			     c->issued, text);
	if (strcmp(c->expires, early) < 0)
		return FAULT(EXPIRED,
			     "the signature has expired at %s: verify again, "
			     "or 'sched-verify --sign ID' if you still vouch "
			     "for it",
			     c->expires);
	if (key_expired(k, now - STATEMENT_SKEW_S))
		return FAULT(EXPIRED,
			     "the key %.12s has expired at %s: verify again "
			     "with another ('sched-verify --new-key')",
			     k->id, k->expires);
	return STATEMENT_HOLDS;
}

enum statement_fault claim_check(const struct trust *t, const struct claim *c,
				 const char *ed25519, time_t now)
{
	enum statement_fault fault = check_form(c);

	if (!fault)
		fault = check_revoked(t, c);
	if (!fault)
		fault = check_key(t, c, ed25519);
	if (!fault)
		fault = check_times(t, c, now);
	return fault;
}
