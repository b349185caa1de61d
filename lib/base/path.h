/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things are.  Installed and in the build tree the layout is the same:
 * ROOT/bin, ROOT/libexec/schedkit, ROOT/lib/schedkit; ROOT is found from
 * /proc/self/exe, so nothing is compiled in and a tree can be moved.
 *
 * All returned strings are the caller's to free.
 */
#ifndef SCHEDKIT_BASE_PATH_H
#define SCHEDKIT_BASE_PATH_H

#include <stddef.h>

char *path_bin(const char *name);     /* ROOT/bin/NAME */
char *path_libexec(const char *name); /* ROOT/libexec/schedkit/NAME */
char *path_lib(const char *name);     /* ROOT/lib/schedkit/NAME */

/* $XDG_STATE_HOME/schedkit/NAME, else ~/.local/state/schedkit/NAME. */
char *path_state(const char *name);
/* $XDG_CACHE_HOME/schedkit/NAME, else ~/.cache/schedkit/NAME. */
char *path_cache(const char *name);
/* $XDG_CONFIG_HOME/schedkit/NAME, else ~/.config/schedkit/NAME. */
char *path_config(const char *name);

/*
 * Where what is at work now is noted, and not for longer than until the next
 * boot: $SCHEDKIT_RUN/NAME, else /run/schedkit/NAME for root, and
 * $XDG_RUNTIME_DIR/schedkit/NAME or a folder of the state's for others.
 */
char *path_run(const char *name);
/* Root's, for another one who wants to know; NULL: path_run() is all. */
char *path_run_root(const char *name);

/* The program of this name in $PATH, or at this path, without links; NULL: it
 * is not there or cannot be executed. */
char *path_program(const char *name);

/* mkdir -p, mode 0700 for what is made. */
int path_make_dirs(const char *path);
/* The same for the folder that a file is in. */
int path_make_parent(const char *path);

/*
 * Writes a file so that a reader sees the old content or the new, never a
 * part: temporary file beside it, fsync, rename.
 */
int path_write_atomic(const char *path, const void *data, size_t len);
/* The same of what everybody may read. */
int path_write_public(const char *path, const void *data, size_t len);

#endif
