/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that serves memory and storage: started when it is first needed,
 * and again after it died, then not before a pause that doubles.  What it was
 * at work on is the engine's to run again.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/server_state.h"

#define NAME	"store"
#define SLOTS	32
#define PAUSE_S 0.1
#define KIND_S	2.0
#define PAUSES	9 /* doublings at most */
#define SEAL_S	60.0

static int add_worker(struct server *s)
{
	struct rt_worker_spec w;
	int rc;

	rt_worker_spec_init(&w);
	free(w.name);
	w.name = mem_strdup(NAME);
	w.kinds = 1u << RT_MEMORY | 1u << RT_STORAGE;
	w.capacity.v[RES_SLOTS] = SLOTS;
	w.order = -1; /* before the host, whose clients start one each */
	rc = rt_worker_add(s->r, &w, SERVER_STORE, s->now);
	rt_worker_spec_release(&w);
	return rc;
}

int store_init(struct server *s)
{
	s->store.child.fd = -1;
	return s->o->store ? add_worker(s) : 0;
}

/* ---- the process ------------------------------------------------------- */

static int spawn(struct server *s)
{
	struct store *st = &s->store;
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = st};
	char *argv[] = {(char *)s->o->store, NULL};
	int rc = child_exec(s->o->store, argv, false, &st->child);

	if (rc)
		return rc;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, st->child.fd, &ev) < 0) {
		rc = err_set(errno, "cannot wait for '%s': %s", s->o->store,
			     strerror(errno));
		close(st->child.fd);
		child_end(&st->child, KIND_S);
		return rc;
	}
	rt_wire_init(&st->wire, st->child.fd);
	server_log(s, "started '%s', process %d", s->o->store,
		   (int)st->child.pid);
	return 0;
}

/* Whether it is an answer to a seal. */
static bool note_seal(struct server *s, const struct json *v)
{
	if (server_number(json_get(v, "id")) || !json_get(v, "error"))
		return false;
	rt_error_read(json_get(v, "error"));
	server_log(s, "cannot seal the audit log: %s", err_text());
	s->sealed = 0;
	return true;
}

static void let_go(struct server *s, bool kindly)
{
	struct store *st = &s->store;

	if (!st->child.pid)
		return;
	/* The end of its input ends it; a hung one is ended. */
	close(st->child.fd);
	child_end(&st->child, kindly ? KIND_S : 0);
	rt_wire_release(&st->wire);
	rt_map_release(&st->leases);
	st->child.fd = -1;
	/* The next one is asked for nothing yet. */
	st->full = false;
}

/* What became of the last seal, from one that has been asked to end; whether
 * it does. */
static bool hear_out(struct server *s)
{
	struct store *st = &s->store;
	struct pollfd p = {st->child.fd, POLLIN, 0};
	double end = clock_monotonic() + KIND_S, left;
	struct json *v;
	int ended, rc;

	do {
		ended = rt_wire_fill(&st->wire);
		while ((rc = rt_wire_next(&st->wire, &v)) == 1) {
			note_seal(s, v);
			json_free(v);
		}
		left = end - clock_monotonic();
	} while (!ended && !rc && left > 0 &&
		 poll(&p, 1, (int)(left * 1e3)) > 0);
	return ended;
}

void store_release(struct server *s)
{
	bool kindly = true;

	if (s->store.child.pid && !shutdown(s->store.child.fd, SHUT_WR))
		kindly = hear_out(s);
	let_go(s, kindly);
}

/* What it held is given back, and may start again: on the next one. */
static void died(struct server *s)
{
	struct store *st = &s->store;
	unsigned doublings = st->row < PAUSES ? st->row : PAUSES;

	server_log(s, "'%s' is gone", s->o->store);
	s->sealed = 0;
	let_go(s, false);
	rt_worker_drop(s->r, NAME, true, s->now);
	/* After that the name is free. */
	rt_step(s->r, s->now);
	/* One that has answered before is replaced at once. */
	st->not_before = s->now;
	if (st->row++)
		st->not_before += PAUSE_S * (1 << doublings);
	store_tend(s);
}

