/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/perfetto.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "doc/utf8.h"
#include "trace/events.h"

#define CHUNK_BYTES (1u << 16)
/* Leaving a CPU and the next one's getting it are two records of one switch,
 * this far apart at most; else the CPU was idle between them. */
#define ONE_SWITCH_NS	100000
#define PRIO_OF_NICE_0	120
#define PACKET_SEQUENCE 1

/* Numbers of fields, by message. */
enum { TRACE_PACKET = 1 };
enum { PACKET_FTRACE = 1, PACKET_TRUSTED_SEQUENCE = 10 };
enum { BUNDLE_CPU = 1, BUNDLE_EVENT = 2 };
enum { EVENT_AT = 1, EVENT_PID = 2, EVENT_SWITCH = 4, EVENT_WAKING = 20 };
enum {
	SWITCH_PREV_COMM = 1,
	SWITCH_PREV_PID,
	SWITCH_PREV_PRIO,
	SWITCH_PREV_STATE,
	SWITCH_NEXT_COMM,
	SWITCH_NEXT_PID,
	SWITCH_NEXT_PRIO,
};
enum { WAKING_COMM = 1, WAKING_PID, WAKING_PRIO, WAKING_TARGET_CPU = 5 };
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* prev_state of sched_switch: runnable, interruptible, uninterruptible. */
static const uint64_t states[] = {
	[REC_PREEMPTED] = 0, [REC_SLEEPS] = 1, [REC_BLOCKS] = 2};

struct leaving {
	bool there;
	struct trace_record rec;
};

struct writer {
	struct trace_tasks tasks;
	struct leaving *cpus;
	uint32_t cpu_count;
	struct buf out, event, body, packet, bundle;
	int fd, rc;
	struct perfetto_counts *counts;
};

/* ---- protobuf ---------------------------------------------------------- */

static void varint(struct buf *b, uint64_t x)
{
	unsigned char bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (x & 0x7f) | (x > 0x7f ? 0x80 : 0);
		x >>= 7;
	} while (bytes[n++] & 0x80);
	buf_add(b, bytes, n);
}

static void number(struct buf *b, unsigned field, uint64_t x)
{
	varint(b, field << 3 | WIRE_VARINT);
	varint(b, x);
}

static void bytes_of(struct buf *b, unsigned field, const void *p, size_t n)
{
	varint(b, field << 3 | WIRE_BYTES);
	varint(b, n);
	buf_add(b, p, n);
}

/* Protobuf's strings are UTF-8; names of tasks are any bytes. */
static void text(struct buf *b, unsigned field, const char *s)
{
	bytes_of(b, field, s, utf8_valid(s, strlen(s)) ? strlen(s) : 0);
}

/* ---- events ------------------------------------------------------------ */

static void flush(struct writer *w)
{
	if (!w->rc)
		w->rc = io_write(w->fd, w->out.data, w->out.len);
	buf_reset(&w->out);
}

/* Wraps w->body, the event of that field, in a packet of its own. */
static void put_event(struct writer *w, uint32_t cpu, uint64_t at, uint32_t pid,
		      unsigned field)
{
	buf_reset(&w->event);
	number(&w->event, EVENT_AT, at);
	number(&w->event, EVENT_PID, pid);
	bytes_of(&w->event, field, w->body.data, w->body.len);
	buf_reset(&w->bundle);
	number(&w->bundle, BUNDLE_CPU, cpu);
	bytes_of(&w->bundle, BUNDLE_EVENT, w->event.data, w->event.len);
	buf_reset(&w->packet);
	number(&w->packet, PACKET_TRUSTED_SEQUENCE, PACKET_SEQUENCE);
	bytes_of(&w->packet, PACKET_FTRACE, w->bundle.data, w->bundle.len);
	bytes_of(&w->out, TRACE_PACKET, w->packet.data, w->packet.len);
	if (w->out.len >= CHUNK_BYTES)
		flush(w);
}

static const char *name_of(const struct writer *w, uint32_t pid)
{
	uint32_t t = trace_tasks_find(&w->tasks, pid);

	if (!pid)
		return "swapper";
	return t == TRACE_NOBODY ? "" : w->tasks.v[t].name;
}

