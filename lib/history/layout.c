/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "history/text.h"

#define FILES_MAX 4

void layout_folder(char *out, size_t size, const char *kind)
{
	size_t n = strlen(kind);

	if (n && kind[n - 1] == 'y')
		snprintf(out, size, "%.*sies", (int)(n - 1), kind);
	else
		snprintf(out, size, "%ss", kind);
}

void layout_path(char *out, size_t size, const char *kind, const char *id,
		 const char *file)
{
	char folder[HISTORY_KIND_LEN + 4];

	layout_folder(folder, sizeof(folder), kind);
	snprintf(out, size, "%s/%.2s/%s/%s", folder, id, id, file);
}

int layout_read(const struct history *h, const git_tree *root, const char *path,
		struct buf *out)
{
	git_tree_entry *e = NULL;
	git_blob *blob = NULL;
	int rc;

	rc = git_tree_entry_bypath(&e, root, path);
	/* A folder that is an entry but no object is damage, not absence. */
	if (rc == GIT_ENOTFOUND && git_error_last() &&
	    git_error_last()->klass == GIT_ERROR_TREE)
		return -ENOENT;
	/* What somebody pushed there that is no file is none. */
	if (!rc && git_tree_entry_type(e) != GIT_OBJECT_BLOB) {
		git_tree_entry_free(e);
		return -ENOENT;
	}
	if (!rc)
		rc = git_blob_lookup(&blob, h->repo, git_tree_entry_id(e));
	git_tree_entry_free(e);
	if (rc)
		return repo_fail(h, rc, "cannot read '%s'", path);
	rc = buf_add(out, git_blob_rawcontent(blob),
		     (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return rc;
}

struct files {
	struct {
		char path[LAYOUT_PATH_LEN];
		char *text;
	} v[FILES_MAX];
	size_t n;
};

/* Takes text. */
static void add_file(struct files *f, const struct doc *d, const char *name,
		     char *text)
{
	layout_path(f->v[f->n].path, LAYOUT_PATH_LEN, d->kind, d->id, name);
	f->v[f->n++].text = text;
}

static char *params_text(const struct json *params)
{
	struct buf out;

	buf_init(&out, DOC_MAX_LINE);
	json_each (m, params) {
		char *text = json_canonical(m);

		text_line(&out, json_key(m), DOC_ID_LEN);
		buf_puts(&out, " = ");
		text_line(&out, json_as_string(m, text), DOC_ID_LEN);
		buf_puts(&out, "\n");
		free(text);
	}
	return buf_take(&out);
}

static char *readme_text(const struct doc *d, const struct words_context *c)
{
	struct buf out;
	size_t head;

	buf_init(&out, DOC_MAX_LINE);
	words_subject(&out, d, c);
	buf_puts(&out, "\n\n");
	head = out.len;
	words_body(&out, d);
	if (out.len == head)
		out.data[--out.len] = '\0';
	return buf_take(&out);
}

/* Keys in the order of the line, whoever made the document: equal documents
 * have equal files. */
static char *body_text(const struct json *body)
{
	char *line = json_canonical(body), *text;
	struct json *sorted = json_parse(line, strlen(line));

	text = text_json(sorted ? sorted : body);
	json_free(sorted);
	free(line);
	return text;
}

static void make_files(struct files *f, const struct doc *d,
		       const struct words_context *c)
{
	char body[HISTORY_KIND_LEN + 8];
	char *line = doc_line(d);

	f->n = 0;
	add_file(f, d, "document.json", mem_printf("%s\n", line));
	free(line);
	snprintf(body, sizeof(body), "%s.json", d->kind);
	add_file(f, d, body, body_text(d->body));
	add_file(f, d, "README", readme_text(d, c));
	if (json_get(d->body, "params"))
		add_file(f, d, "params.txt",
			 params_text(json_get(d->body, "params")));
}

int layout_write(const struct history *h, git_tree *base, const struct doc *d,
		 const struct words_context *c, git_oid *tree)
{
	git_tree_update updates[FILES_MAX];
	struct files f;
	int rc = 0;

	make_files(&f, d, c);
	for (size_t i = 0; i < f.n; i++) {
		updates[i] = (git_tree_update){
			.action = GIT_TREE_UPDATE_UPSERT,
			.filemode = GIT_FILEMODE_BLOB,
			.path = f.v[i].path,
		};
		if (!rc)
			rc = git_blob_create_from_buffer(&updates[i].id,
							 h->repo, f.v[i].text,
							 strlen(f.v[i].text));
	}
	if (!rc)
		rc = git_tree_create_updated(tree, h->repo, base, f.n, updates);
	if (rc)
		rc = repo_fail(h, rc, "cannot record %s %.12s", d->kind, d->id);
	for (size_t i = 0; i < f.n; i++)
		free(f.v[i].text);
	return rc;
}
