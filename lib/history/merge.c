/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/ids.h"
#include "history/commit.h"
#include "history/entry.h"
#include "history/layout.h"
#include "history/merge_parts.h"

#define TRIES 50

/* ---- commits ----------------------------------------------------------- */

bool merge_has(const struct history *h, const git_commit *a,
	       const git_commit *b)
{
	if (!b)
		return true;
	if (!a)
		return false;
	return git_oid_equal(git_commit_id(a), git_commit_id(b)) ||
	       git_graph_descendant_of(h->repo, git_commit_id(a),
				       git_commit_id(b)) == 1;
}

int merge_commit(const struct history *h, git_commit *ours, git_commit *theirs,
		 const git_oid *tree, git_oid *out)
{
	const git_commit *parents[2];
	git_signature *sig = repo_signature(clock_wall());
	git_tree *root = NULL;
	size_t n = 0;
	int rc = git_tree_lookup(&root, h->repo, tree);

	if (ours)
		parents[n++] = ours;
	if (theirs)
		parents[n++] = theirs;
	if (!rc)
		rc = git_commit_create(out, h->repo, NULL, sig, sig, NULL,
				       "Merge the history of another place\n",
				       root, n, parents);
	git_tree_free(root);
	git_signature_free(sig);
	return rc ? repo_fail(h, rc, "cannot merge") : 0;
}

int merge_point(const struct history *h, git_commit *ours, git_commit *theirs,
		const git_tree *tree, bool changed, bool on_top, git_oid *to)
{
	memset(to, 0, sizeof(*to));
	if (!changed && (!on_top || merge_has(h, ours, theirs)))
		return 0;
	if (merge_has(h, theirs, ours) &&
	    git_oid_equal(git_tree_id(tree), git_commit_tree_id(theirs))) {
		git_oid_cpy(to, git_commit_id(theirs));
		return 0;
	}
	return merge_commit(h, ours, theirs, git_tree_id(tree), to);
}

/* ---- documents --------------------------------------------------------- */

/* The two sides, and what becomes of them. */
struct sides {
	struct history *h;
	git_commit *ours, *theirs;
	git_tree *our_tree, *their_tree;
	git_tree *tree;	       /* what it becomes; NULL: nothing yet */
	struct ids logged;     /* ids that commits of theirs record */
	struct doc **unlogged; /* those that none does */
	size_t unlogged_n;
	size_t taken, lacking; /* new to us, new to them */
};

static int sides_open(struct sides *s, struct history *h, const char *prefix)
{
	char *name = mem_printf("%sheads/main", prefix);
	int rc;

	*s = (struct sides){.h = h};
	ids_init(&s->logged);
	rc = ref_tree(h, HISTORY_BRANCH, &s->ours, &s->our_tree);
	if (!rc)
		rc = ref_tree(h, name, &s->theirs, &s->their_tree);
	free(name);
	return rc;
}

static void sides_close(struct sides *s)
{
	git_commit_free(s->ours);
	git_commit_free(s->theirs);
	git_tree_free(s->our_tree);
	git_tree_free(s->their_tree);
	git_tree_free(s->tree);
	ids_release(&s->logged);
	for (size_t i = 0; i < s->unlogged_n; i++)
		doc_free(s->unlogged[i]);
	free(s->unlogged);
}

static int note_logged(const struct entry *e, const git_commit *c, void *arg)
{
	struct sides *s = arg;

	(void)c;
	ids_number(&s->logged, e->id);
	return 0;
}

