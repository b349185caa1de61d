/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the guest: what PID 1 and its workers do to the system they find.
 * For cmd/guest-init.c.
 */
#ifndef SCHEDKIT_TARGET_INSIDE_H
#define SCHEDKIT_TARGET_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

struct inside_fs {
	const char *type, *at, *options;
	unsigned long flags;
};

/* Mounts n of them, making the places that are not there. */
int inside_mount(const struct inside_fs *t, size_t n);

/* proc, sys, dev; loopback, host name, limits.  Once, by PID 1. */
int inside_boot(void);

bool inside_has_overlay(void);

/* Loads the (compressed) module file if it is needed and there; "": none. */
int inside_load_overlay(const char *module);

/* The port of that name, blocking. */
int inside_open_port(const char *name);

/*
 * A root of one's own for the calling process: the host's tree below, a
 * scratch in memory above, in a new mount namespace that goes with the
 * process.  cwd is made if it is not there.  Without overlayfs only new files
 * in /tmp and cwd can be written.
 */
int inside_new_root(const char *cwd);

/* {"kernel":…,"cpus":…,"clocksource":…,"writable":…,"sched_ext":…} */
struct json *inside_facts(void);

/* Tasks that the out-of-memory killer ended so far. */
long inside_oom_kills(void);
/* Its last words, "" for none; the caller frees them. */
char *inside_oom_words(void);

#endif
