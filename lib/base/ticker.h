/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that does something every so often, for what may take its time: it
 * keeps nobody waiting but who ends it.  Signals are for others.
 */
#ifndef SCHEDKIT_BASE_TICKER_H
#define SCHEDKIT_BASE_TICKER_H

struct ticker;

/* tick at once, and then again each time so many seconds after it was done.
 * NULL: there is no thread to be had. */
struct ticker *ticker_new(double every_s, void (*tick)(void *arg), void *arg);

/* Waits for the end of the tick that is at work.  NULL is fine. */
void ticker_free(struct ticker *t);

#endif