/* A document of theirs is what its place says, or nothing is taken. */
static int read_theirs(const struct sides *s, const git_tree *root,
		       const char *kind, const char *id, struct doc **out)
{
	char path[LAYOUT_PATH_LEN];
	git_tree_entry *e = NULL;
	git_odb *odb = NULL;
	git_object_t type = GIT_OBJECT_INVALID;
	struct buf line;
	size_t size = 0;
	int rc;

	layout_path(path, sizeof(path), kind, id, "document.json");
	buf_init(&line, DOC_MAX_LINE + 1);
	rc = git_tree_entry_bypath(&e, root, path);
	if (!rc)
		rc = git_repository_odb(&odb, s->h->repo);
	if (!rc)
		rc = git_odb_read_header(&size, &type, odb,
					 git_tree_entry_id(e));
	git_odb_free(odb);
	git_tree_entry_free(e);
	if (rc || type != GIT_OBJECT_BLOB || size > DOC_MAX_LINE + 1)
		return err_set(EBADMSG,
			       "what was fetched has no document '%s': nothing "
			       "of it was taken",
			       path);
	rc = layout_read(s->h, root, path, &line);
	if (!rc && line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (!rc && doc_parse(line.data ? line.data : "", line.len, out)) {
		err_prefix(0,
			   "'%s' of what was fetched, of which nothing was "
			   "taken",
			   path);
		rc = -EBADMSG;
	} else if (!rc &&
		   (strcmp((*out)->kind, kind) || strcmp((*out)->id, id))) {
		doc_free(*out);
		*out = NULL;
		rc = err_set(EBADMSG,
			     "what was fetched has another document in '%s': "
			     "nothing of it was taken",
			     path);
	}
	buf_release(&line);
	return rc;
}

static int put_in_tree(struct sides *s, const struct doc *d)
{
	git_tree *next = NULL;
	git_oid oid;
	int rc = commit_tree(s->h, s->tree, d, &oid);

	if (rc)
		return rc;
	rc = git_tree_lookup(&next, s->h->repo, &oid);
	if (rc)
		return repo_fail(s->h, rc, "cannot merge");
	git_tree_free(s->tree);
	s->tree = next;
	return 0;
}

static int take(struct sides *s, const char *kind, const char *id)
{
	struct doc *d = NULL;
	int rc = read_theirs(s, s->their_tree, kind, id, &d);

	if (rc)
		return rc;
	s->taken++;
	if (ids_find(&s->logged, id) != IDS_NONE) {
		rc = put_in_tree(s, d);
		doc_free(d);
		return rc;
	}
	s->unlogged = mem_realloc(s->unlogged, s->unlogged_n + 1,
				  sizeof(*s->unlogged));
	s->unlogged[s->unlogged_n++] = d;
	return 0;
}

/* The tree at a name of another; NULL: there is none. */
static int below(const struct history *h, const git_tree *t, const char *name,
		 git_tree **out)
{
	const git_tree_entry *e = t ? git_tree_entry_byname(t, name) : NULL;
	int rc;

	*out = NULL;
	if (!e || git_tree_entry_type(e) != GIT_OBJECT_TREE)
		return 0;
	rc = git_tree_lookup(out, h->repo, git_tree_entry_id(e));
	return rc ? repo_fail(h, rc, "cannot read '%s'", name) : 0;
}

/*
 * Calls fn for every document that is below a, and not below b; level 0 is the
 * folder of a kind, level 1 that of two digits.  What is alike is not looked
 * into.
 */
static int only_in(struct sides *s, const git_tree *a, const git_tree *b,
		   int level, const char *kind,
		   int (*fn)(struct sides *s, const char *kind, const char *id))
{
	int rc = 0;

	for (size_t i = 0; a && !rc && i < git_tree_entrycount(a); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(a, i);
		const char *name = git_tree_entry_name(e);
		const git_tree_entry *o =
			b ? git_tree_entry_byname(b, name) : NULL;
		git_tree *x = NULL, *y = NULL;

		if (o &&
		    git_oid_equal(git_tree_entry_id(e), git_tree_entry_id(o)))
			continue;
		if (level == 1) {
			if (!o && strlen(name) == DOC_ID_LEN - 1 &&
			    strspn(name, "0123456789abcdef") == DOC_ID_LEN - 1)
				rc = fn(s, kind, name);
			continue;
		}
		rc = below(s->h, a, name, &x);
		if (!rc)
			rc = below(s->h, b, name, &y);
		if (!rc && x)
			rc = only_in(s, x, y, 1, kind, fn);
		git_tree_free(x);
		git_tree_free(y);
	}
	return rc;
}

/* Policies first: a verdict's words name the policy's title. */
static const char *const order[] = {"policy",	  "profile", "plan", "verdict",
				    "deployment", "lesson",  "note"};

static int each_only_in(struct sides *s, const git_tree *a, const git_tree *b,
			int (*fn)(struct sides *s, const char *kind,
				  const char *id))
{
	char folder[HISTORY_KIND_LEN + 4];
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(order); i++) {
		git_tree *x = NULL, *y = NULL;

		layout_folder(folder, sizeof(folder), order[i]);
		rc = below(s->h, a, folder, &x);
		if (!rc)
			rc = below(s->h, b, folder, &y);
		if (!rc && x)
			rc = only_in(s, x, y, 0, order[i], fn);
		git_tree_free(x);
		git_tree_free(y);
	}
	return rc;
}

