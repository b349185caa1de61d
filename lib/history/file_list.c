/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is: the agents' folders, walked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "history/file_parts.h"
#include "history/layout.h"

static int add_tree(struct files *f, const git_oid *oid, const char *before,
		    int depth, struct strs *out)
{
	git_tree *tree = NULL;
	int rc = git_tree_lookup(&tree, f->h->repo, oid);

	if (rc)
		return repo_fail(f->h, rc, "cannot read '%s'", before);
	for (size_t i = 0; !rc && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		char *path = mem_printf("%s%s%s", before, *before ? "/" : "",
					git_tree_entry_name(e));

		if (git_tree_entry_type(e) == GIT_OBJECT_BLOB)
			strs_add(out, path);
		else if (git_tree_entry_type(e) == GIT_OBJECT_TREE &&
			 depth + 1 < FILE_DEPTH_MAX)
			rc = add_tree(f, git_tree_entry_id(e), path, depth + 1,
				      out);
		free(path);
	}
	git_tree_free(tree);
	return rc;
}

int files_names(struct files *f, const char *folder, struct strs *out)
{
	git_tree_entry *e = NULL;
	int rc;

	if (!f->root)
		return 0;
	rc = git_tree_entry_bypath(&e, f->root, folder);
	if (rc == GIT_ENOTFOUND && git_error_last() &&
	    git_error_last()->klass == GIT_ERROR_TREE)
		return 0;
	if (rc)
		return repo_fail(f->h, rc, "cannot look for '%s'", folder);
	if (git_tree_entry_type(e) == GIT_OBJECT_TREE)
		rc = add_tree(f, git_tree_entry_id(e), "", 0, out);
	git_tree_entry_free(e);
	return rc;
}

int file_list(struct files *f, const char *owner,
	      int (*fn)(void *arg, const char *name,
			const struct file_version *last),
	      void *arg)
{
	char folder[FILE_PATH_LEN];
	struct strs names = {0};
	struct file_version v;
	int rc = file_agent_check(owner);

	if (!rc)
		rc = files_look(f);
	if (!rc) {
		file_path(folder, owner, "files", "");
		rc = files_names(f, folder, &names);
	}
	for (size_t i = 0; !rc && i < names.len; i++) {
		/* Who pushed something else there has no file. */
		if (file_name_check(names.v[i]))
			continue;
		rc = file_get(f, owner, names.v[i], 0, NULL, &v);
		rc = rc == -ENOENT ? 0 : rc ? rc : fn(arg, names.v[i], &v);
	}
	strs_release(&names);
	return rc;
}

static int read_owner(struct files *f, const char *folder, struct strs *out)
{
	char *path = mem_printf("%s/agent", folder);
	struct buf name;
	int rc;

	buf_init(&name, FILE_AGENT_MAX);
	rc = layout_read(f->h, f->root, path, &name);
	/* Who pushed something else there is nobody's agent. */
	if (rc == -ENOENT || rc == -EFBIG)
		rc = 0;
	else if (!rc && name.len && !file_agent_check(name.data))
		strs_add(out, name.data);
	buf_release(&name);
	free(path);
	return rc;
}

int files_owners(struct files *f, int (*fn)(void *arg, const char *owner),
		 void *arg)
{
	struct strs owners = {0};
	int rc = files_look(f);

	for (size_t i = 0; !rc && f->root && i < git_tree_entrycount(f->root);
	     i++)
		rc = read_owner(
			f,
			git_tree_entry_name(git_tree_entry_byindex(f->root, i)),
			&owners);
	for (size_t i = 0; !rc && i < owners.len; i++)
		rc = fn(arg, owners.v[i]);
	strs_release(&owners);
	return rc;
}
