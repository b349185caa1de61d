/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine wants done, as lines to its clients. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/server_state.h"

void server_orphan(struct server *s, uint64_t lease)
{
	if (s->orphan_count == s->orphan_cap) {
		s->orphan_cap = s->orphan_cap ? s->orphan_cap * 2 : 16;
		s->orphans = mem_realloc(s->orphans, s->orphan_cap,
					 sizeof(*s->orphans));
	}
	s->orphans[s->orphan_count++] = lease;
}

void server_end_orphans(struct server *s)
{
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.error = -EPIPE;
	o.again = true;
	o.text = mem_strdup("who was to carry it out is gone");
	while (s->orphan_count)
		rt_done(s->r, s->orphans[--s->orphan_count], &o, s->now);
	rt_outcome_release(&o);
}

static struct conn *carrier(struct server *s, const struct rt_task *t,
			    const struct rt_lease *lease)
{
	uint64_t served = lease->worker->holder;

	return conn_of(s, served ? served : t->holder);
}

/* ,"name":text of JSON */
static void put_raw(struct json *v, const char *name, const char *text)
{
	if (text && *text)
		json_set(v, name, json_parse(text, strlen(text)));
}

static struct json *start_line(const struct rt_task *t,
			       const struct rt_lease *lease, double quantum)
{
	struct json *line = json_object(), *v = json_object();

	json_set_number(v, "id", (double)t->id);
	json_set_number(v, "lease", (double)lease->id);
	json_set_string(v, "key", t->q.key);
	json_set_string(v, "worker", lease->worker->spec.name);
	json_set_number(v, "attempt", (double)t->attempt);
	if (isfinite(quantum))
		json_set_number(v, "quantum", quantum);
	json_set(v, "held", vec_json(&lease->held));
	if (lease->id == t->hedge.id)
		json_set_bool(v, "hedge", true);
	put_raw(v, "payload", t->q.payload);
	put_raw(v, "checkpoint", t->checkpoint);
	json_set(line, "start", v);
	return line;
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *lease)
{
	struct server *s = arg;
	struct conn *c;

	if (lease->worker->holder == SERVER_STORE) {
		store_start(s, t, lease);
		return;
	}
	c = carrier(s, t, lease);
	if (!c) {
		server_orphan(s, lease->id);
		return;
	}
	/* A lease that has grown is started again under its number. */
	idmap_mark(&c->leases, lease->id);
	conn_put(c, start_line(t, lease, rt_quantum_of(s->r, t)));
}

static void put_lease(struct conn *c, const char *what, uint64_t lease)
{
	struct buf line;

	buf_init(&line, 256);
	buf_printf(&line, "{\"%s\":{\"lease\":%llu}}", what,
		   (unsigned long long)lease);
	conn_put_line(c, &line);
	buf_release(&line);
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *lease)
{
	struct conn *c = carrier(arg, t, lease);

	if (c && idmap_find(&c->leases, lease->id))
		put_lease(c, "suspend", lease->id);
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *lease)
{
	struct server *s = arg;
	struct conn *c;

	if (lease->worker->holder == SERVER_STORE) {
		store_cancel(s, lease->id);
		return;
	}
	c = carrier(s, t, lease);
	if (c && idmap_remove(&c->leases, lease->id))
		put_lease(c, "cancel", lease->id);
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct conn *c = conn_of(arg, t->holder);
	struct json *line, *v;

	/* Who comes back for its run is told then. */
	if (!c)
		return;
	line = json_object();
	v = o ? rt_outcome_json(o) : json_object();
	json_set_number(v, "id", (double)t->id);
	json_set_string(v, "key", t->q.key);
	json_set_string(v, "state", rt_state_name(t->state));
	json_set(line, "ended", v);
	conn_put(c, line);
}

static void take(size_t *from, size_t bytes)
{
	*from -= bytes < *from ? bytes : *from;
}

/* Of requests that were there before the daemon, or that another connection
 * took over, it is not told whose they were: the share is about right. */
static void count_queued(struct server *s, const struct rt_event *e)
{
	size_t bytes = rt_request_bytes(&e->task->q);
	struct conn *c = conn_of(s, e->task->holder);

	if (e->kind == RT_EV_SUBMITTED) {
		s->queued += bytes;
		if (c)
			c->queued += bytes;
	} else if (e->kind == RT_EV_ENDED) {
		take(&s->queued, bytes);
		if (c)
			take(&c->queued, bytes);
	}
}

static void on_event(void *arg, const struct rt_event *e)
{
	struct server *s = arg;

	count_queued(s, e);
	if (s->journal)
		rt_journal_add(s->journal, e);
}

const struct rt_ops server_ops = {
	.start = on_start,
	.suspend = on_suspend,
	.cancel = on_cancel,
	.ended = on_ended,
	.event = on_event,
};
