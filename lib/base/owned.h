/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are believed, for only who may say such things can write them. */
#ifndef SCHEDKIT_BASE_OWNED_H
#define SCHEDKIT_BASE_OWNED_H

#include <sys/stat.h>

/* -EACCES: it is neither root's nor ours, or others may write to it. */
int owned_check(const char *path, const struct stat *st);

/*
 * A descriptor of a plain file that passes; a link or a pipe is not followed,
 * nor waited for: -EACCES.
 */
int owned_open(const char *path, struct stat *st);

#endif
