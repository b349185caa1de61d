/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loop for one thread: descriptors, timers, and a flag that a handler of
 * signals may set.  It is poll(2) below, so that files and terminals do as well
 * as pipes and sockets.
 *
 * All functions may be called from the functions that the loop calls, those
 * that free what is being called included.
 */
#ifndef SCHEDKIT_BASE_EVENTS_H
#define SCHEDKIT_BASE_EVENTS_H

#include <poll.h>
#include <signal.h>

struct events;
struct event;
struct event_timer;

struct events *events_new(void);
/* With all that is watched; descriptors stay open. */
void events_free(struct events *e);

/* fn is called when fd is ready for any of `what` (POLLIN, POLLOUT, POLLRDHUP),
 * or with POLLERR, POLLHUP or POLLNVAL, which nobody needs to ask for. */
struct event *event_new(struct events *e, int fd, short what,
			void (*fn)(void *arg, short ready), void *arg);
/* 0: nothing at all, POLLHUP and its like included. */
void event_want(struct event *ev, short what);
void event_free(struct event *ev); /* NULL is fine */

/* Not running until it is set. */
struct event_timer *event_timer_new(struct events *e, void (*fn)(void *arg),
				    void *arg);
/* Once, in so many seconds; INFINITY: never.  What was set before is not. */
void event_timer_set(struct event_timer *t, double in_s);
void event_timer_free(struct event_timer *t); /* NULL is fine */

/*
 * Until events_stop(), or a signal's handler has set *stop (NULL: there is
 * none).  Signals are let through while it waits and while it calls, but never
 * between the look at *stop and the waiting.  0, or -errno with a message.
 */
int events_run(struct events *e, const volatile sig_atomic_t *stop);
void events_stop(struct events *e);
/* One turn of it that waits so long at most.  0, -EINTR, -errno. */
int events_turn(struct events *e, double wait_s);

#endif
