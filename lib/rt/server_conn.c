/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: accepted, read, written, closed. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/server_state.h"

#define ACCEPT_TURN  64
#define ACCEPT_AGAIN 1.0 /* seconds */

struct conn *conn_of(const struct server *s, uint64_t holder)
{
	struct conn *c = idmap_find(&s->by_holder, holder);

	return c && !c->gone ? c : NULL;
}

struct rt_peer conn_peer(const struct conn *c)
{
	return (struct rt_peer){c->uid, c->pid, c->agent ? c->agent : ""};
}

void conn_audit(struct conn *c, const char *what, const char *resource, int rc)
{
	struct rt_peer who = conn_peer(c);

	if (rc)
		c->s->n.refused++;
	if (c->s->audit)
		rt_audit_add(c->s->audit, &who, what, resource,
			     rc ? "refused" : "allowed", rc ? err_text() : "");
}

/* Memory that it takes, counted anew. */
static void count(struct conn *c)
{
	size_t held = rt_wire_held(&c->wire);

	c->s->held += held - c->held;
	c->held = held;
}

static void mark_ready(struct conn *c)
{
	if (c->ready)
		return;
	c->ready = true;
	c->next_ready = c->s->ready;
	c->s->ready = c;
}

static void mark_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = c->s->dirty;
	c->s->dirty = c;
}

/* ---- accepting ---------------------------------------------------------- */

static size_t conns_of(const struct server *s, uid_t uid)
{
	size_t n = 0;

	for (const struct conn *c = s->conns; c; c = c->next)
		n += c->uid == uid;
	return n;
}

/* A few words for who cannot be served; they fit into any socket's buffer. */
static void turn_away(int fd, const char *words)
{
	char *line = mem_printf("{\"bye\":{\"text\":\"%s\"}}\n", words);

	if (send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		errno = 0;
	free(line);
	close(fd);
}

static void conn_new(struct server *s, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	struct epoll_event ev = {.events = EPOLLIN};
	struct conn *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		close(fd);
		return;
	}
	if (s->conn_count >= SERVER_CONNS ||
	    (who.uid != geteuid() && conns_of(s, who.uid) >= SERVER_FOREIGN)) {
		s->n.refused++;
		turn_away(fd, "too many connections; try again");
		return;
	}
	c = mem_zalloc(1, sizeof(*c));
	*c = (struct conn){.s = s,
			   .next = s->conns,
			   .holder = s->next_holder++,
			   .uid = who.uid,
			   .pid = who.pid,
			   .since = s->now,
			   .events = EPOLLIN};
	rt_wire_init(&c->wire, fd);
	c->wire.max_line = SERVER_STRANGER;
	ev.data.ptr = c;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		turn_away(fd, "the daemon cannot watch any more connections");
		free(c);
		return;
	}
	if (s->conns)
		s->conns->prev = c;
	s->conns = c;
	s->conn_count++;
	s->strangers++;
	s->n.accepted++;
	idmap_set(&s->by_holder, c->holder, c);
}

