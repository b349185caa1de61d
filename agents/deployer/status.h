/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in force on this host, as the kernel tells, and whose it is.
 *
 * Another's is never called ours: ours is what the record of a living
 * sched-deploy names, by the kernel's own name and number of the attachment.
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_STATUS_H
#define SCHEDKIT_AGENTS_DEPLOYER_STATUS_H

#include "base/buf.h"
#include "doc/json.h"

/* The body of a note, as sched-deploy(1) describes it; the caller's. */
struct json *status_read(void);

/* A policy or knobs of ours are in force, held, and no guard has tripped. */
bool status_is_well(const struct json *status);

/* Adds it as OpenMetrics text, but for the last line. */
void status_metrics(const struct json *status, struct buf *out);

#endif
