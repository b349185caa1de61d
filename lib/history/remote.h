/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history of another machine: fetched, merged and given what it lacks.
 *
 * git(1) itself does the talking, as a child without hooks, prompts and remote
 * helpers, for a bounded time.  What it brings lands on references below
 * refs/schedkit/remote and is data of others: every document is checked before
 * it is merged, and nothing of theirs replaces anything of ours.
 */
#ifndef SCHEDKIT_HISTORY_REMOTE_H
#define SCHEDKIT_HISTORY_REMOTE_H

#include <signal.h>

#include "history/history.h"

#define REMOTE_REFS "refs/schedkit/remote/"

/* -EINVAL: no name, no address that git may talk to; -EEXIST; -ENOENT. */
int remote_add(struct history *h, const char *name, const char *url);
int remote_remove(struct history *h, const char *name);
/* Until fn returns non-zero, which is then returned. */
int remote_each(struct history *h,
		int (*fn)(void *arg, const char *name, const char *url),
		void *arg);

struct remote_opts {
	const char *remote; /* a name or an address; NULL: the only one, or
			     * "origin" */
	double timeout_s;   /* of each talk */
	const volatile sig_atomic_t *cancel;
};

struct remote_result {
	size_t documents; /* of theirs, new to us */
	size_t files;	  /* of agents, likewise */
	size_t tags;
	size_t kept; /* tags of theirs that are another thing with us: theirs
		      * stay below refs/schedkit/remote */
	bool pushed; /* remote_push(): they lacked something, and have it now */
};

/*
 * Fetches and merges.  -EBADMSG: a document of theirs is not what it says, and
 * nothing was taken; -EHOSTUNREACH: git could not talk to them, and said why;
 * -ETIMEDOUT.
 */
int remote_pull(struct history *h, const struct remote_opts *o,
		struct remote_result *out);
/* The same, and gives them what they lack; again as long as others push
 * meanwhile, -EAGAIN after some time. */
int remote_push(struct history *h, const struct remote_opts *o,
		struct remote_result *out);

#endif
