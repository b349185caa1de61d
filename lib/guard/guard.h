/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guard: samples in, and once the answer that it has tripped.  It has no
 * clock and reads nothing: who feeds it says when.
 *
 * A sample tells of the time since the one before.  The guard keeps an account
 * of seconds: time in which its bound was violated is added, time in which all
 * was well by more than a tenth is taken off, and what lies between changes
 * nothing.  It trips with a violating sample when the account has reached the
 * window.  So
 *   - what is well all the time never trips it, however long;
 *   - what is violated all the time trips it within the window and one sample,
 *     if samples come at least twice in a window;
 *   - one sample alone never does, unless the window is 0;
 *   - what is violated more often than not trips it in the end.
 * Once tripped it stays so until it is armed again.
 */
#ifndef SCHEDKIT_GUARD_GUARD_H
#define SCHEDKIT_GUARD_GUARD_H

#include "guard/rule.h"

#define GUARD_KEPT   24	 /* samples that are remembered */
#define GUARD_BEFORE 64	 /* of the time before */
#define GUARD_ROOM   0.1 /* well: so much better than the bound */

struct guard_sample {
	double t; /* seconds, of any clock that never goes back */
	double value;
};

struct guard {
	struct guard_rule rule;
	double bound;  /* in the kind's unit, when it is armed */
	double before; /* the median of the time before; NAN: none */
	bool armed, tripped;
	double score_s; /* the account */
	double last;	/* the time of the last sample */
	double armed_at;
	struct guard_sample kept[GUARD_KEPT]; /* a ring */
	size_t taken;
	double early[GUARD_BEFORE];
	size_t earlier;
};

void guard_init(struct guard *g, const struct guard_rule *r);

/* A sample of the time before; the last GUARD_BEFORE of them count. */
void guard_before(struct guard *g, double value);

/*
 * From now on samples count.  -ENODATA: its bound is relative, and there is
 * nothing to compare with.
 */
int guard_arm(struct guard *g, double now);

/* Takes a sample; true: with this one it trips.  NAN: what was told is told no
 * more, which is a violation. */
bool guard_take(struct guard *g, double t, double value);

/* The remembered samples, the oldest first; how many. */
size_t guard_samples(const struct guard *g,
		     struct guard_sample out[static GUARD_KEPT]);

/* "wait_p99 was 812 ms for 3 s, and at most 200 ms (2x of 100 ms before) is
 * allowed".  For a tripped one. */
void guard_words(const struct guard *g, char *out, size_t size);

#endif
