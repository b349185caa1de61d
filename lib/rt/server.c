/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop.  In each turn: what has come is taken, the engine starts what may
 * start, the journal and the audit log are written, and only then anything
 * goes out.
 */
#include "rt/server.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/server_state.h"

#define EVENTS	    128
#define COMMIT_S    1.0	 /* until a full disk is tried again */
#define LONGEST_S   60.0 /* of one sleep */
#define COMPACT_S   10.0
#define STRANGERS_S 1.0

void server_log(struct server *s, const char *fmt, ...)
{
	char *words;
	va_list ap;

	if (!s->o->log)
		return;
	va_start(ap, fmt);
	words = mem_vprintf(fmt, ap);
	va_end(ap);
	s->o->log(s->o->arg, words);
	free(words);
}

/* ---- opening ----------------------------------------------------------- */

static int add_workers(struct server *s)
{
	const struct rt_config *c = s->o->config;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->worker_count; i++) {
		struct rt_worker_spec w = c->workers[i]; /* lent */

		/* Who asks for these does not carry them out. */
		if (s->o->store)
			w.kinds &= ~(1u << RT_MEMORY | 1u << RT_STORAGE);
		if (w.kinds)
			rc = rt_worker_add(s->r, &w, 0, s->now);
	}
	return rc ? rc : store_init(s);
}

static int open_files(struct server *s)
{
	struct rt_audit_seal seal;
	size_t lost = 0;
	int rc = 0;

	if (s->o->audit)
		rc = rt_audit_open(s->o->audit, &s->audit);
	if (!rc && s->o->journal)
		rc = rt_journal_open(s->o->journal, s->r, s->now, &lost,
				     &s->journal);
	if (!rc && s->audit) {
		rt_audit_seal(s->audit, &seal);
		s->sealed = seal.n;
		s->sealed_at = s->now;
	}
	if (lost)
		server_log(s,
			   "the journal ended in %zu bytes that were no "
			   "whole record; they are left out",
			   lost);
	return rc;
}

static int watch(struct server *s)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (s->epoll < 0 || s->spare < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->o->listen_fd, &ev) < 0)
		return err_set(errno, "cannot watch the socket: %s",
			       strerror(errno));
	return 0;
}

static int server_open(struct server *s, const struct rt_server_opts *o)
{
	struct rt_opts engine = o->config->engine;
	int rc;

	*s = (struct server){.o = o,
			     .epoll = -1,
			     .spare = -1,
			     .next_holder = SERVER_STORE + 1,
			     .retry_accept = INFINITY,
			     .retry_commit = INFINITY};
	s->now = s->began = s->busy = clock_monotonic();
	s->store.child.fd = -1;
	engine.policy = o->config->policy;
	engine.ops = &server_ops;
	engine.arg = s;
	rc = rt_access_new(o->config->access, &s->access);
	if (!rc)
		rc = rt_new(&engine, &s->r);
	if (!rc)
		rc = watch(s);
	if (!rc)
		rc = add_workers(s);
	return rc ? rc : open_files(s);
}

/* Nothing goes out that is not written down. */
static bool commit(struct server *s)
{
	int rc = s->journal ? rt_journal_commit(s->journal) : 0;

	if (!rc && s->audit)
		rc = rt_audit_commit(s->audit);
	if (rc && isinf(s->retry_commit))
		server_log(s, "%s; all answers wait for it", err_text());
	s->retry_commit = rc ? s->now + COMMIT_S : INFINITY;
	return !rc;
}

static void server_close(struct server *s)
{
	/* Also not at the end: who was not answered asks again. */
	bool written = commit(s);

	for (struct conn *c = s->conns; c; c = c->next)
		conn_close(c, "the daemon leaves");
	if (written)
		conn_flush(s);
	s->ready = s->dirty = NULL;
	for (struct conn *c = s->conns; c; c = c->next)
		c->ready = c->dirty = false;
	conn_bury(s);
	/* The next one may come, and waits for the end of this one. */
	close(s->o->listen_fd);
	if (written) {
		store_seal(s, true);
		store_flush(s);
	}
	store_release(s);
	rt_journal_close(s->journal);
	rt_audit_close(s->audit);
	rt_free(s->r);
	rt_access_free(s->access);
	rt_map_release(&s->by_holder);
	free(s->orphans);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->spare >= 0)
		close(s->spare);
}

/* ---- a turn ------------------------------------------------------------ */

static void take_events(struct server *s, double wait_s)
{
	struct epoll_event ev[EVENTS];
	int ms = wait_s <= 0 ? 0 : (int)ceil(fmin(wait_s, LONGEST_S) * 1e3);
	int n = epoll_wait(s->epoll, ev, EVENTS, ms);

	s->now = clock_monotonic();
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == s)
			conn_accept(s);
		else if (ev[i].data.ptr == &s->store)
			store_event(s);
		else
			conn_event(ev[i].data.ptr, ev[i].events);
	}
}

/* Accepting was given up for want of descriptors. */
static void accept_again(struct server *s)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	if (s->now < s->retry_accept)
		return;
	s->retry_accept = INFINITY;
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->o->listen_fd, &ev);
}

static bool idle(struct server *s)
{
	if (rt_pending(s->r))
		s->busy = s->now;
	return s->now - s->busy >= s->o->config->idle_s;
}

/* Until when nothing is to be done: seconds from now. */
static double wait_for(const struct server *s, double when)
{
	double wait = fmin(when, s->retry_accept) - s->now;

	if (s->ready || s->dirty || s->gone_count || s->buried)
		return 0;
	if (s->strangers)
		wait = fmin(wait, STRANGERS_S);
	if (s->store.not_before)
		wait = fmin(wait, s->store.not_before - s->now);
	if (!rt_pending(s->r))
		wait = fmin(wait, s->busy + s->o->config->idle_s - s->now);
	return fmin(wait, COMPACT_S);
}

/* Returns how long to wait before the next one. */
static double turn(struct server *s)
{
	double when;

	accept_again(s);
	store_tend(s);
	conn_take_lines(s);
	conn_bury(s);
	when = rt_step(s->r, s->now);
	server_end_orphans(s);
	if (!commit(s))
		return COMMIT_S;
	conn_flush(s);
	store_seal(s, false);
	store_flush(s);
	return wait_for(s, when);
}

static int compact(struct server *s, double *last)
{
	if (s->now - *last < COMPACT_S)
		return 0;
	*last = s->now;
	mem_give_back();
	return s->journal ? rt_journal_compact(s->journal, s->r, s->now) : 0;
}

int rt_serve(const struct rt_server_opts *o)
{
	double wait = 0, compacted;
	struct server s;
	int rc = server_open(&s, o);

	/* Not before: that a journal is damaged is for who started it to see.
	 */
	if (!rc && o->ready)
		o->ready(o->arg);
	compacted = s.now;
	while (!rc && !*o->stop && !s.stopping) {
		/* While nothing can be written down nothing is taken. */
		if (isfinite(s.retry_commit)) {
			poll(NULL, 0, (int)(COMMIT_S * 1e3));
			s.now = clock_monotonic();
			if (!commit(&s))
				continue;
		} else {
			take_events(&s, wait);
		}
		wait = turn(&s);
		if (compact(&s, &compacted))
			server_log(&s, "%s", err_text());
		if (idle(&s))
			break;
	}
	server_close(&s);
	return rc;
}
