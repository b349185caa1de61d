/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "history/entry.h"
#include "history/layout.h"

#define PREFIX_MIN 4

#define README_MAX (1u << 20)

struct reader {
	const struct history *h;
	const git_tree *root;
	int (*fn)(const struct history_entry *e, void *arg);
	void *arg;
};

/* The first line of a README; -ENOENT. */
static int read_subject(const struct history *h, const git_tree *root,
			const char *kind, const char *id, struct buf *out)
{
	char path[LAYOUT_PATH_LEN];
	int rc;

	layout_path(path, sizeof(path), kind, id, "README");
	rc = layout_read(h, root, path, out);
	if (rc == -EFBIG)
		rc = 0;
	if (!rc && out->len)
		out->data[strcspn(out->data, "\n")] = '\0';
	return rc;
}

/*
 * What a commit says may be forged (by a git push), and what it recorded may
 * have been removed since: the tree is what counts.
 */
static int tell(const struct entry *e, const git_commit *c, void *arg)
{
	const struct reader *r = arg;
	struct history_entry out = {.time = git_commit_time(c)};
	struct buf subject;
	int rc;

	strcpy(out.kind, e->kind);
	strcpy(out.id, e->id);
	buf_init(&subject, README_MAX);
	rc = read_subject(r->h, r->root, e->kind, e->id, &subject);
	out.subject = subject.len ? subject.data : "";
	rc = rc == -ENOENT ? 0 : rc ? rc : r->fn(&out, r->arg);
	buf_release(&subject);
	return rc;
}

int history_log(struct history *h,
		int (*fn)(const struct history_entry *e, void *arg), void *arg)
{
	struct reader r = {h, NULL, fn, arg};
	git_commit *head;
	git_tree *root;
	int rc = ref_tree(h, HISTORY_BRANCH, &head, &root);

	r.root = root;
	if (!rc && head)
		rc = entry_walk(h, git_commit_id(head), NULL, tell, &r);
	git_commit_free(head);
	git_tree_free(root);
	return rc;
}

/* Calls fn for every document of a kind whose id begins with prefix. */
struct scan {
	const struct history *h;
	const git_tree *root;
	const char *kind;
	const char *prefix;
	int (*fn)(const struct scan *s, const char *id);
	void *arg;
};

static int scan_ids(const struct scan *s, const git_tree *tree)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < git_tree_entrycount(tree); i++) {
		const char *id =
			git_tree_entry_name(git_tree_entry_byindex(tree, i));

		if (strlen(id) == DOC_ID_LEN - 1 &&
		    !strncmp(id, s->prefix, strlen(s->prefix)))
			rc = s->fn(s, id);
	}
	return rc;
}

static int subtree(const struct history *h, const git_tree_entry *e,
		   git_tree **out)
{
	int rc;

	*out = NULL;
	if (!e || git_tree_entry_type(e) != GIT_OBJECT_TREE)
		return 0;
	rc = git_tree_lookup(out, h->repo, git_tree_entry_id(e));
	return rc ? repo_fail(h, rc, "cannot read '%s'", git_tree_entry_name(e))
		  : 0;
}

static int scan_kind(const struct scan *s)
{
	char folder[HISTORY_KIND_LEN + 4];
	git_tree *kind, *part;
	int rc;

	layout_folder(folder, sizeof(folder), s->kind);
	rc = subtree(s->h, git_tree_entry_byname(s->root, folder), &kind);
	if (rc || !kind)
		return rc;
	for (size_t i = 0; !rc && i < git_tree_entrycount(kind); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(kind, i);

		if (*s->prefix && strncmp(git_tree_entry_name(e), s->prefix, 2))
			continue;
		rc = subtree(s->h, e, &part);
		if (!rc && part)
			rc = scan_ids(s, part);
		git_tree_free(part);
	}
	git_tree_free(kind);
	return rc;
}

struct found {
	struct history_key *keys;
	size_t max;
	int n;
};

static int collect(const struct scan *s, const char *id)
{
	struct found *f = s->arg;

	if ((size_t)f->n < f->max) {
		snprintf(f->keys[f->n].kind, HISTORY_KIND_LEN, "%s", s->kind);
		snprintf(f->keys[f->n].id, DOC_ID_LEN, "%s", id);
	}
	f->n++;
	return 0;
}

