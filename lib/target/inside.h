/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the guest: what PID 1 and its workers do to the system they find.
 * For cmd/guest-init.c.
 */
#ifndef SCHEDKIT_TARGET_INSIDE_H
#define SCHEDKIT_TARGET_INSIDE_H

#include "doc/json.h"

/* proc, sys, dev; loopback, host name, limits.  Once, by PID 1. */
int inside_boot(void);

/* Loads a (compressed) module file unless the kernel has its file system. */
int inside_load_overlay(const char *module);

/* The port of that name, blocking. */
int inside_open_port(const char *name);

/*
 * A root of one's own for the calling process: the host's tree below, a
 * scratch in memory above, in a new mount namespace that goes with the
 * process.  cwd is made if it is not there.
 */
int inside_new_root(const char *cwd);

/* {"kernel":…,"cpus":…,"llcs":…,"clocksource":…,"sched_ext":…} */
struct json *inside_facts(void);

/* Tasks that the out-of-memory killer ended so far. */
long inside_oom_kills(void);
/* Its last words, "" for none; the caller frees them. */
char *inside_oom_words(void);

#endif