static int accept_one(const struct server *s)
{
	/* cppcheck-suppress nullPointer */
	return accept4(s->o->listen_fd, NULL, NULL,
		       SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/*
 * Without a descriptor for it a connection cannot even be refused, and epoll
 * would tell of it for ever: the spare one is given up for that, and if that
 * does not help it is left alone for a second.
 */
static void no_descriptor(struct server *s)
{
	struct epoll_event ev = {.events = 0};
	int fd;

	if (s->spare >= 0)
		close(s->spare);
	fd = accept_one(s);
	if (fd >= 0)
		turn_away(fd, "the daemon has no descriptor left; try again");
	s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->n.refused++;
	if (fd >= 0)
		return;
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->o->listen_fd, &ev);
	s->retry_accept = s->now + ACCEPT_AGAIN;
}

void conn_accept(struct server *s)
{
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int fd = accept_one(s);

		if (fd >= 0) {
			conn_new(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			no_descriptor(s);
		return;
	}
}

/* ---- closing ------------------------------------------------------------ */

/* Nobody else told of this worker. */
static bool alone_in(const struct conn *c, const char *name)
{
	for (const struct conn *x = c->s->conns; x; x = x->next)
		for (size_t i = 0; x != c && !x->gone && i < x->shared.len; i++)
			if (!strcmp(x->shared.v[i], name))
				return false;
	return true;
}

void conn_close(struct conn *c, const char *words)
{
	struct json *line, *bye;

	if (c->gone)
		return;
	if (words) {
		line = json_object();
		bye = json_object();
		json_set_string(bye, "text", words);
		json_set(line, "bye", bye);
		rt_wire_put(&c->wire, line);
		c->s->n.closed++;
	}
	c->gone = true;
	c->s->gone_count++;
	mark_dirty(c);
}

/* Who said hello for the run while c was there, and was left nothing then. */
static struct conn *heir_of(const struct conn *c)
{
	for (struct conn *x = c->s->conns; x; x = x->next)
		if (!x->gone && x->run && !strcmp(x->run, c->run))
			return x;
	return NULL;
}

/* Its workers go with it, what it held is given back, and what its run had
 * left is another's of the run. */
static void bury(struct conn *c)
{
	struct server *s = c->s;
	struct conn *heir = c->run && *c->run ? heir_of(c) : NULL;

	for (size_t i = 0; i < c->shared.len; i++)
		if (alone_in(c, c->shared.v[i]))
			rt_worker_drop(s->r, c->shared.v[i], false, s->now);
	rt_holder_gone(s->r, c->holder, s->now);
	if (heir)
		rt_adopt(s->r, c->run, heir->holder, s->now);
	c->buried = true;
	s->gone_count--;
	if (!c->agent)
		s->strangers--;
}

static void conn_free(struct conn *c)
{
	struct server *s = c->s;

	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->conn_count--;
	s->held -= c->held;
	idmap_remove(&s->by_holder, c->holder);
	/* Closing is not enough while a child that is about to start the store
	 * has a copy: epoll would tell of one that is no more. */
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->wire.fd, NULL);
	close(c->wire.fd);
	rt_wire_release(&c->wire);
	rt_map_release(&c->leases);
	strs_release(&c->shared);
	free(c->agent);
	free(c->run);
	free(c);
}

void conn_bury(struct server *s)
{
	struct conn *next;

	if (!s->gone_count && !s->buried && !s->strangers)
		return;
	s->buried = 0;
	for (struct conn *c = s->conns; c; c = next) {
		next = c->next;
		if (!c->gone && !c->agent && s->now - c->since > SERVER_HELLO_S)
			conn_close(c, "no hello came");
		if (c->gone && !c->buried)
			bury(c);
		/* What it is told last is still to be written. */
		if (c->buried && !c->ready && !c->dirty)
			conn_free(c);
		else
			s->buried += c->buried;
	}
}

/*
 * When lines take too much memory, who holds the most of it is closed, not who
 * happens to come with one more.
 */
static void relieve(struct server *s)
{
	while (s->held > SERVER_HELD) {
		struct conn *most = NULL;

		for (struct conn *c = s->conns; c; c = c->next)
			if (!most || c->held > most->held)
				most = c;
		if (!most || !most->held)
			return;
		conn_close(most, NULL);
		rt_wire_release(&most->wire);
		count(most);
	}
}

/* ---- reading ------------------------------------------------------------ */

void conn_event(struct conn *c, unsigned events)
{
	int rc;

	if (c->gone)
		return;
	if (events & EPOLLOUT)
		mark_dirty(c);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	rc = rt_wire_fill(&c->wire);
	count(c);
	c->ended = rc != 0;
	mark_ready(c);
	relieve(c->s);
}

static void bad_line(struct conn *c, int rc)
{
	conn_error(c, NULL, rc);
	if (rc == -EMSGSIZE || ++c->bad >= SERVER_BAD)
		conn_close(c, err_text());
}

/* Some of its lines; true when there may be more. */
static bool take_some(struct conn *c)
{
	size_t most = rt_wire_left(&c->wire) + SERVER_SAID;

	/* Who asks for much at once is not to keep the others waiting. */
	for (int i = 0; i < SERVER_TURN && !c->gone; i++) {
		struct json *v = NULL;
		int rc;

		if (rt_wire_left(&c->wire) > most)
			return true;
		rc = rt_wire_next(&c->wire, &v);

		if (!rc)
			return false;
		c->s->n.lines++;
		if (rc < 0)
			bad_line(c, rc);
		else
			server_do(c, v);
		json_free(v);
	}
	return !c->gone;
}

void conn_take_lines(struct server *s)
{
	struct conn *c = s->ready, *next;

	s->ready = NULL;
	for (; c; c = next) {
		next = c->next_ready;
		c->ready = false;
		if (take_some(c))
			mark_ready(c);
		else if (c->ended)
			conn_close(c, NULL);
		count(c);
	}
}

/* ---- writing ------------------------------------------------------------ */

void conn_put(struct conn *c, struct json *v)
{
	if (c->gone) {
		json_free(v);
		return;
	}
	if (rt_wire_put(&c->wire, v))
		conn_close(c, err_text());
	mark_dirty(c);
}

void conn_put_line(struct conn *c, const struct buf *line)
{
	if (c->gone)
		return;
	if (rt_wire_put_line(&c->wire, line->data, line->len))
		conn_close(c, err_text());
	mark_dirty(c);
}

void conn_error(struct conn *c, const struct json *ref, int rc)
{
	struct json *v = json_object();

	if (ref)
		json_set(v, "ref", json_copy(ref));
	json_set(v, "error", rt_error_json(rc, err_text()));
	conn_put(c, v);
}

static void watch(struct conn *c)
{
	unsigned want = EPOLLIN | (rt_wire_left(&c->wire) ? EPOLLOUT : 0);
	struct epoll_event ev = {.events = want, .data.ptr = c};

	if (want == c->events)
		return;
	c->events = want;
	epoll_ctl(c->s->epoll, EPOLL_CTL_MOD, c->wire.fd, &ev);
}

void conn_flush(struct server *s)
{
	struct conn *c;

	while ((c = s->dirty)) {
		int rc = rt_wire_flush(&c->wire);

		s->dirty = c->next_dirty;
		c->dirty = false;
		count(c);
		if (c->gone)
			continue;
		if (rc)
			conn_close(c, NULL);
		else
			watch(c);
	}
	relieve(s);
}
