/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/trace.h"

#include <stdlib.h>

#include "trace/backend.h"

void trace_root(struct trace *t, pid_t pid)
{
	t->ops->root(t, pid);
}

int trace_start(struct trace *t)
{
	return t->ops->start(t);
}

void trace_free(struct trace *t)
{
	if (t)
		t->ops->free(t);
}

void observed_release(struct observed *o)
{
	for (size_t i = 0; i < o->group_count; i++)
		free(o->groups[i].wakers);
	free(o->groups);
	free(o->identities);
	strs_release(&o->notes);
	*o = (struct observed){0};
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int group_order(const void *a, const void *b)
{
	const struct observed_group *x = a, *y = b;
	int c = by_number(x->run_ns, y->run_ns);

	return c ? c : by_number(x->wakeups, y->wakeups);
}

static int identity_order(const void *a, const void *b)
{
	const struct observed_identity *x = a, *y = b;
	int c = by_number(x->run_ns, y->run_ns);

	return c ? c : by_number(x->hash, y->hash);
}

static int waker_order(const void *a, const void *b)
{
	const struct observed_waker *x = a, *y = b;

	return by_number(x->count, y->count);
}

/* Drops groups that did nothing, sorts by run time. */
static void finish(struct observed *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->group_count; i++) {
		struct observed_group *g = &o->groups[i];

		if (!g->run_ns && !g->wakeups && !g->wait_ns) {
			free(g->wakers);
			continue;
		}
		if (g->waker_count)
			qsort(g->wakers, g->waker_count, sizeof(*g->wakers),
			      waker_order);
		o->groups[n++] = *g;
	}
	o->group_count = n;
	if (n)
		qsort(o->groups, n, sizeof(*o->groups), group_order);
	if (o->identity_count)
		qsort(o->identities, o->identity_count, sizeof(*o->identities),
		      identity_order);
}

int trace_stop(struct trace *t, struct observed *o)
{
	int rc;

	*o = (struct observed){.busy_pct = -1,
			       .depth_mean = -1,
			       .waiting_pct = -1,
			       .idle_while_waiting_pct = -1};
	rc = t->ops->stop(t, o);
	if (rc)
		observed_release(o);
	else
		finish(o);
	return rc;
}
