/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Agents' files of two places, and tags. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "history/file_parts.h"
#include "history/merge_parts.h"

#define VERSIONS_MAX 10000
#define OWNERS_MAX   10000
#define FILES_MAX    100000

/* ---- agents' files ----------------------------------------------------- */

struct copying {
	struct files *ours, *theirs;
	const char *owner;
	size_t taken;
	bool offer;
};

struct versions {
	struct file_version *v; /* newest first */
	size_t n, cap;
};

static int add_version(void *arg, const struct file_version *v)
{
	struct versions *l = arg;

	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = *v;
	return l->n == VERSIONS_MAX;
}

static int list_versions(struct files *f, const char *owner, const char *name,
			 struct versions *out)
{
	int rc;

	*out = (struct versions){0};
	rc = file_log(f, owner, name, add_version, out);
	return rc == -ENOENT ? 0 : rc < 0 ? rc : 0;
}

static bool has_blob(const struct versions *l, const char *blob)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].blob, blob))
			return true;
	return false;
}

static int put_version(struct copying *c, const char *name,
		       const struct file_version *v)
{
	struct file_version made;
	struct buf data;
	int rc;

	buf_init(&data, FILE_SIZE_MAX);
	rc = file_get(c->theirs, c->owner, name, v->version, &data, &made);
	if (!rc)
		rc = file_put(c->ours, c->owner, name,
			      data.data ? data.data : "", data.len, FILE_ANY,
			      &made);
	if (!rc)
		c->taken++;
	buf_release(&data);
	return rc;
}

/* The last version is to have this content. */
static int make_last(struct copying *c, const char *name, const char *blob)
{
	struct file_version made;
	struct versions ours;
	int rc = list_versions(c->ours, c->owner, name, &ours);

	for (size_t i = 0; !rc && i < ours.n; i++)
		if (!strcmp(ours.v[i].blob, blob)) {
			if (i)
				rc = file_rollback(c->ours, c->owner, name,
						   ours.v[i].version, &made);
			break;
		}
	free(ours.v);
	return rc;
}

static int unite(struct copying *c, const char *name,
		 const struct versions *ours, const struct versions *theirs)
{
	bool older = ours->n && ours->v[0].time > theirs->v[0].time &&
		     !has_blob(theirs, ours->v[0].blob);
	bool known = has_blob(ours, theirs->v[0].blob);
	size_t before = c->taken;
	int rc = 0;

	for (size_t i = theirs->n; !rc && i-- > 0;)
		if (!has_blob(ours, theirs->v[i].blob))
			rc = put_version(c, name, &theirs->v[i]);
	if (rc || c->taken == before)
		return rc;
	return make_last(c, name,
			 older || known ? ours->v[0].blob : theirs->v[0].blob);
}

static int copy_file(void *arg, const char *name,
		     const struct file_version *last)
{
	struct versions ours, theirs = {0};
	struct copying *c = arg;
	int rc;

	(void)last;
	rc = list_versions(c->ours, c->owner, name, &ours);
	if (!rc)
		rc = list_versions(c->theirs, c->owner, name, &theirs);
	if (!rc && theirs.n)
		rc = unite(c, name, &ours, &theirs);
	free(ours.v);
	free(theirs.v);
	/* A file here is a folder there, or theirs is none that may be: theirs
	 * stays where it was fetched to. */
	if (rc == -ENOTDIR || rc == -EISDIR || rc == -EFBIG)
		return 0;
	return rc < 0 ? rc : 0;
}

static int offered(void *arg, const char *name, const struct file_version *last)
{
	struct copying *c = arg;
	struct versions ours = {0}, theirs;
	int rc = list_versions(c->theirs, c->owner, name, &theirs);

	if (!rc && !has_blob(&theirs, last->blob))
		c->offer = true;
	/* A version that theirs followed on is lost to them, too. */
	if (!rc && !c->offer)
		rc = list_versions(c->ours, c->owner, name, &ours);
	for (size_t i = 0; i < ours.n && !c->offer; i++)
		c->offer = !has_blob(&theirs, ours.v[i].blob);
	free(ours.v);
	free(theirs.v);
	return rc;
}

struct names {
	struct strs l;
	struct file_version *last;
};

static int add_name(void *arg, const char *name,
		    const struct file_version *last)
{
	struct names *n = arg;

	n->last = mem_realloc(n->last, n->l.len + 1, sizeof(*n->last));
	n->last[n->l.len] = *last;
	strs_add(&n->l, name);
	return n->l.len == FILES_MAX;
}

static int add_owner(void *arg, const char *owner)
{
	struct strs *l = arg;

	strs_add(l, owner);
	return l->len == OWNERS_MAX;
}

