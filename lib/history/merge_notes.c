/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Git notes of two places: the lines of both. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "history/layout.h"
#include "history/merge_parts.h"
#include "history/note.h"
#include "history/text.h"

#define NOTE_MAX       (64u << 10) /* of theirs: what is longer is not taken */
#define LINE_MAX_CHARS 1000

struct update {
	char path[NOTE_PATH_LEN];
	git_oid blob;
};

struct union_of {
	struct notes ours;
	git_commit *commit; /* theirs */
	git_tree *tree;
	struct update *v;
	size_t n, cap;
};

/* Adds the lines that are missing; true: there were some. */
static bool add_lines(struct buf *to, const struct buf *from)
{
	bool any = false;
	struct buf line;

	buf_init(&line, NOTE_MAX);
	for (char *s = from->len ? from->data : NULL, *next; s && *s;
	     s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		buf_reset(&line);
		text_line(&line, s, LINE_MAX_CHARS);
		if (!line.len || note_has_line(to, line.data, line.len))
			continue;
		if (to->len + line.len + 1 > to->max)
			break;
		buf_add(to, line.data, line.len);
		buf_puts(to, "\n");
		any = true;
	}
	buf_release(&line);
	return any;
}

static void keep(struct union_of *u, const char *path, const git_oid *blob)
{
	if (u->n == u->cap) {
		u->cap = u->cap ? u->cap * 2 : 64;
		u->v = mem_realloc(u->v, u->cap, sizeof(*u->v));
	}
	memcpy(u->v[u->n].path, path, NOTE_PATH_LEN);
	git_oid_cpy(&u->v[u->n++].blob, blob);
}

static int unite(struct union_of *u, const git_oid *object, const git_oid *blob)
{
	const struct history *h = u->ours.h;
	char path[NOTE_PATH_LEN];
	git_blob *b = NULL;
	struct buf mine, other;
	git_oid made;
	int rc = git_blob_lookup(&b, h->repo, blob);

	if (rc)
		return repo_fail(h, rc, "cannot read a note");
	buf_init(&mine, 1u << 20);
	buf_init(&other, NOTE_MAX);
	rc = note_find(&u->ours, object, path, &mine);
	if (!rc &&
	    !buf_add(&other, git_blob_rawcontent(b),
		     (size_t)git_blob_rawsize(b)) &&
	    add_lines(&mine, &other)) {
		rc = git_blob_create_from_buffer(&made, h->repo, mine.data,
						 mine.len);
		if (rc)
			rc = repo_fail(h, rc, "cannot write a note");
		else
			keep(u, path, &made);
	}
	buf_release(&mine);
	buf_release(&other);
	git_blob_free(b);
	/* Ours is full. */
	return rc == -EFBIG ? 0 : rc;
}

/* A note of theirs on a commit that is here. */
static int look(struct union_of *u, const char *hex, const git_tree_entry *e)
{
	const struct history *h = u->ours.h;
	git_commit *c = NULL;
	git_oid object;

	if (git_tree_entry_type(e) != GIT_OBJECT_BLOB ||
	    strlen(hex) != GIT_OID_HEXSZ || git_oid_fromstr(&object, hex) ||
	    git_commit_lookup(&c, h->repo, &object))
		return 0;
	git_commit_free(c);
	return unite(u, &object, git_tree_entry_id(e));
}

/* before: "" or the two digits that this tree stands for. */
static int walk(struct union_of *u, const git_tree *t, const git_tree *mine,
		const char *before)
{
	const struct history *h = u->ours.h;
	int rc = 0;

	for (size_t i = 0; !rc && i < git_tree_entrycount(t); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(t, i), *o;
		const char *name = git_tree_entry_name(e);
		git_tree *x = NULL, *y = NULL;
		char hex[GIT_OID_HEXSZ + 8];

		o = mine ? git_tree_entry_byname(mine, name) : NULL;
		if (o &&
		    git_oid_equal(git_tree_entry_id(o), git_tree_entry_id(e)))
			continue;
		snprintf(hex, sizeof(hex), "%s%s", before, name);
		if (git_tree_entry_type(e) != GIT_OBJECT_TREE) {
			rc = look(u, hex, e);
			continue;
		}
		if (*before || strlen(name) != 2)
			continue;
		rc = git_tree_lookup(&x, h->repo, git_tree_entry_id(e));
		if (!rc && o && git_tree_entry_type(o) == GIT_OBJECT_TREE)
			rc = git_tree_lookup(&y, h->repo, git_tree_entry_id(o));
		rc = rc ? repo_fail(h, rc, "cannot read notes")
			: walk(u, x, y, name);
		git_tree_free(x);
		git_tree_free(y);
	}
	return rc;
}

static int write_tree(struct union_of *u, git_tree **out)
{
	git_tree_update *updates = mem_zalloc(u->n + 1, sizeof(*updates));
	const struct history *h = u->ours.h;
	git_oid oid;
	int rc;

	for (size_t i = 0; i < u->n; i++)
		updates[i] = (git_tree_update){
			.action = GIT_TREE_UPDATE_UPSERT,
			.filemode = GIT_FILEMODE_BLOB,
			.path = u->v[i].path,
			.id = u->v[i].blob,
		};
	rc = git_tree_create_updated(&oid, h->repo, u->ours.tree, u->n,
				     updates);
	if (!rc)
		rc = git_tree_lookup(out, h->repo, &oid);
	free(updates);
	return rc ? repo_fail(h, rc, "cannot write notes") : 0;
}

static int try_notes(struct union_of *u, bool on_top)
{
	const struct history *h = u->ours.h;
	git_tree *tree = NULL;
	git_oid to;
	int rc = walk(u, u->tree, u->ours.tree, "");

	if (!rc && u->n)
		rc = write_tree(u, &tree);
	else if (!rc && u->ours.tree)
		git_tree_dup(&tree, u->ours.tree);
	if (!rc && tree)
		rc = merge_point(h, u->ours.commit, u->commit, tree, u->n > 0,
				 on_top, &to);
	if (!rc && tree && !git_oid_is_zero(&to)) {
		rc = repo_sync(h);
		if (!rc)
			rc = ref_move(h, HISTORY_NOTES, &u->ours.at, &to);
		/* Moved meanwhile: the next pull takes them. */
		rc = rc == 1 ? 0 : rc;
	}
	git_tree_free(tree);
	return rc;
}

int merge_notes(struct history *h, const char *prefix, bool on_top,
		struct merged *out)
{
	char *name = mem_printf("%snotes/metrics", prefix);
	struct union_of u = {0};
	int rc = repo_lock(h);

	*out = (struct merged){0};
	if (!rc) {
		rc = ref_tree(h, name, &u.commit, &u.tree);
		if (!rc)
			rc = note_begin(h, &u.ours);
		if (!rc && u.tree)
			rc = try_notes(&u, on_top);
		repo_unlock(h);
	}
	out->taken = u.n;
	out->offer = u.ours.commit != NULL;
	note_release(&u.ours);
	git_commit_free(u.commit);
	git_tree_free(u.tree);
	free(u.v);
	free(name);
	return rc;
}
