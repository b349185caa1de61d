/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks for memory or storage, schedkit-store(5), through the runtime: of the
 * daemon's store, or of one that is started for this request and ends with it.
 */
#ifndef SCHEDKIT_AGENTS_KEEPER_STORE_H
#define SCHEDKIT_AGENTS_KEEPER_STORE_H

#include <signal.h>

#include "doc/json.h"

struct store_opts {
	/* NULL: as history_dir().  A daemon has its own: with this, or with
	 * $SCHEDKIT_HISTORY, it is not asked. */
	const char *history;
	const char *agent; /* who asks */
	const volatile sig_atomic_t *cancel;
};

/*
 * *result is the caller's.  The errors of the request and of the runtime's
 * client, -EACCES if its rules forbid it; -EPIPE: agent-store
 * died; -EINTR: cancelled; -ENOENT, -EACCES …: it could not be started.
 */
int store_ask(const struct store_opts *o, const struct json *payload,
	      struct json **result);

/* The same without the runtime: what a lease for such a request is used for. */
int store_direct(const struct store_opts *o, const struct json *payload,
		 struct json **result);

#endif
