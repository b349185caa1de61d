/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transaction, and the versions of a file. */
#include "history/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libgit2 1.8 moved git_error_clear() there. */
#if __has_include(<git2/sys/errors.h>)
#include <git2/sys/errors.h>
#endif

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "history/file_parts.h"
#include "history/layout.h"
#include "history/text.h"

#define META_MAX    4096
#define MESSAGE_MAX 4096
#define CHANGES_MAX 4
#define COUNT_MAX   9007199254740991.0 /* whole, beyond any doubt */

/* ---- the transaction --------------------------------------------------- */

struct files *files_new(struct history *h)
{
	return files_new_at(h, FILES_REF);
}

struct files *files_new_at(struct history *h, const char *ref)
{
	struct files *f = mem_zalloc(1, sizeof(*f));

	f->h = h;
	f->ref = ref;
	return f;
}

static void forget(struct files *f)
{
	git_commit_free(f->head);
	git_tree_free(f->root);
	f->head = NULL;
	f->root = NULL;
	f->changed = false;
	memset(&f->at, 0, sizeof(f->at));
}

void files_abort(struct files *f)
{
	/* What was read without the lock is as good as before. */
	if (f->changed)
		forget(f);
	if (f->writing)
		repo_unlock(f->h);
	f->writing = false;
}

void files_free(struct files *f)
{
	if (!f)
		return;
	files_abort(f);
	forget(f);
	free(f);
}

int files_look(struct files *f)
{
	git_oid at;
	int rc;

	if (f->writing)
		return 0;
	rc = ref_read(f->h, f->ref, &at);
	if (rc || git_oid_equal(&at, &f->at))
		return rc;
	forget(f);
	rc = ref_tree(f->h, f->ref, &f->head, &f->root);
	if (!rc && f->head)
		git_oid_cpy(&f->at, git_commit_id(f->head));
	return rc;
}

int files_begin(struct files *f)
{
	int rc;

	if (f->writing)
		return 0;
	rc = repo_lock(f->h);
	if (rc)
		return rc;
	rc = files_look(f);
	if (rc)
		repo_unlock(f->h);
	else
		f->writing = true;
	return rc;
}

int files_commit(struct files *f)
{
	int rc = 0;

	if (f->changed) {
		rc = repo_sync(f->h);
		if (!rc)
			rc = ref_move(f->h, f->ref, &f->at,
				      git_commit_id(f->head));
		if (rc == 1)
			rc = err_set(ESTALE,
				     "another program moved %s in the history "
				     "in '%s'",
				     f->ref, f->h->dir);
		if (!rc) {
			git_oid_cpy(&f->at, git_commit_id(f->head));
			f->changed = false;
		}
	}
	files_abort(f);
	return rc;
}

int files_state(struct files *f, char out[static FILE_BLOB_LEN])
{
	int rc = files_look(f);

	out[0] = '\0';
	if (!rc && f->head)
		git_oid_tostr(out, FILE_BLOB_LEN, git_commit_id(f->head));
	return rc;
}

static int write_commit(struct files *f, const git_oid *tree,
			const char *message)
{
	const git_commit *parents[] = {f->head};
	git_signature *sig = repo_signature(clock_wall());
	git_commit *head = NULL;
	git_tree *root = NULL;
	git_oid oid;
	int rc = git_tree_lookup(&root, f->h->repo, tree);

	if (!rc)
		rc = git_commit_create(&oid, f->h->repo, NULL, sig, sig, NULL,
				       message, root, f->head ? 1 : 0, parents);
	if (!rc)
		rc = git_commit_lookup(&head, f->h->repo, &oid);
	git_signature_free(sig);
	if (rc) {
		git_tree_free(root);
		return rc;
	}
	git_commit_free(f->head);
	git_tree_free(f->root);
	f->head = head;
	f->root = root;
	f->changed = true;
	return 0;
}

