/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to the daemon, and its answer. */
#ifndef SCHEDKIT_RT_ASK_H
#define SCHEDKIT_RT_ASK_H

#include "doc/json.h"

/* {"hello":…}, for who calls itself agent; run may be "".  still (taken, may be
 * NULL): keys of what an earlier daemon started and that goes on. */
struct json *rt_hello(const char *agent, const char *run, struct json *still);

/*
 * Sends line (taken) and gives the "value" that answers it; to be freed.
 * socket NULL: rt_socket_path().  -ENOENT: no daemon runs; -ETIMEDOUT; what
 * the daemon answers in "error", with its text.
 */
int rt_ask(const char *socket, const char *agent, struct json *line,
	   double timeout_s, struct json **value);

/* {"errno":NAME,"text":…} as an error of ours: -errno, and the message. */
int rt_error_read(const struct json *error);
struct json *rt_error_json(int rc, const char *text);

#endif
