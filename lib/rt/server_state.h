/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the server. */
#ifndef SCHEDKIT_RT_SERVER_STATE_H
#define SCHEDKIT_RT_SERVER_STATE_H

#include <sys/types.h>

#include "base/child.h"
#include "base/strs.h"
#include "rt/access.h"
#include "rt/audit.h"
#include "rt/idmap.h"
#include "rt/journal.h"
#include "rt/server.h"
#include "rt/wire.h"

#define SERVER_CONNS	1024	     /* at most */
#define SERVER_FOREIGN	32	     /* of one other user */
#define SERVER_HELD	(256u << 20) /* bytes of all lines in and out */
#define SERVER_QUEUED	(256u << 20) /* bytes of requests that have not ended */
#define SERVER_WORKERS	1024	     /* at most */
#define SERVER_HELLO_S	10.0	     /* to say hello */
#define SERVER_BAD	16  /* lines that are none, then it is closed */
#define SERVER_TURN	128 /* lines of one connection in a turn of the loop */
#define SERVER_SAID	(256u << 10) /* bytes of answers, likewise */
#define SERVER_STRANGER (256u << 10) /* bytes of a line before hello */
#define SERVER_STORE	1 /* holder of the store; connections follow */

/* A connection. */
struct conn {
	struct server *s;
	struct conn *next, *prev;
	struct conn *next_ready, *next_dirty;
	struct rt_wire wire;
	uint64_t holder;
	uid_t uid;
	pid_t pid;
	char *agent, *run;    /* of its hello; run as the engine knows it */
	struct rt_map leases; /* that it carries out */
	struct strs shared;   /* names of workers that it told of */
	double since;
	size_t held;	 /* bytes, as counted in the server's */
	size_t queued;	 /* bytes of what it asked for, likewise */
	unsigned bad;	 /* lines */
	unsigned events; /* that epoll was asked for */
	bool ready;	 /* in the list of those with lines to take */
	bool dirty;	 /* in the list of those with lines to write */
	bool ended;	 /* nothing more comes */
	bool gone;	 /* to be buried, outside of the engine's step */
	bool buried;	 /* the engine knows; to be freed */
};

/* The process that serves memory and storage. */
struct store {
	struct child child; /* pid 0: none runs */
	struct rt_wire wire;
	struct rt_map leases; /* under way */
	double not_before;    /* no new one until then */
	unsigned row;	      /* deaths without an answer between */
	bool full;	      /* it has yet to read what it is asked */
};

struct server {
	const struct rt_server_opts *o;
	struct rt *r;
	struct rt_journal *journal;
	struct rt_audit *audit;
	struct rt_access *access;
	struct store store;
	int epoll, spare; /* spare: a descriptor for when there are no more */
	struct conn *conns, *ready, *dirty;
	struct rt_map by_holder;
	uint64_t next_holder;
	double now, began, busy; /* busy: when something was last asked */
	double retry_accept;	 /* INFINITY: it listens */
	double retry_commit; /* the disk is full; INFINITY: all is written */
	size_t held, queued; /* bytes */
	struct {
		uint64_t accepted, lines, refused, closed;
	} n;
	size_t conn_count, strangers; /* strangers: without hello */
	size_t gone_count, buried;    /* conns that are gone; that are buried */
	bool draining, stopping;
	size_t sealed;	  /* lines of the audit log, in the store */
	double sealed_at; /* when that was last asked for */
	/* Leases that nobody is there for; ended once the step is over. */
	uint64_t *orphans;
	size_t orphan_count, orphan_cap;
};

/* server.c */
void server_log(struct server *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* server_conn.c */
void conn_accept(struct server *s);
void conn_event(struct conn *c, unsigned events);
void conn_take_lines(struct server *s); /* of all that have some */
void conn_flush(struct server *s);	/* of all that were written to */
/* Tells why; from then on it is gone.  words NULL: it is gone already. */
void conn_close(struct conn *c, const char *words);
void conn_bury(struct server *s); /* the gone ones; not from rt_ops */
void conn_put(struct conn *c, struct json *v); /* takes v */
void conn_put_line(struct conn *c, const struct buf *line);
void conn_error(struct conn *c, const struct json *ref, int rc);
struct conn *conn_of(const struct server *s, uint64_t holder);
struct rt_peer conn_peer(const struct conn *c);
void conn_audit(struct conn *c, const char *what, const char *resource, int rc);

/* server_do.c: one line. */
void server_do(struct conn *c, const struct json *v);

/* server_submit.c */
int server_submit(struct conn *c, const struct json *list,
		  const struct json *ref);

/* The number of a request or a lease; 0: v is none. */
uint64_t server_number(const struct json *v);

/* server_ops.c */
extern const struct rt_ops server_ops;
/* Nobody is there to carry it out: it ends once the engine's step is over. */
void server_orphan(struct server *s, uint64_t lease);
void server_end_orphans(struct server *s);

/* server_look.c: NULL: no such thing to look at. */
struct json *server_look(struct server *s, const char *what);

/* server_store.c */
int store_init(struct server *s);
void store_release(struct server *s);
void store_start(struct server *s, const struct rt_task *t,
		 const struct rt_lease *lease);
void store_cancel(struct server *s, uint64_t lease);
void store_event(struct server *s);
void store_flush(struct server *s);
/* What the audit log has, if it grew; now: even if that was put there a moment
 * ago. */
void store_seal(struct server *s, bool now);
void store_tend(struct server *s); /* a new one, when its time has come */

#endif
