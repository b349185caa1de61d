/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may ask for what: rules, read from the top, the first that says
 * something about it counts, nothing said means no.
 *
 *   {"agent":"sched-synth*","uid":1000,"may":["llm","memory:search",
 *    "storage:read:shared*"],"not":["guest"]}
 *
 * A permission is KIND[:VERB[:RESOURCE]] and covers all that it does not name.
 * Its parts and agent are patterns of fnmatch(3), in which '*' matches '/',
 * too; "{agent}" in a RESOURCE stands for the name of who asks.  uid absent:
 * the daemon's own and root.  A rule says no to what its "not" covers, also
 * in part, then yes to what its "may" covers as a whole, and nothing of the
 * rest.
 *
 * Steering the daemon is "control:policy", "control:drain", "control:stop"; to
 * serve as a worker is "work:KIND"; to look is "look:WHAT".  What is stored
 * belongs to the agent that its name begins with: "AGENT/…", or to all:
 * "shared/…".  Default rules: the daemon's own user may do everything but read
 * or write another agent's storage and notes that were not shared with it;
 * nobody else may do anything.
 *
 * Names are bounded and may hold anything; a resource with a part that is
 * "." or ".." or empty (before the first '/' and after the last it may be) is
 * nobody's.
 */
#ifndef SCHEDKIT_RT_ACCESS_H
#define SCHEDKIT_RT_ACCESS_H

#include <sys/types.h>

#include "doc/json.h"

struct rt_access;

/* rules: an array; NULL: the default ones.  -EINVAL names the rule. */
int rt_access_new(const struct json *rules, struct rt_access **out);
void rt_access_free(struct rt_access *a);

/* Who asks: uid from the socket's credentials; agent is what it calls itself,
 * which is worth no more than its uid's rules allow. */
struct rt_peer {
	uid_t uid;
	pid_t pid;
	const char *agent; /* not NULL; at most RT_NAME_MAX bytes */
};

/* verb, resource NULL: all of them.  0, or -EACCES with who, what, and the rule
 * that would be needed. */
int rt_access_check(const struct rt_access *a, const struct rt_peer *who,
		    const char *kind, const char *verb, const char *resource);

#endif
