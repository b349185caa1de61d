/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to change the policy of a machine for another one: only for what lasts,
 * and never to and fro.
 *
 * Pure: what was seen and the time go in, what to do comes out.  Each window of
 * observation votes for one policy, or for none: that is the kernel's own
 * scheduler.
 */
#ifndef SCHEDKIT_AGENTS_WATCHER_DECIDE_H
#define SCHEDKIT_AGENTS_WATCHER_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/doc.h"

#define WATCHER_WINDOWS_MAX  64
#define WATCHER_SWITCHES_MAX 120
#define WATCHER_BANS_MAX     64
#define WATCHER_NAME	     128

struct watcher_rules {
	long lasts, of; /* so many of the last so many windows: over a half */
	/* A workload is recognised up to near, and lost beyond far: a policy
	 * changes what can be seen of it. */
	double near, far;
	double dwell_s;	   /* what was put in place stays at least so long */
	double cooldown_s; /* what fell is left alone so long; then twice … */
	long per_hour;	   /* at most so many changes; 2 or more */
};

#define WATCHER_RULES                              \
	((struct watcher_rules){.lasts = 3,        \
				.of = 4,           \
				.near = 3,         \
				.far = 6,          \
				.dwell_s = 300,    \
				.cooldown_s = 900, \
				.per_hour = 6})

/* Somebody's policy in some workload's place: of two that are as near, what is
 * in place stays. */
#define WATCHER_MARGIN 0.5

/* A workload that the history knows, as near as this to what was seen. */
struct watcher_seen {
	char workload[WATCHER_NAME];
	double distance;
	char policy[DOC_ID_LEN]; /* trusted for it; "": none is */
};

struct watcher_vote {
	char policy[DOC_ID_LEN]; /* "": the kernel's own scheduler */
	char workload[WATCHER_NAME];
	double distance;
};

struct watcher_ban {
	char policy[DOC_ID_LEN];
	double until;
	unsigned int falls;
};

struct watcher {
	struct watcher_rules rules;
	struct watcher_vote votes[WATCHER_WINDOWS_MAX];
	size_t n; /* since the last change; the oldest first */
	struct watcher_vote present;
	double since; /* when that was put in place; clock_monotonic() */
	double switches[WATCHER_SWITCHES_MAX]; /* when, the oldest first */
	size_t switched;
	struct watcher_ban bans[WATCHER_BANS_MAX];
	size_t banned;
};

enum watcher_answer {
	WATCHER_STAY,	/* as it is */
	WATCHER_WAIT,	/* something else would be right, but not yet */
	WATCHER_CHANGE, /* to what is in choice */
};

struct watcher_choice {
	struct watcher_vote to;
	char why[512]; /* in a sentence */
};

void watcher_init(struct watcher *w, const struct watcher_rules *rules,
		  double now);

/* A window has passed: n known workloads, in any order; 0: nothing known. */
void watcher_saw(struct watcher *w, const struct watcher_seen *seen, size_t n);

enum watcher_answer watcher_decide(const struct watcher *w, double now,
				   struct watcher_choice *out);

/* It was done: this is in place now. */
void watcher_changed(struct watcher *w, double now,
		     const struct watcher_vote *to);

/* What was to be put in place was refused, or what was in place is no more,
 * without being asked: the kernel's own scheduler is in place now. */
void watcher_fell(struct watcher *w, double now,
		  const struct watcher_vote *what);

#endif