/* The names are read first: no walk stands on what it changes. */
static int each_file(struct copying *c, struct files *of,
		     int (*fn)(void *arg, const char *name,
			       const struct file_version *last))
{
	struct strs owners = {0};
	int rc = files_owners(of, add_owner, &owners);

	rc = rc < 0 ? rc : 0;
	for (size_t i = 0; !rc && i < owners.len; i++) {
		struct names n = {0};

		c->owner = owners.v[i];
		if (file_agent_check(c->owner))
			continue;
		rc = file_list(of, c->owner, add_name, &n);
		rc = rc < 0 ? rc : 0;
		for (size_t k = 0; !rc && k < n.l.len; k++)
			if (!file_name_check(n.l.v[k]))
				rc = fn(c, n.l.v[k], &n.last[k]);
		strs_release(&n.l);
		free(n.last);
	}
	strs_release(&owners);
	return rc;
}

/* What we have follows on what they have. */
static int put_on_top(struct history *h, const char *theirs_name)
{
	git_commit *ours = NULL, *theirs = NULL;
	git_tree *a = NULL, *b = NULL;
	git_oid to;
	int rc = repo_lock(h);

	if (rc)
		return rc;
	rc = ref_tree(h, FILES_REF, &ours, &a);
	if (!rc)
		rc = ref_tree(h, theirs_name, &theirs, &b);
	if (!rc && ours && theirs) {
		rc = merge_point(h, ours, theirs, a, false, true, &to);
		if (!rc && !git_oid_is_zero(&to))
			rc = ref_move(h, FILES_REF, git_commit_id(ours), &to);
	}
	repo_unlock(h);
	git_commit_free(ours);
	git_commit_free(theirs);
	git_tree_free(a);
	git_tree_free(b);
	return rc == 1 ? err_set(EAGAIN, "another program moved %s", FILES_REF)
		       : rc;
}

int merge_files(struct history *h, const char *prefix, bool on_top,
		struct merged *out)
{
	char *name = mem_printf("%sstore", prefix);
	struct copying c = {.ours = files_new(h)};
	int rc;

	*out = (struct merged){0};
	c.theirs = files_new_at(h, name);
	rc = each_file(&c, c.theirs, copy_file);
	if (!rc && c.taken)
		rc = files_commit(c.ours);
	if (!rc)
		rc = each_file(&c, c.ours, offered);
	if (!rc && on_top && c.offer)
		rc = put_on_top(h, name);
	files_free(c.ours);
	files_free(c.theirs);
	free(name);
	out->taken = c.taken;
	out->offer = c.offer;
	return rc == -ESTALE ? -EAGAIN : rc;
}

/* ---- tags -------------------------------------------------------------- */

/* The commit that a tag is of is part of the history. */
static bool leads_here(const struct history *h, const git_oid *oid)
{
	git_object *o = NULL, *c = NULL;
	git_oid head;
	bool yes = !git_object_lookup(&o, h->repo, oid, GIT_OBJECT_ANY) &&
		   !git_object_peel(&c, o, GIT_OBJECT_COMMIT) &&
		   !ref_read(h, HISTORY_BRANCH, &head) &&
		   (git_oid_equal(git_object_id(c), &head) ||
		    git_graph_descendant_of(h->repo, &head, git_object_id(c)) ==
			    1);

	git_object_free(c);
	git_object_free(o);
	return yes;
}

static int take_tag(struct history *h, const char *theirs, const char *name,
		    struct merged *out, size_t *kept)
{
	git_oid none = {{0}}, a, b;
	int rc = ref_read(h, theirs, &a);

	if (!rc)
		rc = ref_read(h, name, &b);
	if (rc || git_oid_equal(&a, &b))
		return rc;
	if (!git_oid_is_zero(&b)) {
		(*kept)++;
		return 0;
	}
	if (!leads_here(h, &a))
		return 0;
	rc = ref_move(h, name, &none, &a);
	if (!rc)
		out->taken++;
	return rc < 0 ? rc : 0;
}

int merge_tags(struct history *h, const char *prefix, struct merged *out,
	       size_t *kept)
{
	char *from = mem_printf("%stags/", prefix);
	git_strarray all = {0};
	int rc = repo_lock(h);

	*out = (struct merged){0};
	*kept = 0;
	if (!rc) {
		rc = ref_list(h, &all);
		for (size_t i = 0; !rc && i < all.count; i++) {
			const char *theirs = all.strings[i];
			char *name;

			if (strncmp(theirs, from, strlen(from)))
				continue;
			name = mem_printf("refs/tags/%s",
					  theirs + strlen(from));
			rc = take_tag(h, theirs, name, out, kept);
			free(name);
		}
		git_strarray_dispose(&all);
		repo_unlock(h);
	}
	free(from);
	return rc;
}
