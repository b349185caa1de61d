/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine whose owner is the test: all that it is told is written down as
 * one line of words, and the test says what becomes of what was started.
 */
#ifndef SCHEDKIT_TESTS_RT_FIX_H
#define SCHEDKIT_TESTS_RT_FIX_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/rt.h"

struct fix {
	struct rt *r;
	struct rt_opts o;
	double now;
	double next; /* what the last step said */
	/*
	 * "start KEY@WORKER", "hedge KEY@WORKER", "suspend KEY",
	 * "cancel KEY", "ended KEY STATE", each with a blank before it.
	 */
	struct buf said;
	bool keep; /* what ended is not delivered at once */
	size_t events[RT_EV_DELIVERED + 1];
};

static void fix_start(void *arg, const struct rt_task *t,
		      const struct rt_lease *l)
{
	struct fix *f = arg;

	buf_printf(&f->said, " %s %s@%s", l == &t->hedge ? "hedge" : "start",
		   t->q.key, l->worker->spec.name);
}

static void fix_suspend(void *arg, const struct rt_task *t,
			const struct rt_lease *l)
{
	struct fix *f = arg;

	(void)l;
	buf_printf(&f->said, " suspend %s", t->q.key);
}

static void fix_cancel(void *arg, const struct rt_task *t,
		       const struct rt_lease *l)
{
	struct fix *f = arg;

	(void)l;
	buf_printf(&f->said, " cancel %s", t->q.key);
}

static void fix_ended(void *arg, const struct rt_task *t,
		      const struct rt_outcome *o)
{
	struct fix *f = arg;

	(void)o;
	buf_printf(&f->said, " ended %s %s", t->q.key, rt_state_name(t->state));
	if (!f->keep)
		rt_delivered(f->r, t->id, f->now);
}

static void fix_event(void *arg, const struct rt_event *e)
{
	struct fix *f = arg;

	f->events[e->kind]++;
}

static const struct rt_ops fix_ops = {
	.start = fix_start,
	.suspend = fix_suspend,
	.cancel = fix_cancel,
	.ended = fix_ended,
	.event = fix_event,
};

/* f->o is set by rt_opts_init() and the test. */
static inline void fix_open(struct fix *f)
{
	f->o.ops = &fix_ops;
	f->o.arg = f;
	buf_init(&f->said, 1u << 20);
	assert_int_equal(rt_new(&f->o, &f->r), 0);
}

static inline void fix_init(struct fix *f, const char *policy)
{
	*f = (struct fix){0};
	rt_opts_init(&f->o);
	f->o.policy = policy;
	fix_open(f);
}

static inline void fix_release(struct fix *f)
{
	rt_free(f->r);
	buf_release(&f->said);
}

static inline void fix_step(struct fix *f)
{
	f->next = rt_step(f->r, f->now);
}

static inline void fix_at(struct fix *f, double now)
{
	f->now = now;
	fix_step(f);
}

/* What was said since it was last asked. */
static inline void fix_said(struct fix *f, const char *want)
{
	fix_step(f);
	assert_string_equal(f->said.len ? f->said.data : "", want);
	buf_reset(&f->said);
}

/* A worker of one JSON object; single quotes stand for double ones. */
static inline struct json *fix_json(const char *text)
{
	char *copy = mem_strdup(text);
	struct json *v;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	v = json_parse(copy, strlen(copy));
	free(copy);
	assert_non_null(v);
	return v;
}

static inline void fix_worker_of(struct fix *f, const char *text,
				 uint64_t holder)
{
	struct json *v = fix_json(text);
	struct rt_worker_spec s;

	assert_int_equal(rt_worker_spec_read(v, &s), 0);
	json_free(v);
	assert_int_equal(rt_worker_add(f->r, &s, holder, f->now), 0);
	rt_worker_spec_release(&s);
}

static inline void fix_worker(struct fix *f, const char *text)
{
	fix_worker_of(f, text, 0);
}

/* A graph: one object, or a list of them; the run is "r" unless told. */
static inline int fix_submit_as(struct fix *f, const char *text,
				uint64_t holder, uint64_t *ids)
{
	struct json *v = fix_json(text);
	size_t n = json_type(v) == JSON_ARRAY ? json_len(v) : 1, i = 0;
	struct rt_request *q = mem_zalloc(n, sizeof(*q));
	uint64_t *got = mem_zalloc(n, sizeof(*got));
	int rc;

	for (i = 0; i < n; i++) {
		const struct json *one =
			json_type(v) == JSON_ARRAY ? json_at(v, i) : v;

		assert_int_equal(rt_request_read(one, f->now, &q[i]), 0);
		if (!*q[i].run) {
			free(q[i].run);
			q[i].run = mem_strdup("r");
		}
	}
	json_free(v);
	rc = rt_submit(f->r, q, n, holder, f->now, got);
	for (i = 0; i < n; i++)
		rt_request_release(&q[i]);
	if (ids)
		memcpy(ids, got, n * sizeof(*ids));
	free(q);
	free(got);
	return rc;
}

static inline void fix_submit(struct fix *f, const char *text)
{
	assert_int_equal(fix_submit_as(f, text, 1, NULL), 0);
}

struct fix_name {
	const char *run, *key;
	const struct rt_task *found;
};

static inline int fix_is(void *arg, const struct rt_task *t)
{
	struct fix_name *n = arg;

	if (strcmp(t->q.key, n->key) || (n->run && strcmp(t->q.run, n->run)))
		return 0;
	n->found = t;
	return 0;
}

/* The latest of that key. */
static inline const struct rt_task *fix_task(struct fix *f, const char *key)
{
	struct fix_name n = {.key = key};

	rt_each(f->r, fix_is, &n);
	assert_non_null(n.found);
	return n.found;
}

static inline uint64_t fix_lease(struct fix *f, const char *key)
{
	return fix_task(f, key)->lease.id;
}

/* It ended well, or (error below 0) not; again: it may be tried again. */
static inline int fix_done_as(struct fix *f, uint64_t lease, int error,
			      bool again)
{
	struct rt_outcome o;
	int rc;

	rt_outcome_init(&o);
	o.error = error;
	o.again = again;
	o.text = error ? mem_strdup("it went wrong") : NULL;
	rc = rt_done(f->r, lease, &o, f->now);
	rt_outcome_release(&o);
	return rc;
}

static inline void fix_done(struct fix *f, const char *key)
{
	assert_int_equal(fix_done_as(f, fix_lease(f, key), 0, false), 0);
}

static inline void fix_failed(struct fix *f, const char *key, bool again)
{
	assert_int_equal(fix_done_as(f, fix_lease(f, key), -EIO, again), 0);
}

#endif
