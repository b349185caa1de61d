/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/entry.h"

#include <string.h>

#include "doc/ids.h"

/* The value of a trailer, the last one of that name. */
static bool trailer(const char *message, const char *name, char *out,
		    size_t size)
{
	const char *at = NULL, *next = message;
	size_t n;

	while ((next = strstr(next, name)))
		at = next += strlen(name);
	n = at ? strcspn(at, "\n") : 0;
	if (!n || n >= size)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

bool entry_parse(const char *message, struct entry *e)
{
	return trailer(message, "\nKind: ", e->kind, sizeof(e->kind)) &&
	       trailer(message, "\nId: ", e->id, sizeof(e->id)) &&
	       strlen(e->id) == DOC_ID_LEN - 1 &&
	       strspn(e->id, "0123456789abcdef") == DOC_ID_LEN - 1;
}

/* What was seen, by the place of its kind in doc_kinds. */
#define KINDS_MAX 16

struct seen {
	struct ids of[KINDS_MAX];
};

static bool first_time(struct seen *s, const struct entry *e)
{
	size_t k = 0;
	uint32_t before;

	while (k < KINDS_MAX - 1 && doc_kinds[k] &&
	       strcmp(doc_kinds[k], e->kind))
		k++;
	before = s->of[k].count;
	return ids_number(&s->of[k], e->id) == before;
}

static void seen_release(struct seen *s)
{
	for (size_t i = 0; i < KINDS_MAX; i++)
		ids_release(&s->of[i]);
}

static int begin(const struct history *h, const git_oid *from,
		 const git_oid *until, git_revwalk **walk)
{
	git_commit *c = NULL;
	int rc = git_revwalk_new(walk, h->repo);

	if (!rc)
		rc = git_revwalk_push(*walk, from);
	/* What was rewritten meanwhile hides nothing. */
	if (!rc && until && !git_oid_is_zero(until) &&
	    !git_commit_lookup(&c, h->repo, until))
		rc = git_revwalk_hide(*walk, until);
	git_commit_free(c);
	return rc;
}

int entry_walk(const struct history *h, const git_oid *from,
	       const git_oid *until,
	       int (*fn)(const struct entry *e, const git_commit *c, void *arg),
	       void *arg)
{
	git_revwalk *walk = NULL;
	struct seen seen;
	struct entry e;
	int rc, stop = 0;

	if (git_oid_is_zero(from))
		return 0;
	for (size_t i = 0; i < KINDS_MAX; i++)
		ids_init(&seen.of[i]);
	rc = begin(h, from, until, &walk);
	while (!rc && !stop && !(rc = git_revwalk_next(&e.commit, walk))) {
		git_commit *c = NULL;

		rc = git_commit_lookup(&c, h->repo, &e.commit);
		if (!rc && entry_parse(git_commit_message(c), &e) &&
		    first_time(&seen, &e))
			stop = fn(&e, c, arg);
		git_commit_free(c);
	}
	git_revwalk_free(walk);
	seen_release(&seen);
	if (rc && rc != GIT_ITEROVER)
		return repo_fail(h, rc, "cannot read the log");
	return stop;
}

struct wanted {
	const char *kind, *id;
	struct entry *out;
};

static int match(const struct entry *e, const git_commit *c, void *arg)
{
	struct wanted *w = arg;

	(void)c;
	if (strcmp(e->kind, w->kind) || strcmp(e->id, w->id))
		return 0;
	*w->out = *e;
	return 1;
}

int entry_find(const struct history *h, const git_oid *from, const char *kind,
	       const char *id, struct entry *out)
{
	struct wanted w = {kind, id, out};

	return id ? entry_walk(h, from, NULL, match, &w) : 0;
}