int files_record(struct files *f, struct file_change *c, size_t n,
		 const char *message)
{
	git_tree_update updates[CHANGES_MAX];
	git_oid tree;
	int rc = 0;

	git_error_clear();
	errno = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		if (c[i].data)
			rc = git_blob_create_from_buffer(&c[i].blob, f->h->repo,
							 c[i].data, c[i].len);
		updates[i] = (git_tree_update){
			.action = GIT_TREE_UPDATE_UPSERT,
			.filemode = GIT_FILEMODE_BLOB,
			.path = c[i].path,
			.id = c[i].blob,
		};
	}
	if (!rc)
		rc = git_tree_create_updated(&tree, f->h->repo, f->root, n,
					     updates);
	if (!rc)
		rc = write_commit(f, &tree, message);
	return rc ? repo_fail(f->h, rc, "cannot write an agent's file") : 0;
}

/* ---- versions ---------------------------------------------------------- */

/* A version and where the one before it is found. */
struct meta {
	struct file_version v;
	git_oid blob;
	git_oid before; /* a commit that has it as the last one */
};

/* The blob at a path: 1, 0, or an error. */
static int entry_at(struct files *f, const git_tree *root, const char *path,
		    git_oid *out, git_object_t *type)
{
	git_tree_entry *e = NULL;
	int rc;

	if (!root)
		return 0;
	rc = git_tree_entry_bypath(&e, root, path);
	if (rc == GIT_ENOTFOUND && git_error_last() &&
	    git_error_last()->klass == GIT_ERROR_TREE)
		return 0;
	if (rc)
		return repo_fail(f->h, rc, "cannot look for '%s'", path);
	git_oid_cpy(out, git_tree_entry_id(e));
	*type = git_tree_entry_type(e);
	git_tree_entry_free(e);
	return 1;
}

/* A whole number, 0 where there is none; -1: it cannot be one. */
static long count_at(const struct json *v, const char *key)
{
	double x = json_as_number(json_get(v, key), 0);

	return x >= 0 && x <= COUNT_MAX && x == (double)(long)x ? (long)x : -1;
}

static int parse_meta(struct files *f, const struct buf *text, const char *path,
		      struct meta *out)
{
	struct json *v = json_parse(text->data, text->len);
	const char *before = json_text_at(v, "before");
	long version = count_at(v, "version"), of = count_at(v, "of"),
	     time = count_at(v, "time"), size = count_at(v, "bytes");
	bool good = v && version > 0 && of >= 0 && time >= 0 && size >= 0 &&
		    (!*before || !git_oid_fromstr(&out->before, before));

	json_free(v);
	if (!good)
		return err_set(EUCLEAN,
			       "'%s' of %s in the history in '%s' is damaged: "
			       "'git log' of it tells who did it",
			       path, f->ref, f->h->dir);
	out->v.version = version;
	out->v.of = of;
	out->v.time = time;
	out->v.size = (size_t)size;
	return 0;
}

/* The last version in a tree; -ENOENT, without a message. */
static int read_meta(struct files *f, const git_tree *root, const char *agent,
		     const char *name, struct meta *out)
{
	char path[FILE_PATH_LEN];
	git_object_t type;
	struct buf text;
	int rc;

	*out = (struct meta){0};
	file_path(path, agent, "files", name);
	rc = entry_at(f, root, path, &out->blob, &type);
	if (rc <= 0 || type != GIT_OBJECT_BLOB)
		return rc < 0 ? rc : -ENOENT;
	git_oid_tostr(out->v.blob, FILE_BLOB_LEN, &out->blob);
	file_path(path, agent, "versions", name);
	buf_init(&text, META_MAX);
	rc = layout_read(f->h, root, path, &text);
	/* What was cut off is no JSON. */
	if (!rc || rc == -EFBIG)
		rc = parse_meta(f, &text, path, out);
	buf_release(&text);
	return rc;
}

static int no_file(const char *owner, const char *name, long version)
{
	if (version)
		return err_set(ENOENT, "'%s' of '%s' has no version %ld", name,
			       owner, version);
	return err_set(ENOENT, "'%s' has no file '%s'", owner, name);
}

static int check_names(const char *agent, const char *name)
{
	int rc = file_agent_check(agent);

	return rc ? rc : file_name_check(name);
}

/*
 * Calls fn for each version from the newest on until it returns non-zero.
 * The way back is the file's own: other files cost nothing.
 */