static int count_lacking(struct sides *s, const char *kind, const char *id)
{
	(void)kind;
	(void)id;
	s->lacking++;
	return 0;
}

/* Where we have nothing yet, and nothing of theirs has a commit to be taken
 * with, an empty tree follows on what they have. */
static int begin_tree(struct sides *s)
{
	git_oid oid;
	int rc;

	if (s->tree)
		return 0;
	rc = git_tree_create_updated(&oid, s->h->repo, NULL, 0, NULL);
	if (!rc)
		rc = git_tree_lookup(&s->tree, s->h->repo, &oid);
	return rc ? repo_fail(s->h, rc, "cannot merge") : 0;
}

static bool moved(const struct sides *s)
{
	return s->taken > s->unlogged_n;
}

static int try_documents(struct history *h, const char *prefix, bool on_top,
			 struct sides *s)
{
	git_oid at = {{0}}, to;
	int rc = sides_open(s, h, prefix);

	if (rc || !s->theirs)
		return rc;
	if (s->ours)
		git_oid_cpy(&at, git_commit_id(s->ours));
	if (s->our_tree)
		rc = git_tree_dup(&s->tree, s->our_tree);
	if (!rc)
		rc = entry_walk(h, git_commit_id(s->theirs), &at, note_logged,
				s);
	if (!rc)
		rc = each_only_in(s, s->their_tree, s->our_tree, take);
	if (!rc)
		rc = each_only_in(s, s->our_tree, s->their_tree, count_lacking);
	if (!rc)
		rc = begin_tree(s);
	if (!rc)
		rc = merge_point(h, s->ours, s->theirs, s->tree, moved(s),
				 on_top && (s->lacking || s->unlogged_n), &to);
	if (rc || git_oid_is_zero(&to))
		return rc;
	rc = repo_sync(h);
	return rc ? rc : ref_move(h, HISTORY_BRANCH, &at, &to);
}

int merge_documents(struct history *h, const char *prefix, bool on_top,
		    struct merged *out)
{
	struct sides s = {0};
	int rc = 1;

	*out = (struct merged){0};
	for (int i = 0; rc == 1 && i < TRIES; i++) {
		rc = repo_lock(h);
		if (rc)
			return rc;
		rc = try_documents(h, prefix, on_top, &s);
		repo_unlock(h);
		if (rc == 1)
			sides_close(&s);
	}
	if (rc == 1)
		return err_set(EAGAIN,
			       "the history in '%s' is changed by "
			       "another program all the time",
			       h->dir);
	if (!rc && s.unlogged_n)
		rc = history_add(h, (const struct doc *const *)s.unlogged,
				 s.unlogged_n);
	out->taken = s.taken;
	out->offer = s.lacking || (!s.theirs && s.ours) || s.unlogged_n;
	sides_close(&s);
	return rc < 0 ? rc : 0;
}
