/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/verifier/signer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "trust/statement.h"

#define DAY_S 86400.0

struct signer {
	struct signer_opts o;
	char *folder;
	struct key_info info;
	struct sign_key *key; /* NULL: not opened yet */
	bool made;
};

struct signer *signer_new(const struct signer_opts *o)
{
	struct signer *s = mem_zalloc(1, sizeof(*s));

	s->o = *o;
	s->folder = trust_own_folder();
	return s;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	sign_key_free(s->key);
	free(s->info.path);
	free(s->folder);
	free(s);
}

const struct key_info *signer_key(const struct signer *s)
{
	return s->key ? &s->info : NULL;
}

bool signer_made_key(const struct signer *s)
{
	return s->made;
}

/* ---- which key -------------------------------------------------------- */

static void take_key(struct signer *s, const struct key_info *info,
		     struct sign_key *key)
{
	sign_key_free(s->key);
	free(s->info.path);
	s->info = *info;
	s->key = key;
}

/* 1: it may sign and is newer than what was found so far; 0; -errno. */
static int consider(struct signer *s, const struct trust *t, const char *name,
		    char *why, size_t size)
{
	struct sign_key *key;
	struct key_info info;
	const char *revoked;
	int rc = key_open(s->folder, name, &info, &key);

	if (rc)
		return rc;
	revoked = trust_revoked(t, "key", info.id);
	if (revoked)
		snprintf(why, size, "'%s' is revoked (%.200s)", name, revoked);
	else if (key_expired(&info, clock_wall()))
		snprintf(why, size, "'%s' has expired at %s", name,
			 info.expires);
	else if (!s->key || strcmp(info.made, s->info.made) >= 0) {
		take_key(s, &info, key);
		return 1;
	}
	sign_key_free(key);
	free(info.path);
	return 0;
}

static int make_first(struct signer *s)
{
	struct key_info made;
	int rc = key_make(s->folder, SIGNER_FIRST, 0, &made);

	/* Another one of us has been faster. */
	if (rc && rc != -EEXIST)
		return err_prefix(rc, "no key could be made");
	s->made = !rc;
	if (!rc)
		free(made.path);
	return key_open(s->folder, SIGNER_FIRST, &s->info, &s->key);
}

static int choose_key(struct signer *s, const struct trust *t,
		      const struct strs *names)
{
	char why[512] = "";
	int rc = 0;

	/* One that cannot be opened is said, not passed over. */
	for (size_t i = 0; i < names->len && rc >= 0; i++)
		if (!s->o.key || !strcmp(s->o.key, names->v[i]))
			rc = consider(s, t, names->v[i], why, sizeof(why));
	if (rc < 0 || s->key)
		return rc < 0 ? rc : 0;
	if (*why)
		return err_set(ENOENT,
			       "no key may sign: %s; 'sched-verify --new-key "
			       "NAME' makes another",
			       why);
	if (s->o.key)
		return err_set(ENOENT,
			       "there is no key '%s' in '%s': 'sched-verify "
			       "--keys' lists them",
			       s->o.key, s->folder);
	if (!s->o.make_first)
		return err_set(ENOENT,
			       "there is no key in '%s': "
			       "'sched-verify --new-key' makes one",
			       s->folder);
	return make_first(s);
}

static int open_key(struct signer *s)
{
	struct strs names = {0};
	struct trust *t;
	int rc;

	if (s->key)
		return 0;
	rc = trust_open(&t);
	if (rc)
		return rc;
	rc = key_names(s->folder, &names);
	if (!rc)
		rc = choose_key(s, t, &names);
	strs_release(&names);
	trust_free(t);
	return rc;
}

int signer_sign(struct signer *s, struct json *verdict,
		const struct doc *policy)
{
	int rc = open_key(s);
	time_t now = clock_wall();

	if (rc)
		return rc;
	return statement_sign(s->key, verdict, policy, now,
			      now + (time_t)(s->o.days * DAY_S));
}

int signer_private(struct signer *s, const struct sign_key **out)
{
	int rc = open_key(s);

	*out = rc ? NULL : s->key;
	return rc;
}

/* ---- vouching --------------------------------------------------------- */

static int find(const struct stream *stream, const char *id,
		const struct doc **verdict, const struct doc **policy)
{
	size_t found = 0;

	for (size_t i = 0; i < stream_count(stream); i++) {
		const struct doc *d = stream_at(stream, i);

		if (strcmp(d->kind, "verdict") ||
		    strncmp(d->id, id, strlen(id)) ||
		    (found && !strcmp((*verdict)->id, d->id)))
			continue;
		*verdict = d;
		found++;
	}
	if (found != 1 || !*id)
		return err_set(ENODATA,
			       "%s verdict in the stream has an id that begins "
			       "with '%s'",
			       found ? "more than one" : "no", id);
	*policy = stream_find(stream, json_text_at((*verdict)->body, "policy"));
	if (!*policy || strcmp((*policy)->kind, "policy"))
		return err_set(ENODATA,
			       "the policy of verdict %.12s is not in "
			       "the stream",
			       (*verdict)->id);
	return 0;
}

/* Nobody's name goes under what somebody has altered or called back. */
static int check_former(const struct doc *verdict, const struct doc *policy)
{
	enum statement_fault fault;
	struct trust *t;
	int rc = trust_open(&t);

	if (rc)
		return rc;
	fault = statement_judge(t, verdict, policy, clock_wall());
	trust_free(t);
	if (fault == STATEMENT_FORGED || fault == STATEMENT_ALTERED ||
	    fault == STATEMENT_DAMAGED || fault == STATEMENT_REVOKED)
		return err_prefix(-EINVAL, "verdict %.12s is not signed",
				  verdict->id);
	return 0;
}

static int emit_signed(struct signer *s, struct stream *stream,
		       const struct doc *verdict, const struct doc *policy)
{
	size_t n = doc_parent_count(verdict);
	const char **parents = mem_zalloc(n + 1, sizeof(*parents));
	struct json *body = json_copy(verdict->body);
	int rc = signer_sign(s, body, policy);

	if (rc) {
		json_free(body);
	} else {
		for (size_t i = 0; i < n; i++)
			parents[i] = doc_parent(verdict, i);
		parents[n] = verdict->id;
		rc = stream_emit(stream, doc_new("verdict", "sched-verify",
						 body, parents, n + 1));
	}
	free(parents);
	return rc;
}

int signer_vouch(struct signer *s, struct stream *stream, const char *id)
{
	const struct doc *verdict = NULL, *policy = NULL;
	int rc = stream_take_all(stream,
				 "nothing of a damaged stream is signed");

	if (!rc)
		rc = find(stream, id, &verdict, &policy);
	if (!rc)
		rc = check_former(verdict, policy);
	return rc ? rc : emit_signed(s, stream, verdict, policy);
}