static int each_version(struct files *f, const char *owner, const char *name,
			int (*fn)(void *arg, const struct meta *m), void *arg)
{
	git_commit *c = NULL;
	git_tree *root = NULL;
	struct meta m;
	int rc = files_look(f);

	if (!rc)
		rc = read_meta(f, f->root, owner, name, &m);
	while (!rc && !(rc = fn(arg, &m)) && !git_oid_is_zero(&m.before)) {
		git_commit_free(c);
		git_tree_free(root);
		c = NULL;
		root = NULL;
		rc = git_commit_lookup(&c, f->h->repo, &m.before);
		if (!rc)
			rc = git_commit_tree(&root, c);
		if (rc)
			rc = repo_fail(f->h, rc, "cannot read a version");
		else
			rc = read_meta(f, root, owner, name, &m);
	}
	git_commit_free(c);
	git_tree_free(root);
	return rc;
}

struct wanted {
	long version; /* 0: the last */
	struct meta found;
};

static int match(void *arg, const struct meta *m)
{
	struct wanted *w = arg;

	if (w->version && m->v.version > w->version)
		return 0;
	w->found = *m;
	return m->v.version == w->version || !w->version ? 1 : -ENOENT;
}

static int find_version(struct files *f, const char *owner, const char *name,
			long version, struct meta *out)
{
	struct wanted w = {.version = version};
	int rc = check_names(owner, name);

	if (rc)
		return rc;
	if (version < 0)
		return no_file(owner, name, version);
	rc = each_version(f, owner, name, match, &w);
	*out = w.found;
	if (rc == -ENOENT || rc == 0)
		return no_file(owner, name, version);
	return rc == 1 ? 0 : rc;
}

int file_get(struct files *f, const char *owner, const char *name, long version,
	     struct buf *data, struct file_version *out)
{
	git_blob *blob = NULL;
	struct meta m;
	int rc = find_version(f, owner, name, version, &m);

