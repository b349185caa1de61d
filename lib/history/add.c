/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "history/entry.h"
#include "history/layout.h"
#include "history/note.h"
#include "history/words.h"

/* How often the reference may be moved by others (git push) meanwhile. */
#define TRIES 50

bool history_keeps(const char *kind)
{
	return words_known(kind);
}

static time_t doc_time(const struct doc *d)
{
	const char *text = json_as_string(json_get(d->env, "time"), "");
	struct tm tm = {0};

	return strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) ? timegm(&tm) : 0;
}

static int exists(const struct history *h, const git_tree *root,
		  const char *kind, const char *id)
{
	char path[LAYOUT_PATH_LEN];
	git_tree_entry *e = NULL;
	int rc;

	if (!root)
		return 0;
	layout_path(path, sizeof(path), kind, id, "document.json");
	rc = git_tree_entry_bypath(&e, root, path);
	git_tree_entry_free(e);
	if (rc == GIT_ENOTFOUND && git_error_last()->klass == GIT_ERROR_TREE)
		return 0;
	return rc ? repo_fail(h, rc, "cannot look for %s %.12s", kind, id) : 1;
}

/* "Profile: <id>" once for each parent, by what kind the history has it as. */
static int name_parent(const struct history *h, const git_tree *root,
		       const char *id, struct strs *trailers)
{
	const char *kind = "parent";
	int rc = 0;

	for (const char *const *k = doc_kinds; *k && rc == 0; k++) {
		if (!words_known(*k))
			continue;
		rc = exists(h, root, *k, id);
		if (rc > 0)
			kind = *k;
	}
	if (rc < 0)
		return rc;
	strs_printf(trailers, "%c%s: %s", kind[0] - 'a' + 'A', kind + 1, id);
	return 0;
}

static bool is_parent(const struct doc *d, const char *id)
{
	for (size_t i = 0; i < doc_parent_count(d); i++) {
		if (!strcmp(doc_parent(d, i), id))
			return true;
	}
	return false;
}

/* The title of the policy that d is about; NULL when it is not there. */
static int policy_title(const struct history *h, const git_tree *root,
			const struct doc *d, char **title)
{
	const char *id = words_policy(d);
	char path[LAYOUT_PATH_LEN];
	struct json *body;
	struct buf text;
	int rc;

	*title = NULL;
	if (!id || !root)
		return 0;
	buf_init(&text, DOC_MAX_LINE * 4);
	layout_path(path, sizeof(path), "policy", id, "policy.json");
	rc = layout_read(h, root, path, &text);
	body = rc ? NULL : json_parse(text.data, text.len);
	if (body) {
		*title =
			mem_strdup(json_as_string(json_get(body, "title"), ""));
		json_free(body);
	}
	buf_release(&text);
	return rc == -ENOENT ? 0 : rc;
}

static int make_context(const struct history *h, const git_tree *root,
			const struct doc *d, struct words_context *c,
			char **title)
{
	const char *policy = words_policy(d);
	int rc;

	*c = (struct words_context){0};
	rc = policy_title(h, root, d, title);
	c->title = *title;
	if (!rc && policy && !is_parent(d, policy))
		strs_printf(&c->trailers, "Policy: %s", policy);
	for (size_t i = 0; !rc && i < doc_parent_count(d); i++)
		rc = name_parent(h, root, doc_parent(d, i), &c->trailers);
	return rc;
}

static int make_commit(const struct history *h, git_commit *head,
		       git_tree *root, const struct doc *d, git_oid *out)
{
	const git_commit *parents[] = {head};
	git_signature *sig = repo_signature(doc_time(d));
	struct words_context c;
	git_tree *tree = NULL;
	char *title = NULL;
	struct buf words;
	git_oid oid;
	int rc;

	buf_init(&words, DOC_MAX_LINE);
	rc = make_context(h, root, d, &c, &title);
	if (!rc)
		rc = layout_write(h, root, d, &c, &oid);
	if (rc)
		goto out;
	words_commit(&words, d, &c);
	rc = git_tree_lookup(&tree, h->repo, &oid);
	if (!rc)
		rc = git_commit_create(out, h->repo, NULL, sig, sig, NULL,
				       words.data, tree, head ? 1 : 0, parents);
	if (rc)
		rc = repo_fail(h, rc, "cannot record %s %.12s", d->kind, d->id);
out:
	git_tree_free(tree);
	buf_release(&words);
	strs_release(&c.trailers);
	free(title);
	git_signature_free(sig);
	return rc;
}

/*
 * Before the branch moves: a process killed in between leaves a note to a
 * commit that the next attempt makes again, bit for bit.
 */
static int make_notes(const struct history *h, const git_oid *head,
		      const git_tree *root, const git_oid *commit,
		      const struct doc *d)
{
	struct entry policy = {0};
	struct notes notes;
	struct buf text;
	int rc;

	buf_init(&text, 1 << 20);
	rc = note_begin(h, &notes);
	if (rc)
		goto out;
	words_metrics(&text, d);
	if (text.len)
		rc = note_append(&notes, commit, text.data);
	if (!rc)
		rc = exists(h, root, "policy", words_policy(d));
	if (rc == 1)
		rc = entry_find(h, head, "policy", words_policy(d), &policy);
	if (rc == 1) {
		buf_reset(&text);
		words_policy_note(&text, d);
		rc = note_append(&notes, &policy.commit, text.data);
	}
	if (!rc)
		rc = note_end(&notes, doc_time(d), "Metrics of a verdict\n");
out:
	note_release(&notes);
	buf_release(&text);
	return rc;
}

/* 1 when it has to be tried again on the new state; *added says the rest. */
static int try_add(struct history *h, const struct doc *d, bool *added)
{
	git_commit *head;
	git_oid at = {{0}}, commit;
	git_tree *root;
	int rc;

	rc = ref_tree(h, HISTORY_BRANCH, &head, &root);
	if (rc)
		return rc;
	if (head)
		git_oid_cpy(&at, git_commit_id(head));
	rc = exists(h, root, d->kind, d->id);
	if (rc) {
		rc = rc < 0 ? rc : 0;
		goto out;
	}
	rc = make_commit(h, head, root, d, &commit);
	if (!rc && !strcmp(d->kind, "verdict"))
		rc = make_notes(h, &at, root, &commit, d);
	if (!rc)
		rc = ref_move(h, HISTORY_BRANCH, &at, &commit);
	*added = rc == 0;
out:
	git_commit_free(head);
	git_tree_free(root);
	return rc;
}

int history_add(struct history *h, const struct doc *d)
{
	bool added = false;
	int rc;

	if (!history_keeps(d->kind))
		return 0;
	rc = repo_lock(h);
	if (rc)
		return rc;
	rc = 1;
	for (int i = 0; rc == 1 && i < TRIES; i++)
		rc = try_add(h, d, &added);
	repo_unlock(h);
	if (rc == 1)
		return err_set(EAGAIN,
			       "the history in '%s' is changed by another "
			       "program all the time: try again later",
			       h->dir);
	return rc ? rc : added;
}
