/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may ask for what: rules, read from the top, the first that matches
 * counts, nothing matches means no.
 *
 *   {"agent":"sched-synth/…*","uid":1000,"may":["llm","memory:search:*",
 *    "storage:read:shared/…*"],"not":["guest"]}
 *
 * agent and the last part of a permission are patterns of fnmatch(3) without
 * FNM_PATHNAME; uid absent: the daemon's own and root.  A permission is
 * KIND[:VERB[:RESOURCE]] and covers all that it does not name.  Steering the
 * daemon is "control:policy", "control:drain", "control:stop"; to serve as a
 * worker is "work:KIND"; to look is "look:*".  Default rules: the daemon's own
 * user may do everything but read or write another agent's storage and notes
 * that were not shared with it; nobody else may do anything.
 */
#ifndef SCHEDKIT_RT_ACCESS_H
#define SCHEDKIT_RT_ACCESS_H

#include <sys/types.h>

#include "doc/json.h"

struct rt_access;

/* rules NULL: the default ones.  -EINVAL names the rule. */
int rt_access_new(const struct json *rules, struct rt_access **out);
void rt_access_free(struct rt_access *a);

/* Who asks: uid from the socket's credentials; agent is what it calls itself,
 * which is worth no more than its uid's rules allow. */
struct rt_peer {
	uid_t uid;
	pid_t pid;
	const char *agent;
};

/* 0, or -EACCES with who, what, and the rule that would be needed. */
int rt_access_check(const struct rt_access *a, const struct rt_peer *who,
		    const char *kind, const char *verb, const char *resource);

#endif