	*out = m.v;
	if (rc || !data)
		return rc;
	rc = git_blob_lookup(&blob, f->h->repo, &m.blob);
	if (rc)
		return repo_fail(f->h, rc, "cannot read '%s'", name);
	rc = buf_add(data, git_blob_rawcontent(blob),
		     (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return rc;
}

struct teller {
	int (*fn)(void *arg, const struct file_version *v);
	void *arg;
};

static int tell(void *arg, const struct meta *m)
{
	const struct teller *t = arg;

	return t->fn(t->arg, &m->v);
}

int file_log(struct files *f, const char *owner, const char *name,
	     int (*fn)(void *arg, const struct file_version *v), void *arg)
{
	struct teller t = {fn, arg};
	int rc = check_names(owner, name);

	if (!rc)
		rc = each_version(f, owner, name, tell, &t);
	return rc == -ENOENT ? no_file(owner, name, 0) : rc;
}

/* ---- writing ----------------------------------------------------------- */

/* A folder cannot be where a file is, nor the other way round. */
static int check_place(struct files *f, const char *agent, const char *name)
{
	char path[FILE_PATH_LEN], part[FILE_NAME_MAX + 1];
	git_object_t type;
	git_oid oid;
	int rc;

	for (size_t n = strcspn(name, "/"); name[n];
	     n += 1 + strcspn(name + n + 1, "/")) {
		snprintf(part, sizeof(part), "%.*s", (int)n, name);
		file_path(path, agent, "files", part);
		rc = entry_at(f, f->root, path, &oid, &type);
		if (rc < 0)
			return rc;
		if (rc && type == GIT_OBJECT_BLOB)
			return err_set(ENOTDIR,
				       "'%s' is a file: nothing can be put "
				       "below it",
				       part);
	}
	file_path(path, agent, "files", name);
	rc = entry_at(f, f->root, path, &oid, &type);
	if (rc == 1 && type != GIT_OBJECT_BLOB)
		return err_set(EISDIR, "'%s' is a folder of files", name);
	return rc < 0 ? rc : 0;
}

static char *meta_text(const struct files *f, const struct meta *m)
{
	struct json *v = json_object();
	char before[FILE_BLOB_LEN], *text, *line;

	json_set_number(v, "version", (double)m->v.version);
	json_set_number(v, "time", (double)m->v.time);
	json_set_number(v, "bytes", (double)m->v.size);
	if (m->v.of)
		json_set_number(v, "of", (double)m->v.of);
	if (m->v.version > 1) {
		git_oid_tostr(before, sizeof(before), git_commit_id(f->head));
		json_set_string(v, "before", before);
	}
	text = json_canonical(v);
	line = mem_printf("%s\n", text);
	free(text);
	json_free(v);
	return line;
}

static char *message_of(const char *agent, const char *name,
			const struct meta *m)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	buf_printf(&b, "%s: %s of %s, version %ld",
		   m->v.of ? "rollback" : "put", name, agent, m->v.version);
	if (m->v.of)
		buf_printf(&b, " is version %ld", m->v.of);
	buf_printf(&b, "\n\nKind: file\nAgent: %s\nFile: %s\nVersion: %ld\n",
		   agent, name, m->v.version);
	return buf_take(&b);
}

/* data NULL: m->blob is the content. */
static int write_version(struct files *f, const char *agent, const char *name,
			 const void *data, struct meta *m)
{
	char paths[3][FILE_PATH_LEN];
	char *meta = meta_text(f, m), *message = message_of(agent, name, m);
	struct file_change c[3] = {
		{paths[0], data, m->v.size, m->blob},
		{paths[1], meta, strlen(meta), {{0}}},
		{paths[2], agent, strlen(agent), {{0}}},
	};
	int rc;

	file_path(paths[0], agent, "files", name);
	file_path(paths[1], agent, "versions", name);
	file_path(paths[2], agent, "agent", "");
	rc = files_record(f, c, ARRAY_LEN(c), message);
	git_oid_tostr(m->v.blob, FILE_BLOB_LEN, &c[0].blob);
	free(message);
	free(meta);
	return rc;
}

/* data NULL: the blob in like; the rest is made here. */
static int add_version(struct files *f, const char *agent, const char *name,
		       const void *data, const struct meta *like,
		       const struct meta *last, struct file_version *out)
{
	struct meta m = *like;
	int rc;

	m.v.version = last->v.version + 1;
	m.v.time = clock_wall();
	rc = write_version(f, agent, name, data, &m);
	*out = m.v;
	return rc;
}

static int stale(const char *name, long after, long is)
{
	return err_set(ESTALE,
		       "'%s' is at version %ld, not %ld: another writer was "
		       "first",
		       name, is, after);
}

int file_put(struct files *f, const char *agent, const char *name,
	     const void *data, size_t len, long after, struct file_version *out)
{
	struct meta last, m = {.v.size = len};
	int rc = check_names(agent, name);

	*out = (struct file_version){0};
	if (!rc && len > FILE_SIZE_MAX)
		rc = err_set(EFBIG,
			     "'%s' has %zu bytes, and a file may have %u: "
			     "split it",
			     name, len, FILE_SIZE_MAX);
	if (!rc)
		rc = files_begin(f);
	if (!rc)
		rc = check_place(f, agent, name);
	if (!rc)
		rc = read_meta(f, f->root, agent, name, &last);
	if (rc && rc != -ENOENT)
		return rc;
	if (after != FILE_ANY && after != last.v.version)
		return stale(name, after, last.v.version);
	rc = git_odb_hash(&m.blob, data, len, GIT_OBJECT_BLOB);
	if (rc)
		return repo_fail(f->h, rc, "cannot write '%s'", name);
	if (last.v.version && git_oid_equal(&m.blob, &last.blob)) {
		*out = last.v;
		return 0;
	}
	return add_version(f, agent, name, data, &m, &last, out);
}

int file_rollback(struct files *f, const char *agent, const char *name,
		  long version, struct file_version *out)
{
	struct meta last, old;
	int rc = files_begin(f);

	*out = (struct file_version){0};
	if (!rc && version < 1)
		rc = err_set(EINVAL, "versions begin with 1");
	if (!rc)
		rc = find_version(f, agent, name, 0, &last);
	if (!rc)
		rc = find_version(f, agent, name, version, &old);
	if (rc)
		return rc;
	if (git_oid_equal(&old.blob, &last.blob)) {
		*out = last.v;
		return 0;
	}
	old.v.of = version;
	return add_version(f, agent, name, NULL, &old, &last, out);
}
