/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is freed while the loop calls is only marked, and swept when it no
 * longer does.
 */
#include "base/events.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define LONGEST_S 3600.0

struct event {
	struct events *of;
	int fd;
	short what;
	bool gone;
	void (*fn)(void *arg, short ready);
	void *arg;
};

struct event_timer {
	struct events *of;
	double at; /* INFINITY: is not set */
	bool gone;
	void (*fn)(void *arg);
	void *arg;
};

struct events {
	struct event **list;
	struct pollfd *fds; /* of the list's first, at the last turn */
	size_t len, cap;
	struct event_timer **timers;
	size_t timer_len, timer_cap;
	bool calling; /* nothing is swept */
	bool dirty;   /* something is to be swept */
	bool stopped;
};

struct events *events_new(void)
{
	return mem_zalloc(1, sizeof(struct events));
}

static void sweep(struct events *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->len; i++)
		if (e->list[i]->gone)
			free(e->list[i]);
		else
			e->list[n++] = e->list[i];
	e->len = n;
	n = 0;
	for (size_t i = 0; i < e->timer_len; i++)
		if (e->timers[i]->gone)
			free(e->timers[i]);
		else
			e->timers[n++] = e->timers[i];
	e->timer_len = n;
	e->dirty = false;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->len; i++)
		free(e->list[i]);
	for (size_t i = 0; i < e->timer_len; i++)
		free(e->timers[i]);
	free(e->list);
	free(e->fds);
	free(e->timers);
	free(e);
}

static void forget(struct events *e)
{
	e->dirty = true;
	if (!e->calling)
		sweep(e);
}

/* ---- descriptors -------------------------------------------------------- */

struct event *event_new(struct events *e, int fd, short what,
			void (*fn)(void *arg, short ready), void *arg)
{
	struct event *ev = mem_zalloc(1, sizeof(*ev));

	*ev = (struct event){
		.of = e, .fd = fd, .what = what, .fn = fn, .arg = arg};
	if (e->len == e->cap) {
		e->cap = e->cap ? 2 * e->cap : 8;
		e->list = mem_realloc(e->list, e->cap, sizeof(*e->list));
		e->fds = mem_realloc(e->fds, e->cap, sizeof(*e->fds));
	}
	e->list[e->len++] = ev;
	return ev;
}

void event_want(struct event *ev, short what)
{
	ev->what = what;
}

void event_free(struct event *ev)
{
	if (!ev)
		return;
	ev->gone = true;
	forget(ev->of);
}

/* ---- timers ------------------------------------------------------------- */

struct event_timer *event_timer_new(struct events *e, void (*fn)(void *arg),
				    void *arg)
{
	struct event_timer *t = mem_zalloc(1, sizeof(*t));

	*t = (struct event_timer){
		.of = e, .at = INFINITY, .fn = fn, .arg = arg};
	if (e->timer_len == e->timer_cap) {
		e->timer_cap = e->timer_cap ? 2 * e->timer_cap : 8;
		e->timers = mem_realloc(e->timers, e->timer_cap,
					sizeof(*e->timers));
	}
	e->timers[e->timer_len++] = t;
	return t;
}

void event_timer_set(struct event_timer *t, double in_s)
{
	t->at = isinf(in_s) ? INFINITY : clock_monotonic() + fmax(in_s, 0);
}

void event_timer_free(struct event_timer *t)
{
	if (!t)
		return;
	t->gone = true;
	forget(t->of);
}

/* Those that are due now; what they set anew waits for the next turn. */
static void ring(struct events *e)
{
	double now = clock_monotonic();
	size_t n = e->timer_len;

	for (size_t i = 0; i < n; i++) {
		struct event_timer *t = e->timers[i];

		if (t->gone || t->at > now)
			continue;
		t->at = INFINITY;
		t->fn(t->arg);
	}
}

static double until_next(const struct events *e, double wait_s)
{
	double next = INFINITY;

	for (size_t i = 0; i < e->timer_len; i++)
		next = fmin(next, e->timers[i]->at);
	if (!isinf(next))
		wait_s = fmin(wait_s, next - clock_monotonic());
	return fmin(fmax(wait_s, 0), LONGEST_S);
}

/* ---- the loop ----------------------------------------------------------- */

static int wait_for(struct events *e, double wait_s, const sigset_t *mask)
{
	double s = until_next(e, wait_s);
	struct timespec ts = {.tv_sec = (time_t)s};
	int n;

	/* Upwards, or it would turn about a timer that is nearly due. */
	ts.tv_nsec = (long)fmin(ceil((s - (double)ts.tv_sec) * 1e9), 999999999);
	for (size_t i = 0; i < e->len; i++)
		e->fds[i] = (struct pollfd){
			.fd = e->list[i]->what ? e->list[i]->fd : -1,
			.events = e->list[i]->what};
	n = ppoll(e->fds, e->len, &ts, mask);
	return n < 0 ? -errno : n;
}

static void call(struct events *e, size_t polled, bool ready)
{
	e->calling = true;
	for (size_t i = 0; ready && i < polled; i++) {
		struct event *ev = e->list[i];
		short what = e->fds[i].revents;

		/* One before it may have freed it, or want no more of it. */
		if (!what || ev->gone)
			continue;
		what &= (short)(ev->what | POLLERR | POLLHUP | POLLNVAL);
		if (ev->what && what)
			ev->fn(ev->arg, what);
	}
	ring(e);
	e->calling = false;
	if (e->dirty)
		sweep(e);
}

static int turn(struct events *e, double wait_s, const sigset_t *mask,
		const sigset_t *usual)
{
	size_t polled = e->len;
	int n = wait_for(e, wait_s, mask);

	if (usual)
		sigprocmask(SIG_SETMASK, usual, NULL);
	if (n < 0)
		return n == -EINTR
			       ? n
			       : err_set(-n, "cannot wait: %s", strerror(-n));
	call(e, polled, n > 0);
	return 0;
}

int events_turn(struct events *e, double wait_s)
{
	return turn(e, wait_s, NULL, NULL);
}

void events_stop(struct events *e)
{
	e->stopped = true;
}

int events_run(struct events *e, const volatile sig_atomic_t *stop)
{
	int rc = 0;

	e->stopped = false;
	while (!rc && !e->stopped) {
		sigset_t all, usual;

		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, &usual);
		if (stop && *stop) {
			sigprocmask(SIG_SETMASK, &usual, NULL);
			break;
		}
		rc = turn(e, LONGEST_S, &usual, &usual);
		if (rc == -EINTR)
			rc = 0;
	}
	return rc;
}