void store_tend(struct server *s)
{
	struct store *st = &s->store;

	if (!s->o->store || !st->not_before || s->now < st->not_before)
		return;
	st->not_before = add_worker(s) ? s->now + PAUSE_S : 0;
	if (st->not_before > 0)
		server_log(s, "%s", err_text());
}

/* ---- requests ---------------------------------------------------------- */

/* Called by the engine: what fails here ends once its step is over. */
void store_start(struct server *s, const struct rt_task *t,
		 const struct rt_lease *lease)
{
	struct store *st = &s->store;
	struct json *v;

	if (!st->child.pid && spawn(s)) {
		server_log(s, "%s", err_text());
		server_orphan(s, lease->id);
		return;
	}
	v = json_object();
	json_set_number(v, "id", (double)lease->id);
	json_set_string(v, "agent", t->q.agent);
	json_set(v, "payload", json_parse(t->q.payload, strlen(t->q.payload)));
	if (rt_wire_put(&st->wire, v)) {
		server_orphan(s, lease->id);
		return;
	}
	idmap_mark(&st->leases, lease->id);
}

void store_cancel(struct server *s, uint64_t lease)
{
	/* It is quick: the answer is left unread. */
	idmap_remove(&s->store.leases, lease);
}

static void take_answer(struct server *s, const struct json *v)
{
	uint64_t lease = server_number(json_get(v, "id"));
	const struct json *result = json_get(v, "result");
	struct rt_outcome o;

	if (note_seal(s, v) || !idmap_remove(&s->store.leases, lease))
		return;
	s->store.row = 0;
	rt_outcome_init(&o);
	if (json_get(v, "error")) {
		o.error = rt_error_read(json_get(v, "error"));
		o.text = mem_strdup(err_text());
		o.again = o.error == -EAGAIN;
	} else {
		o.result = json_canonical(result);
	}
	rt_done(s->r, lease, &o, s->now);
	rt_outcome_release(&o);
}

void store_seal(struct server *s, bool now)
{
	struct store *st = &s->store;
	struct rt_audit_mark mark;
	struct json *v, *seal;
	char *path;

	if (!s->audit || !s->o->store || st->not_before > 0)
		return;
	rt_audit_mark(s->audit, &mark);
	if (mark.seal.n == s->sealed || !*mark.first ||
	    (!now && s->now - s->sealed_at < SEAL_S))
		return;
	s->sealed_at = s->now;
	if (!st->child.pid && spawn(s)) {
		server_log(s, "%s", err_text());
		return;
	}
	path = realpath(s->o->audit, NULL);
	v = json_object();
	seal = json_set(v, "seal", json_object());
	json_set_string(seal, "log", path ? path : s->o->audit);
	json_set_number(seal, "n", (double)mark.seal.n);
	json_set_string(seal, "hash", mark.seal.hash);
	json_set_string(seal, "first", mark.first);
	if (!rt_wire_put(&st->wire, v))
		s->sealed = mark.seal.n;
	free(path);
}

void store_event(struct server *s)
{
	struct store *st = &s->store;
	struct json *v;
	int end, rc;

	if (!st->child.pid)
		return;
	end = rt_wire_fill(&st->wire);
	while ((rc = rt_wire_next(&st->wire, &v)) == 1) {
		take_answer(s, v);
		json_free(v);
	}
	if (end || rc)
		died(s);
}

void store_flush(struct server *s)
{
	struct store *st = &s->store;
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = st};

	if (!st->child.pid)
		return;
	if (rt_wire_flush(&st->wire)) {
		died(s);
		return;
	}
	if (!rt_wire_left(&st->wire) == !st->full)
		return;
	st->full = !st->full;
	ev.events |= st->full ? EPOLLOUT : 0;
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, st->child.fd, &ev);
}
