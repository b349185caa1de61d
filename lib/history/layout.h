/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a document lies in the tree:
 *     policies/3f/<id>/document.json   the line itself
 *                     /policy.json     its body, indented
 *                     /params.txt      a parameter per line
 *                     /README          what the commit says
 * Two digits of the id keep folders small, so that a commit costs the same
 * however long the history is.
 */
#ifndef SCHEDKIT_HISTORY_LAYOUT_H
#define SCHEDKIT_HISTORY_LAYOUT_H

#include "history/repo.h"
#include "history/words.h"

#define LAYOUT_PATH_LEN 160

/* "policies" for "policy"; out of HISTORY_KIND_LEN + 4 bytes. */
void layout_folder(char *out, size_t size, const char *kind);
void layout_path(char *out, size_t size, const char *kind, const char *id,
		 const char *file);

/* The content of a file in the tree, the caller's; -ENOENT. */
int layout_read(const struct history *h, const git_tree *root, const char *path,
		struct buf *out);

/* Adds the document's files to base (NULL: an empty tree). */
int layout_write(const struct history *h, git_tree *base, const struct doc *d,
		 const struct words_context *c, git_oid *tree);

#endif
