/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watcher: looks now and then at what this machine does, and has the policy
 * in place that the history trusts for work like this.
 *
 * Everything is done by our own programs as children: sched-observe looks,
 * sched-history knows, sched-deploy checks and holds.  When the watcher ends,
 * however it does, the policy goes with it.
 */
#ifndef SCHEDKIT_AGENTS_WATCHER_WATCHER_H
#define SCHEDKIT_AGENTS_WATCHER_WATCHER_H

#include <signal.h>

#include "agents/watcher/decide.h"

struct watcher_opts {
	struct watcher_rules rules;
	double interval_s; /* from one window to the next */
	double window_s;   /* of observation */
	long rounds;	   /* windows, then it ends; 0: for ever */
	/* What fell so often in so many seconds is left alone. */
	long falls;
	double within_s;
	bool dry_run;	     /* only say what would be done */
	bool record;	     /* in the history */
	const char *metrics; /* a file, written anew in each round; NULL */
	const volatile sig_atomic_t *cancel;
	/* What was decided, in a line, and as a note (NULL: a mere remark). */
	void (*said)(void *arg, const char *line, const struct doc *note);
	void *said_arg;
};

/*
 * Until cancelled, or rounds are over: 0.  -errno when the first look fails:
 * then nothing was done.  Later ones may fail: that is said, and a window that
 * was not seen is like nothing that is known.
 */
int watcher_run(const struct watcher_opts *o);

#endif
