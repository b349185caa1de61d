/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the versioned files share. */
#ifndef SCHEDKIT_HISTORY_FILE_PARTS_H
#define SCHEDKIT_HISTORY_FILE_PARTS_H

#include "base/strs.h"
#include "history/file.h"
#include "history/repo.h"

/* An agent's folder, a fixed part, a name. */
#define FILE_PATH_LEN (FILE_AGENT_MAX * 3 + FILE_NAME_MAX + 32)

struct files {
	struct history *h;
	const char *ref;  /* lent */
	bool writing;	  /* the lock is held */
	bool changed;	  /* head is not where the reference is */
	git_oid at;	  /* of the reference, when it was last looked at */
	git_commit *head; /* NULL: there is nothing yet */
	git_tree *root;	  /* of head */
};

/* Files that another reference has; the name is lent. */
struct files *files_new_at(struct history *h, const char *ref);

/* Before reading: head and root are what the reference says, or what this
 * transaction wrote. */
int files_look(struct files *f);
/* Before writing. */
int files_begin(struct files *f);

/* A new commit on head with these blobs at these paths. */
struct file_change {
	const char *path;
	const void *data; /* NULL: the blob is there */
	size_t len;
	git_oid blob;
};

int files_record(struct files *f, struct file_change *c, size_t n,
		 const char *message);

#define FILE_FOLDER_LEN (FILE_AGENT_MAX * 3 + 1)

/* "AGENT/PART/NAME" */
void file_path(char out[static FILE_PATH_LEN], const char *agent,
	       const char *part, const char *name);

/* Every blob below a folder of the tree in order of name, its path counted from
 * there; added to out. */
int files_names(struct files *f, const char *folder, struct strs *out);

#endif
