/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person has to agree to on a terminal: $XDG_STATE_HOME/schedkit/mcp/
 * approvals/CODE, out of reach of the front.  An agreement is for one call by
 * one client with these very arguments, and for ten minutes.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_APPROVE_H
#define SCHEDKIT_AGENTS_STEWARD_APPROVE_H

#include "agents/steward/order.h"

#define STEWARD_CODE_LEN   10 /* "ABCD-EFGH" and a NUL */
#define STEWARD_APPROVAL_S 600.0

/* The code under which it waits, made if it does not yet; -EAGAIN: too many
 * wait. */
int steward_approval_ask(const struct steward_order *o, const struct json *args,
			 double now, char code[static STEWARD_CODE_LEN]);
/* Uses up an agreement to it; -ENOENT: there is none. */
int steward_approval_take(const struct steward_order *o,
			  const struct json *args, double now);

/* {"tool","arguments","client","created","digest"[,"agreed"]}; -ENOENT: no
 * such code; -ETIME: it has expired. */
int steward_approval_read(const char *code, double now, struct json **out);
int steward_approval_agree(const char *code, double now);
int steward_approval_decline(const char *code);

#endif
