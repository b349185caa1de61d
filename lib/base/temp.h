/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders for a while.  Each is locked as long as its maker lives, so the next
 * one to make one knows what was left by those that were killed, and removes
 * it.
 */
#ifndef SCHEDKIT_BASE_TEMP_H
#define SCHEDKIT_BASE_TEMP_H

struct temp {
	char *dir; /* NULL: none */
	int lock;
};

#define TEMP_NONE ((struct temp){NULL, -1})

/* PARENT/PREFIX plus six characters, mode 0700; parent is made.  Nothing else
 * in parent is called PREFIX and more. */
int temp_make(const char *parent, const char *prefix, struct temp *out);
/* With all that is in it, as far as we may. */
void temp_remove(struct temp *t);
/* The same of any folder. */
void temp_clear(const char *dir);

#endif
