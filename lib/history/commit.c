/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "history/layout.h"
#include "history/words.h"

time_t commit_time(const struct doc *d)
{
	return clock_parse(json_as_string(json_get(d->env, "time"), ""));
}

int commit_exists(const struct history *h, const git_tree *root,
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
		rc = commit_exists(h, root, *k, id);
		if (rc > 0)
			kind = *k;
	}
	if (rc < 0)
		return rc;
	strs_printf(trailers, "%c%s: %s", kind[0] - 'a' + 'A', kind + 1, id);
	return 0;
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
	if (!rc && policy && !doc_has_parent(d, policy))
		strs_printf(&c->trailers, "Policy: %s", policy);
	for (size_t i = 0; !rc && i < doc_parent_count(d); i++)
		rc = name_parent(h, root, doc_parent(d, i), &c->trailers);
	return rc;
}

int commit_tree(const struct history *h, git_tree *root, const struct doc *d,
		git_oid *out)
{
	struct words_context c;
	char *title = NULL;
	int rc = make_context(h, root, d, &c, &title);

	if (!rc)
		rc = layout_write(h, root, d, &c, out);
	strs_release(&c.trailers);
	free(title);
	return rc;
}

int commit_make(const struct history *h, git_commit *head, git_tree *root,
		const struct doc *d, git_oid *out)
{
	const git_commit *parents[] = {head};
	git_signature *sig = repo_signature(commit_time(d));
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
