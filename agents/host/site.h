/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose /proc, /sys and /boot the doctor looks at: this machine's, or a copy
 * in a folder, of which nothing leads out and whose files may be anything.
 */
#ifndef SCHEDKIT_AGENTS_HOST_SITE_H
#define SCHEDKIT_AGENTS_HOST_SITE_H

#include <dirent.h>
#include <stdbool.h>

#include "base/buf.h"

#define SITE_WORD 256

struct site {
	int root;   /* a descriptor */
	bool other; /* a folder: not the machine that we run on */
};

/* root NULL: this machine.  -ENOENT and the like with a message. */
int site_open(struct site *s, const char *root);
void site_close(struct site *s);

/*
 * Paths begin with '/'.  Only what is a regular file is read, and no more than
 * out->max of it: 0, or -errno (-EFBIG; -EINVAL: not a file) without a
 * message.
 */
int site_read(const struct site *s, const char *path, struct buf *out);

/* Its first line, or as much of it as fits; false: cannot be read. */
bool site_word(const struct site *s, const char *path,
	       char out[static SITE_WORD]);

/* NULL: not there, or no folder. */
DIR *site_dir(const struct site *s, const char *path);

/* The release of its kernel, "" where nothing tells. */
void site_release(const struct site *s, char out[static SITE_WORD]);

#endif
