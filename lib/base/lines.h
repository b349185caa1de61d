/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of lines that several processes append to and any of them may die
 * over: a line is whole, or it is what a dead writer left of it, closed by the
 * next one.
 */
#ifndef SCHEDKIT_BASE_LINES_H
#define SCHEDKIT_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens to append and read, mode 0600 if it is made, and makes its folder.
 * The descriptor, or -errno with a message that names the path.
 */
int lines_open(const char *path);

/* Appends one line (given without its newline) under a lock, in one piece or
 * not at all; sync: it is on the disk when this returns. */
int lines_append(int fd, const char *line, bool sync);

/*
 * Gives every whole line from *at on to fn, and moves *at behind them.  Lines
 * of more than max bytes are left out.  fn stops it by returning non-zero,
 * which is returned.
 */
int lines_read(int fd, off_t *at, size_t max,
	       int (*fn)(void *arg, const char *line, size_t len), void *arg);

#endif
