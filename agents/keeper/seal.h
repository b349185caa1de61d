/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seals of audit logs in the history: up to where a log was whole, written by
 * the runtime alone.  Who cuts lines off a log has to rewrite the history as
 * well.  Each version of the file has the newest of them, and fewer the older
 * they are.
 */
#ifndef SCHEDKIT_AGENTS_KEEPER_SEAL_H
#define SCHEDKIT_AGENTS_KEEPER_SEAL_H

#include "doc/json.h"
#include "history/file.h"
#include "rt/audit.h"

/* Whose files they are; no agent goes by this name. */
#define SEALS_OWNER "schedkit-audit"

/* {"log":PATH,"n","hash","first"}; files_commit() puts it on the disk. */
int seal_put(struct files *f, const struct json *seal);

/* Those of a log, the newest first; none is no error. */
int seals_of(struct history *h, const char *log, struct rt_audit_mark **out,
	     size_t *n);

#endif
