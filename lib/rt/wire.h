/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol between the daemon and its clients: a stream socket, one JSON
 * object a line, at most RT_WIRE_MAX bytes; every object has one key that says
 * what it is.  schedkit-runtime(5) is its manual.
 *
 * Up (to the daemon):
 *   {"hello":{"agent","run","version":1,"still":[KEY…]}}   first
 *   {"submit":[REQUEST…],"ref":N}
 *   {"done":{"lease",…OUTCOME}}    {"progress":{"lease","usage":{}}}
 *   {"suspended":{"lease","checkpoint","usage"}}
 *   {"grow":{"lease","more":{}},"ref":N}
 *   {"cancel":{"id"}|{"candidate"}|{"run"},"ref":N}
 *   {"delivered":{"id"}}           the answer to "ended"
 *   {"worker":{…SPEC,"ours":bool},"ref":N}   {"beat":{"name"}}
 *   {"drop":{"name","now":bool},"ref":N}
 *   {"look":"top"|"queue"|"metrics"|"workers"|"policies"|"predictor","ref":N}
 *   {"set":{"policy":NAME},"ref":N}  {"drain":bool,"ref":N}  {"stop":true}
 * Down:
 *   {"welcome":{"version":1,"policy","pid","shared":true}}
 *   {"ref":N,"ids":[…]}  {"ref":N,"error":{"errno","text"}} {"ref":N,"value":…}
 *   {"start":{"id","lease","key","worker","attempt","quantum","held","hedge",
 *             "payload","checkpoint"}}
 *   {"suspend":{"lease"}}   {"cancel":{"lease"}}
 *   {"ended":{"id","key","state",…OUTCOME}}
 *   {"bye":{"text"}}        and the connection is closed
 * Ids and leases are numbers below 2^53.
 */
#ifndef SCHEDKIT_RT_WIRE_H
#define SCHEDKIT_RT_WIRE_H

#include "base/buf.h"
#include "doc/json.h"

#define RT_WIRE_MAX	(8u << 20)  /* bytes of a line */
#define RT_WIRE_OUT	(16u << 20) /* bytes that the other side left unread */
#define RT_WIRE_VERSION 1

/* One end of a connection: whole lines in, buffered lines out. */
struct rt_wire {
	int fd; /* non-blocking, its owner's */
	struct buf in, out;
	size_t in_used; /* of `in`, taken */
	size_t in_seen; /* of `in`, without the end of a line from in_used on */
	size_t out_used; /* of `out`, written */
	size_t max_line; /* RT_WIRE_MAX unless set lower */
};

void rt_wire_init(struct rt_wire *w, int fd);
void rt_wire_release(struct rt_wire *w);
/* Reads what there is, some 256 KiB beyond what a line needs at most; what is
 * left makes poll(2) report it again: 0, -EPIPE at its end, -errno. */
int rt_wire_fill(struct rt_wire *w);
/* The next whole line: 1 and *out (the caller's), 0: none, -EBADMSG: no JSON
 * object (the line is taken), -EMSGSIZE: over the limit. */
int rt_wire_next(struct rt_wire *w, struct json **out);
/* Takes v.  -ENOBUFS: the other side does not read; it is to be closed. */
int rt_wire_put(struct rt_wire *w, struct json *v);
/* The same of a line that is written already, given without its newline. */
int rt_wire_put_line(struct rt_wire *w, const char *line, size_t len);
/* Writes what it can: 0, -EPIPE, -errno. */
int rt_wire_flush(struct rt_wire *w);
/* Bytes that are still to be written. */
size_t rt_wire_left(const struct rt_wire *w);
/* Bytes that it holds in memory. */
size_t rt_wire_held(const struct rt_wire *w);

#endif
