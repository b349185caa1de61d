/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/history.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "history/commit.h"
#include "history/entry.h"
#include "history/note.h"
#include "history/words.h"

/* How often the reference may be moved by others (git push) meanwhile. */
#define TRIES 50

#define NOTE_TEXT_MAX (1u << 20)

bool history_keeps(const char *kind)
{
	return words_known(kind);
}

/* Commits on their way: they exist, but no reference leads to them yet. */
struct chain {
	const struct history *h;
	git_oid at;	  /* of the branch when the chain began */
	git_commit *head; /* its end; NULL: the history is empty */
	git_tree *root;	  /* of head */
	struct notes notes;
	size_t added;
};

static void chain_release(struct chain *c)
{
	git_commit_free(c->head);
	git_tree_free(c->root);
	note_release(&c->notes);
}

static int chain_begin(struct chain *c, const struct history *h)
{
	int rc;

	*c = (struct chain){.h = h};
	rc = ref_tree(h, HISTORY_BRANCH, &c->head, &c->root);
	if (!rc && c->head)
		git_oid_cpy(&c->at, git_commit_id(c->head));
	return rc ? rc : note_begin(h, &c->notes);
}

static int add_notes(struct chain *c, const git_oid *commit,
		     const struct doc *d)
{
	struct entry policy = {0};
	git_oid from = {{0}};
	struct buf text;
	int rc = 0;

	if (c->head)
		git_oid_cpy(&from, git_commit_id(c->head));
	buf_init(&text, NOTE_TEXT_MAX);
	words_metrics(&text, d);
	if (text.len)
		rc = note_append(&c->notes, commit, text.data);
	if (!rc && words_policy(d))
		rc = commit_exists(c->h, c->root, "policy", words_policy(d));
	if (rc == 1)
		rc = entry_find(c->h, &from, "policy", words_policy(d),
				&policy);
	if (rc == 1) {
		buf_reset(&text);
		words_policy_note(&text, d);
		rc = note_append(&c->notes, &policy.commit, text.data);
	}
	if (!rc)
		rc = note_commit(&c->notes, commit_time(d));
	buf_release(&text);
	return rc;
}

static int chain_extend(struct chain *c, const git_oid *commit)
{
	git_commit *head = NULL;
	git_tree *root = NULL;
	int rc;

	rc = git_commit_lookup(&head, c->h->repo, commit);
	if (!rc)
		rc = git_commit_tree(&root, head);
	if (rc) {
		git_commit_free(head);
		return repo_fail(c->h, rc, "cannot read back a commit");
	}
	git_commit_free(c->head);
	git_tree_free(c->root);
	c->head = head;
	c->root = root;
	c->added++;
	return 0;
}

static int chain_add(struct chain *c, const struct doc *d)
{
	git_oid commit;
	int rc;

	if (!history_keeps(d->kind))
		return 0;
	rc = commit_exists(c->h, c->root, d->kind, d->id);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = commit_make(c->h, c->head, c->root, d, &commit);
	if (!rc && !strcmp(d->kind, "verdict"))
		rc = add_notes(c, &commit, d);
	return rc ? rc : chain_extend(c, &commit);
}

/*
 * Everything is on the disk before anything points to it.  Notes go first: a
 * process killed in between leaves a note to a commit that the next attempt
 * makes again, bit for bit.
 */
static int chain_publish(struct chain *c)
{
	int rc;

	if (!c->added)
		return 0;
	rc = repo_sync(c->h);
	if (!rc)
		rc = note_move(&c->notes);
	return rc ? rc
		  : ref_move(c->h, HISTORY_BRANCH, &c->at,
			     git_commit_id(c->head));
}

/* The number recorded; -ESTALE when a reference moved meanwhile. */
static int try_add(const struct history *h, const struct doc *const *docs,
		   size_t n)
{
	struct chain c;
	int rc = chain_begin(&c, h), added;

	for (size_t i = 0; !rc && i < n; i++)
		rc = chain_add(&c, docs[i]);
	if (!rc)
		rc = chain_publish(&c);
	added = (int)c.added;
	chain_release(&c);
	if (rc == 1)
		return -ESTALE;
	return rc ? rc : added;
}

int history_add(struct history *h, const struct doc *const *docs, size_t n)
{
	int rc = repo_lock(h);

	if (rc)
		return rc;
	rc = -ESTALE;
	for (int i = 0; rc == -ESTALE && i < TRIES; i++)
		rc = try_add(h, docs, n);
	repo_unlock(h);
	if (rc == -ESTALE)
		return err_set(EAGAIN,
			       "the history in '%s' is changed by another "
			       "program all the time: try again later",
			       h->dir);
	return rc;
}
