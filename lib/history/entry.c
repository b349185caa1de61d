/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/entry.h"

#include <string.h>

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

int entry_walk(const struct history *h, const git_oid *from,
	       int (*fn)(const struct entry *e, const git_commit *c, void *arg),
	       void *arg)
{
	git_revwalk *walk = NULL;
	struct entry e;
	int rc, stop = 0;

	if (git_oid_is_zero(from))
		return 0;
	rc = git_revwalk_new(&walk, h->repo);
	if (!rc)
		rc = git_revwalk_push(walk, from);
	while (!rc && !stop && !(rc = git_revwalk_next(&e.commit, walk))) {
		git_commit *c = NULL;

		rc = git_commit_lookup(&c, h->repo, &e.commit);
		if (!rc && entry_parse(git_commit_message(c), &e))
			stop = fn(&e, c, arg);
		git_commit_free(c);
	}
	git_revwalk_free(walk);
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

	return id ? entry_walk(h, from, match, &w) : 0;
}
