/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the watcher share. */
#ifndef SCHEDKIT_AGENTS_WATCHER_PARTS_H
#define SCHEDKIT_AGENTS_WATCHER_PARTS_H

#include "agents/watcher/watcher.h"
#include "base/buf.h"
#include "base/child.h"

#define WATCHER_BY "sched-deploy"

/* ---- look.c: what is going on ---- */

#define WATCHER_SEEN_MAX 64

struct watcher_view {
	struct watcher_seen seen[WATCHER_SEEN_MAX]; /* known and not far */
	size_t n;
	struct json *features; /* owned */
};

/* Observes one window and asks the history about it.  Release in any case. */
int watcher_look(const struct watcher_opts *o, struct watcher_view *v);
void watcher_view_release(struct watcher_view *v);

/* ---- hold.c: sched-deploy as a child that holds a policy ---- */

struct watcher_hold {
	struct child child; /* fd -1: there is none */
	struct buf in;	    /* of its documents, what is not read yet */
	bool attached;
	char state[16]; /* of its last deployment; "": none yet */
	char why[512];
	char title[256];
};

/* Until it is attached; else why it is not, and nothing is held. */
int watcher_hold(const struct watcher_opts *o, const struct watcher_vote *to,
		 struct watcher_hold *h);
/* Whether it still holds; h->state and h->why say how it ended. */
bool watcher_holds(struct watcher_hold *h, int wait_ms);
/* Lets go, and waits until it has. */
void watcher_let_go(struct watcher_hold *h);

#endif