int history_find(struct history *h, const char *prefix,
		 struct history_key *keys, size_t max)
{
	struct found f = {keys, max, 0};
	git_commit *head;
	git_tree *root;
	size_t len = strlen(prefix);
	int rc;

	if (len < PREFIX_MIN || len >= DOC_ID_LEN ||
	    strspn(prefix, "0123456789abcdef") != len)
		return err_set(EINVAL,
			       "'%.80s' is no id: give at least %d of its "
			       "hexadecimal digits",
			       prefix, PREFIX_MIN);
	rc = ref_tree(h, HISTORY_BRANCH, &head, &root);
	for (const char *const *k = doc_kinds; root && *k && !rc; k++) {
		struct scan s = {h, root, *k, prefix, collect, &f};

		if (history_keeps(*k))
			rc = scan_kind(&s);
	}
	git_commit_free(head);
	git_tree_free(root);
	return rc ? rc : f.n;
}

static int read_at(const struct history *h, const git_tree *root,
		   const char *kind, const char *id, struct doc **out)
{
	char path[LAYOUT_PATH_LEN];
	struct buf line;
	int rc;

	buf_init(&line, DOC_MAX_LINE + 1);
	layout_path(path, sizeof(path), kind, id, "document.json");
	rc = layout_read(h, root, path, &line);
	if (!rc && line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (!rc) {
		rc = doc_parse(line.data, line.len, out);
		if (rc)
			err_prefix(rc, "'%s' in the history", path);
	}
	buf_release(&line);
	return rc;
}

static int no_such(const char *kind, const char *id)
{
	return err_set(ENOENT, "there is no %s %.12s in the history", kind, id);
}

int history_read(struct history *h, const char *kind, const char *id,
		 struct doc **out)
{
	git_commit *head;
	git_tree *root;
	int rc;

	*out = NULL;
	rc = ref_tree(h, HISTORY_BRANCH, &head, &root);
	if (!rc)
		rc = root ? read_at(h, root, kind, id, out) : -ENOENT;
	if (rc == -ENOENT)
		no_such(kind, id);
	git_commit_free(head);
	git_tree_free(root);
	return rc;
}

int history_words(struct history *h, const char *kind, const char *id,
		  struct buf *out)
{
	char path[LAYOUT_PATH_LEN];
	git_commit *head;
	git_tree *root;
	int rc;

	layout_path(path, sizeof(path), kind, id, "README");
	rc = ref_tree(h, HISTORY_BRANCH, &head, &root);
	if (!rc)
		rc = root ? layout_read(h, root, path, out) : -ENOENT;
	if (rc == -ENOENT)
		no_such(kind, id);
	git_commit_free(head);
	git_tree_free(root);
	return rc;
}

int history_subject(struct history *h, const char *kind, const char *id,
		    struct buf *out)
{
	git_commit *head;
	git_tree *root;
	int rc = ref_tree(h, HISTORY_BRANCH, &head, &root);

	if (!rc)
		rc = root ? read_subject(h, root, kind, id, out) : -ENOENT;
	if (rc == -ENOENT)
		no_such(kind, id);
	git_commit_free(head);
	git_tree_free(root);
	return rc;
}

struct visitor {
	int (*fn)(const struct doc *d, void *arg);
	void *arg;
};

static int visit(const struct scan *s, const char *id)
{
	const struct visitor *v = s->arg;
	struct doc *d = NULL;
	int rc = read_at(s->h, s->root, s->kind, id, &d);

	/* What somebody put beside the documents is none. */
	if (rc == -ENOENT)
		return 0;
	if (!rc)
		rc = v->fn(d, v->arg);
	doc_free(d);
	return rc;
}

int history_each(struct history *h, const char *kind,
		 int (*fn)(const struct doc *d, void *arg), void *arg)
{
	struct visitor v = {fn, arg};
	git_commit *head;
	git_tree *root;
	int rc;

	rc = ref_tree(h, HISTORY_BRANCH, &head, &root);
	if (!rc && root) {
		struct scan s = {h, root, kind, "", visit, &v};

		rc = scan_kind(&s);
	}
	git_commit_free(head);
	git_tree_free(root);
	return rc;
}
