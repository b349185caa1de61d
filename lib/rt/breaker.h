/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A circuit breaker for each class of errors: closed, open for a time that
 * doubles with each failed try, half-open for a single try.
 *
 * Closed, it opens after so many faults of its class in a row.  Open, it takes
 * no notice of what ends: that was sent before.  Once its time is over, the
 * next one sent is the try of every class whose time is over.  In a half-open
 * class whatever ends decides: well, or with a fault that shows that this class
 * is not at fault (who says "not so fast" was reached), it closes; with a
 * fault of this class it opens again, for twice as long; with another fault
 * the next one sent is the next try.
 */
#ifndef SCHEDKIT_RT_BREAKER_H
#define SCHEDKIT_RT_BREAKER_H

#include <stdbool.h>

enum rt_fault {
	RT_FAULT_NONE,
	RT_FAULT_REACH,	 /* no connection, broken, timed out */
	RT_FAULT_SERVER, /* it fails itself: 5xx, overloaded */
	RT_FAULT_RATE,	 /* 429: the limits' business, opens after many */
	RT_FAULT_RIGHTS, /* key refused, account empty: opens at once, long */
	RT_FAULT_ASKER,	 /* the request's own fault: never counts */
	RT_FAULTS,
};

enum rt_breaker_state { RT_CLOSED, RT_OPEN, RT_HALF_OPEN };

struct rt_breaker {
	struct {
		enum rt_breaker_state state;
		double until;	 /* open: then half-open */
		unsigned opened; /* in a row: makes its pause longer */
		unsigned row;	 /* failures without a success between */
		bool trying;	 /* half-open: the one try is under way */
	} of[RT_FAULTS];
};

/* Of an outcome's error (-errno as llm_take(), worker's errors alike). */
enum rt_fault rt_fault_of(int error);

void rt_breaker_init(struct rt_breaker *b);
/* When one more may be sent: now, later, or INFINITY while a try is under
 * way. */
double rt_breaker_when(const struct rt_breaker *b, double now);
/* One is sent. */
void rt_breaker_sent(struct rt_breaker *b, double now);
/* It ended; RT_FAULT_NONE: well.  Cancelled ones: rt_breaker_undone(). */
void rt_breaker_result(struct rt_breaker *b, enum rt_fault f, double now);
void rt_breaker_undone(struct rt_breaker *b);
/* The worst of all classes. */
enum rt_breaker_state rt_breaker_worst(const struct rt_breaker *b, double now);

#endif
