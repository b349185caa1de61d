/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for a folder of rules to change, or to appear. */
#ifndef SCHEDKIT_INTENT_WATCH_H
#define SCHEDKIT_INTENT_WATCH_H

#include <stdbool.h>

struct intent_watch;

/*
 * The folder need not be there.  NULL: the kernel has no more watches to give,
 * or none at all; whoever waits has to look by himself.  What changes by
 * another machine's hand, on a file system of several, nobody is told.
 */
struct intent_watch *intent_watch_new(const char *folder);
void intent_watch_free(struct intent_watch *w); /* NULL is fine */

/* To be polled for POLLIN; -1: w is NULL. */
int intent_watch_fd(const struct intent_watch *w);

/*
 * Takes what is to be read, never waits, and watches what is there by now.
 * True: the folder, or a way to it, may have changed since.
 */
bool intent_watch_read(struct intent_watch *w);

#endif
