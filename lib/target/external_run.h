/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy of the form "external" around one command: its program is started
 * with the privilege of the caller, awaited until the kernel says enabled, and
 * ended by SIGINT.
 */
#ifndef SCHEDKIT_TARGET_EXTERNAL_RUN_H
#define SCHEDKIT_TARGET_EXTERNAL_RUN_H

#include <stdbool.h>

#include "doc/json.h"

struct external_run;

/*
 * path: of the program, as external_find() gave it; checked again, as are the
 * shapes of all flags.  -EBUSY: another scheduler is attached; -EIO: it ended,
 * with its last words; -ETIMEDOUT: it did not attach.
 */
int external_run_start(const struct json *body, const char *path,
		       struct external_run **out);

/* Still what was attached first, without a break. */
bool external_run_alive(struct external_run *e);

/* Ends the program and waits until the kernel says disabled. */
int external_run_stop(struct external_run *e);

/* {"name":…,"output":…}: the ops as the kernel has them, the last words. */
struct json *external_run_report(const struct external_run *e);

/* The last line that it printed; "" for none: the caller's. */
char *external_run_words(const struct external_run *e);

void external_run_free(struct external_run *e); /* NULL is fine */

#endif
