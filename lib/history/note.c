/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/note.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "history/layout.h"

#define NOTE_MAX (1u << 20)

int note_begin(const struct history *h, struct notes *n)
{
	int rc;

	*n = (struct notes){.h = h};
	rc = ref_tree(h, HISTORY_NOTES, &n->commit, &n->tree);
	if (!rc && n->commit)
		git_oid_cpy(&n->at, git_commit_id(n->commit));
	return rc;
}

void note_release(struct notes *n)
{
	git_commit_free(n->commit);
	git_tree_free(n->tree);
}

bool note_has_line(const struct buf *text, const char *line, size_t len)
{
	for (const char *s = text->len ? text->data : ""; *s;) {
		size_t n = strcspn(s, "\n");

		if (n == len && !memcmp(s, line, n))
			return true;
		s += n + (s[n] == '\n');
	}
	return false;
}

/*
 * git-notes(1) folds two digits into a folder or leaves the name flat,
 * depending on how many notes there are, and reads both.
 */
int note_find(const struct notes *n, const git_oid *object,
	      char path[static NOTE_PATH_LEN], struct buf *old)
{
	char hex[GIT_OID_HEXSZ + 1];
	int rc;

	git_oid_tostr(hex, sizeof(hex), object);
	if (n->tree && git_tree_entry_byname(n->tree, hex))
		snprintf(path, NOTE_PATH_LEN, "%s", hex);
	else
		snprintf(path, NOTE_PATH_LEN, "%.2s/%s", hex, hex + 2);
	rc = n->tree ? layout_read(n->h, n->tree, path, old) : 0;
	return rc == -ENOENT ? 0 : rc;
}

static int add(struct notes *n, struct buf *note, const char *text)
{
	int rc;

	buf_puts(note, text);
	rc = git_blob_create_from_buffer(&n->changed[n->n].blob, n->h->repo,
					 note->data, note->len);
	if (rc)
		return repo_fail(n->h, rc, "cannot write a note");
	n->n++;
	return 0;
}

int note_append(struct notes *n, const git_oid *object, const char *text)
{
	char *path = n->changed[n->n].path;
	struct buf note;
	int rc;

	buf_init(&note, NOTE_MAX);
	rc = note_find(n, object, path, &note);
	/* A full note is no reason not to record what it would be about. */
	if (rc == -EFBIG)
		rc = 0;
	else if (!rc && !(note.len && strstr(note.data, text)) &&
		 note.len + strlen(text) <= NOTE_MAX)
		rc = add(n, &note, text);
	buf_release(&note);
	return rc;
}

static int write_tree(const struct notes *n, git_tree **out)
{
	git_tree_update updates[NOTE_OBJECTS];
	git_oid oid;
	int rc;

	for (size_t i = 0; i < n->n; i++)
		updates[i] = (git_tree_update){
			.action = GIT_TREE_UPDATE_UPSERT,
			.filemode = GIT_FILEMODE_BLOB,
			.path = n->changed[i].path,
			.id = n->changed[i].blob,
		};
	rc = git_tree_create_updated(&oid, n->h->repo, n->tree, n->n, updates);
	return rc ? rc : git_tree_lookup(out, n->h->repo, &oid);
}

int note_commit(struct notes *n, time_t when)
{
	const git_commit *parents[] = {n->commit};
	git_signature *sig;
	git_commit *next = NULL;
	git_tree *tree = NULL;
	git_oid oid;
	int rc;

	if (!n->n)
		return 0;
	sig = repo_signature(when);
	rc = write_tree(n, &tree);
	if (!rc)
		rc = git_commit_create(&oid, n->h->repo, NULL, sig, sig, NULL,
				       "Metrics of a verdict\n", tree,
				       n->commit ? 1 : 0, parents);
	if (!rc)
		rc = git_commit_lookup(&next, n->h->repo, &oid);
	git_signature_free(sig);
	if (rc) {
		git_tree_free(tree);
		return repo_fail(n->h, rc, "cannot write notes");
	}
	note_release(n);
	n->commit = next;
	n->tree = tree;
	n->moved = true;
	n->n = 0;
	return 0;
}

int note_move(const struct notes *n)
{
	return n->moved ? ref_move(n->h, HISTORY_NOTES, &n->at,
				   git_commit_id(n->commit))
			: 0;
}