/* out or in NULL: the idle task. */
static void put_switch(struct writer *w, uint32_t cpu, uint64_t at,
		       const struct trace_record *out,
		       const struct trace_record *in)
{
	uint32_t prev = out ? out->pid : 0, next = in ? in->pid : 0;

	buf_reset(&w->body);
	text(&w->body, SWITCH_PREV_COMM, name_of(w, prev));
	number(&w->body, SWITCH_PREV_PID, prev);
	number(&w->body, SWITCH_PREV_PRIO,
	       (uint64_t)(PRIO_OF_NICE_0 + (out ? out->nice : 0)));
	number(&w->body, SWITCH_PREV_STATE,
	       out && out->flags <= REC_BLOCKS ? states[out->flags] : 0);
	text(&w->body, SWITCH_NEXT_COMM, name_of(w, next));
	number(&w->body, SWITCH_NEXT_PID, next);
	number(&w->body, SWITCH_NEXT_PRIO,
	       (uint64_t)(PRIO_OF_NICE_0 + (in ? in->nice : 0)));
	put_event(w, cpu, at, prev, EVENT_SWITCH);
	w->counts->switches++;
}

static void put_waking(struct writer *w, const struct trace_record *rec)
{
	uint32_t by = rec->other == REC_BY_UNKNOWN ? 0 : rec->other;

	buf_reset(&w->body);
	text(&w->body, WAKING_COMM, name_of(w, rec->pid));
	number(&w->body, WAKING_PID, rec->pid);
	number(&w->body, WAKING_PRIO, PRIO_OF_NICE_0);
	number(&w->body, WAKING_TARGET_CPU, rec->cpu);
	put_event(w, rec->cpu, rec->at, by, EVENT_WAKING);
	w->counts->wakeups++;
}

static void went_idle(struct writer *w, uint32_t cpu)
{
	struct leaving *l = &w->cpus[cpu];

	if (l->there)
		put_switch(w, cpu, l->rec.at, &l->rec, NULL);
	l->there = false;
}

static void take(struct writer *w, const struct trace_record *rec)
{
	struct leaving *l;

	if (rec->what == REC_WAKE && !(rec->flags & REC_EARLY))
		put_waking(w, rec);
	if (rec->what != REC_IN && rec->what != REC_OUT)
		return;
	if (rec->cpu >= w->cpu_count) {
		w->cpus = mem_realloc(w->cpus, rec->cpu + 1u, sizeof(*w->cpus));
		memset(w->cpus + w->cpu_count, 0,
		       (rec->cpu + 1u - w->cpu_count) * sizeof(*w->cpus));
		w->cpu_count = rec->cpu + 1u;
	}
	l = &w->cpus[rec->cpu];
	if (rec->what == REC_IN && l->there &&
	    rec->at - l->rec.at <= ONE_SWITCH_NS) {
		put_switch(w, rec->cpu, rec->at, &l->rec, rec);
		l->there = false;
		return;
	}
	went_idle(w, rec->cpu);
	if (rec->what == REC_IN)
		put_switch(w, rec->cpu, rec->at, NULL, rec);
	else
		*l = (struct leaving){true, *rec};
}

int perfetto_write(const void *bytes, size_t len, int fd,
		   struct perfetto_counts *counts)
{
	struct writer w = {.fd = fd, .counts = counts};
	struct buf *bufs[] = {&w.out, &w.event, &w.body, &w.packet, &w.bundle};
	struct trace_record rec;
	struct trace_events e;
	int rc = trace_events_open(bytes, len, &e);

	*counts = (struct perfetto_counts){0};
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_init(bufs[i], 2 * CHUNK_BYTES);
	while (trace_events_next(&e, &rec))
		if (rec.what == REC_NAME)
			trace_tasks_name(&w.tasks, &rec);
	trace_events_open(bytes, len, &e);
	while (trace_events_next(&e, &rec) && !w.rc)
		take(&w, &rec);
	for (uint32_t cpu = 0; cpu < w.cpu_count; cpu++)
		went_idle(&w, cpu);
	flush(&w);
	counts->tasks = w.tasks.n;
	rc = w.rc;
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_release(bufs[i]);
	trace_tasks_release(&w.tasks);
	free(w.cpus);
	return rc ? err_set(-rc, "cannot write the trace: %s", strerror(-rc))
		  : 0;
}
