/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and storage without a daemon: libexec/schedkit/agent-store is started
 * for one request and ends with it.  schedkit-store(5) has the requests.
 */
#ifndef SCHEDKIT_AGENTS_STORE_H
#define SCHEDKIT_AGENTS_STORE_H

#include <signal.h>

#include "doc/json.h"

struct store_opts {
	const char *history; /* NULL: as history_dir() */
	const char *agent;   /* who asks */
	const volatile sig_atomic_t *cancel;
};

/*
 * *result is the caller's.  The errors of the request; -EPIPE: agent-store
 * died; -EINTR: cancelled; -ENOENT, -EACCES …: it could not be started.
 */
int store_ask(const struct store_opts *o, const struct json *payload,
	      struct json **result);

#endif
