/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own structure: documents, their places, and what points to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "history/commit.h"
#include "history/fsck_parts.h"
#include "history/layout.h"
#include "history/state.h"

#define MEND "'git revert' the commit that did it"

static const char *kind_of(const char *folder)
{
	char name[HISTORY_KIND_LEN + 4];

	for (const char *const *k = doc_kinds; *k; k++) {
		layout_folder(name, sizeof(name), *k);
		if (history_keeps(*k) && !strcmp(name, folder))
			return *k;
	}
	return NULL;
}

static bool is_id(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static void stray(struct fsck *f, const char *a, const char *b, const char *c)
{
	fsck_say(f, FSCK_WRONG,
		 "'%.80s%s%.80s%s%.80s' is no part of a history: " MEND, a,
		 *b ? "/" : "", b, *c ? "/" : "", c);
}

/* ---- a document -------------------------------------------------------- */

static int parents(struct fsck *f, git_tree *root, const struct doc *d)
{
	for (size_t i = 0; i < doc_parent_count(d); i++) {
		const char *id = doc_parent(d, i);
		int there = 0;

		for (const char *const *k = doc_kinds; *k && there == 0; k++)
			if (history_keeps(*k))
				there = commit_exists(f->h, root, *k, id);
		if (there < 0)
			return there;
		if (!there)
			fsck_say(f, FSCK_SAID,
				 "%s %.12s: its parent %.12s is not here",
				 d->kind, d->id, id);
	}
	return 0;
}

/* Its body for people is the body, in whatever order. */
static int body(struct fsck *f, git_tree *root, const struct doc *d)
{
	char file[HISTORY_KIND_LEN + 8], path[LAYOUT_PATH_LEN];
	char id[DOC_ID_LEN] = "";
	struct json *v = NULL;
	struct buf text;

	snprintf(file, sizeof(file), "%s.json", d->kind);
	layout_path(path, sizeof(path), d->kind, d->id, file);
	buf_init(&text, DOC_MAX_LINE * 4);
	if (!layout_read(f->h, root, path, &text) && text.len)
		v = json_parse(text.data, text.len);
	if (v)
		doc_body_id(v, id);
	if (strcmp(id, d->id))
		fsck_say(f, FSCK_WRONG,
			 "'%s' is not what its document says: " MEND, path);
	json_free(v);
	buf_release(&text);
	return 0;
}

/* They are in the document, whatever becomes of the notes. */
static void figures(struct fsck *f, const struct doc *d)
{
	if (!strcmp(d->kind, "verdict") &&
	    json_len(json_get(d->body, "metrics")) &&
	    ids_find(&f->noted, d->id) == IDS_NONE)
		fsck_say(f, FSCK_SAID,
			 "verdict %.12s: its figures are not in git's notes",
			 d->id);
}

static int document(struct fsck *f, git_tree *root, const char *kind,
		    const char *id)
{
	struct doc *d = NULL;
	int rc = history_read(f->h, kind, id, &d);

	f->result->documents++;
	if (rc) {
		fsck_say(f, FSCK_DAMAGED,
			 "%s %.12s: %s: " MEND ", or pull it from elsewhere",
			 kind, id, err_text());
		return 0;
	}
	if (strcmp(d->id, id) || strcmp(d->kind, kind))
		fsck_say(f, FSCK_DAMAGED,
			 "%s %.12s: another document, %s %.12s, is in its "
			 "place: " MEND,
			 kind, id, d->kind, d->id);
	else
		rc = body(f, root, d);
	if (!rc)
		figures(f, d);
	if (!rc)
		rc = parents(f, root, d);
	doc_free(d);
	return rc;
}

/* ---- the tree ---------------------------------------------------------- */

static int digits(struct fsck *f, git_tree *root, const char *kind,
		  const char *folder, const git_tree_entry *e)
{
	const char *two = git_tree_entry_name(e);
	git_tree *t = NULL;
	int rc = 0;

	if (!is_id(two, 2) || git_tree_entry_type(e) != GIT_OBJECT_TREE) {
		stray(f, folder, two, "");
		return 0;
	}
	if (git_tree_lookup(&t, f->h->repo, git_tree_entry_id(e)))
		return 0; /* was said */
	for (size_t i = 0; !rc && i < git_tree_entrycount(t); i++) {
		const git_tree_entry *x = git_tree_entry_byindex(t, i);
		const char *id = git_tree_entry_name(x);

		if (!is_id(id, DOC_ID_LEN - 1) || strncmp(id, two, 2) ||
		    git_tree_entry_type(x) != GIT_OBJECT_TREE)
			stray(f, folder, two, id);
		else
			rc = document(f, root, kind, id);
	}
	git_tree_free(t);
	return rc;
}

static int top(struct fsck *f, git_tree *root, const git_tree_entry *e)
{
	const char *folder = git_tree_entry_name(e);
	const char *kind = kind_of(folder);
	git_tree *t = NULL;
	int rc = 0;

	if (!kind || git_tree_entry_type(e) != GIT_OBJECT_TREE) {
		stray(f, folder, "", "");
		return 0;
	}
	if (git_tree_lookup(&t, f->h->repo, git_tree_entry_id(e)))
		return 0;
	for (size_t i = 0; !rc && i < git_tree_entrycount(t); i++)
		rc = digits(f, root, kind, folder,
			    git_tree_entry_byindex(t, i));
	git_tree_free(t);
	return rc;
}

/* ---- what points to documents ------------------------------------------ */

static int states(struct fsck *f)
{
	struct history_state *s;
	size_t n;
	int rc = history_states(f->h, NULL, &s, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct doc *d = NULL;

		if (history_read(f->h, "policy", s[i].policy, &d))
			fsck_say(f, FSCK_WRONG,
				 "the %s policy %.12s for '%.60s' is not here: "
				 "demote it, or pull it from elsewhere",
				 state_names[s[i].state], s[i].policy,
				 s[i].workload);
		doc_free(d);
	}
	history_states_free(s, n);
	return 0;
}

int fsck_documents(struct fsck *f)
{
	git_commit *head = NULL;
	git_tree *root = NULL;
	int rc = 0;

	if (fsck_ref(f, HISTORY_BRANCH, &head, &root))
		return 0;
	for (size_t i = 0; root && !rc && i < git_tree_entrycount(root); i++)
		rc = top(f, root, git_tree_entry_byindex(root, i));
	git_commit_free(head);
	git_tree_free(root);
	if (f->result->count[FSCK_DAMAGED])
		return 0;
	return rc ? rc : states(f);
}
