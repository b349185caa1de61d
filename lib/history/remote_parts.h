/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What talking to another repository needs, whatever is said. */
#ifndef SCHEDKIT_HISTORY_REMOTE_PARTS_H
#define SCHEDKIT_HISTORY_REMOTE_PARTS_H

#include <stdbool.h>

#include "base/strs.h"
#include "history/remote.h"

/* The other end of a talk. */
struct peer {
	char *url;
	char *prefix; /* refs/schedkit/remote/NAME/ */
};

/* Of a name or an address; NULL: the one that is meant then. */
int peer_find(struct history *h, const char *remote, struct peer *p);
void peer_release(struct peer *p);

/* Fetches what the refspecs name, and looks at the repository anew, where git
 * wrote packs that we do not know yet. */
int peer_fetch(struct history *h, const struct remote_opts *o,
	       const struct peer *p, const struct strs *specs);

/* Gives them what the refspecs name; atomic: all of it or nothing.  0; 1:
 * somebody else was faster, and git's words are in the error slot. */
int peer_push(struct history *h, const struct remote_opts *o,
	      const struct peer *p, const struct strs *specs, bool atomic);

/* References below a prefix; fn may remove what it is given. */
int peer_each_ref(struct history *h, const char *prefix,
		  int (*fn)(struct history *h, const char *name, void *arg),
		  void *arg);

#endif
