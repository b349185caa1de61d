/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching while a policy is in force on this host: whether it still is, the
 * time, the command, who wants it stopped, and the guards.
 *
 *     deployer_guard_open()    before anything is attached
 *     deployer_guard_before()  likewise; the command may run
 *       deployer_guard_begin()  right before it is attached
 *       deployer_supervise()   while it is, as often as it is wanted
 *       deployer_guard_end()   it is attached no more; _tell_end() says so
 *     deployer_guard_close()
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_GUARD_H
#define SCHEDKIT_AGENTS_DEPLOYER_GUARD_H

#include "agents/deployer/state.h"

enum supervised_end {
	SUPERVISED_OVER,      /* the time is */
	SUPERVISED_COMMAND,   /* it has ended */
	SUPERVISED_CANCELLED, /* asked to stop */
	SUPERVISED_EJECTED,   /* it is in force no more */
	SUPERVISED_TRIPPED,   /* a guard did: it is to be taken off now */
};

struct supervised {
	enum supervised_end how;
	char why[512];	   /* in a sentence */
	double at;	   /* clock_monotonic() when that was known … */
	double off;	   /* … and when it was taken off; 0: it is not yet */
	struct json *trip; /* SUPERVISED_TRIPPED; the caller's */
};

/* The state of the deployment that ended so, and its enum deployer_answer. */
const char *supervised_state(const struct supervised *s);
int supervised_answer(const struct supervised *s);

/*
 * Whether the policy may be tried at all after what it did before, and what
 * guards read: 0; DEPLOYER_REFUSED, and a deployment says so; -errno.
 */
int deployer_guard_open(struct deployer *d);

/* The time before, where some bound is relative to it: likewise; -EINTR. */
int deployer_guard_before(struct deployer *d);

/* From now until deployer_guard_end() guards watch, and this process is a
 * real-time one, as far as it may be, so that what it watches does not schedule
 * it. */
void deployer_guard_begin(struct deployer *d);

/*
 * Waits, and looks ten times a second, until there is an end to it; until is a
 * time of clock_monotonic(), INFINITY for none.  Nothing is taken off: that is
 * the caller's, at once where it was ejected or tripped.  -errno: what was to
 * be watched cannot be.
 */
int deployer_supervise(struct deployer *d, double until,
		       struct supervised *out);

/* It is attached no more: the next deployer_supervise() is of another one. */
void deployer_guard_end(struct deployer *d);

/* What watches: the member "guards" of a deployment that begins, and what that
 * cost, "watcher", of one that is over; into body. */
void deployer_guard_tell(const struct deployer *d, struct json *body);

/* The trip is written down for the next time; revert_s: what it took from
 * knowing to being rid of the policy. */
void deployer_guard_tripped(struct deployer *d, struct supervised *s,
			    double revert_s);

/* deployer_guard_end(), and body, the deployment that is over, is emitted with
 * what watched and with the trip, if there was one; takes both. */
int deployer_guard_tell_end(struct deployer *d, struct supervised *s,
			    struct json *body);

void deployer_guard_close(struct deployer *d);

/*
 * Takes off what is attached to this host, if it still is, and tells how it
 * ended; takes the trip.  failed: something went wrong, the message says what.
 * An enum deployer_answer, or -errno.
 */
int deployer_end_host(struct deployer *d, struct supervised *s, double began,
		      int failed);

#endif
