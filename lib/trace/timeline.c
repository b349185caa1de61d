/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define BY_TASK_SHARE 0.9 /* of all run time, of one name */
#define STEPS	      400 /* places that timeline_busiest() tries */

/* ---- reading ----------------------------------------------------------- */

enum doing { ELSEWHERE, WAITS, RUNS };

struct actor {
	enum doing doing;
	uint32_t cpu;
	uint64_t since;
};

struct reading {
	struct timeline *t;
	struct actor *a; /* by task */
	uint32_t n;
	uint64_t now;
};

static struct actor *actor_of(struct reading *r, uint32_t pid, uint32_t *task)
{
	*task = trace_tasks_of(&r->t->tasks, pid);
	if (*task >= r->n) {
		uint32_t more = r->n ? 2 * r->n : 64;

		while (more <= *task)
			more *= 2;
		r->a = mem_realloc(r->a, more, sizeof(*r->a));
		memset(r->a + r->n, 0, (more - r->n) * sizeof(*r->a));
		r->n = more;
	}
	return &r->a[*task];
}

static struct timeline_cpu *cpu_of(struct timeline *t, uint32_t cpu)
{
	if (cpu >= t->cpu_count) {
		t->cpus = mem_realloc(t->cpus, cpu + 1, sizeof(*t->cpus));
		memset(t->cpus + t->cpu_count, 0,
		       (cpu + 1 - t->cpu_count) * sizeof(*t->cpus));
		t->cpu_count = cpu + 1;
	}
	return &t->cpus[cpu];
}

static void waiting(struct timeline *t, uint64_t at, int delta)
{
	if (t->wait_count == t->wait_cap) {
		t->wait_cap = t->wait_cap ? 2 * t->wait_cap : 1024;
		t->waits =
			mem_realloc(t->waits, t->wait_cap, sizeof(*t->waits));
	}
	t->waits[t->wait_count++] = (struct timeline_wait){at, delta};
}

static void ran(struct reading *r, uint32_t task, const struct actor *a)
{
	struct timeline_cpu *c = cpu_of(r->t, a->cpu);
	uint64_t from = a->since;

	/* What was lost may make two turns overlap. */
	if (c->n && from < c->turns[c->n - 1].to)
		from = c->turns[c->n - 1].to;
	if (r->now <= from)
		return;
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 256;
		c->turns = mem_realloc(c->turns, c->cap, sizeof(*c->turns));
	}
	c->turns[c->n++] = (struct timeline_turn){from, r->now, task};
}

static void becomes(struct reading *r, uint32_t pid, enum doing doing,
		    uint32_t cpu)
{
	uint32_t task;
	struct actor *a = actor_of(r, pid, &task);

	if (a->doing == WAITS && doing != WAITS)
		waiting(r->t, r->now, -1);
	if (a->doing != WAITS && doing == WAITS)
		waiting(r->t, r->now, 1);
	if (a->doing == RUNS)
		ran(r, task, a);
	*a = (struct actor){doing, cpu, r->now};
}

static void take(struct reading *r, const struct trace_record *rec)
{
	uint32_t task;

	/* Rings of several CPUs may be out of step by a little. */
	if (rec->at > r->now)
		r->now = rec->at;
	switch ((enum trace_what)rec->what) {
	case REC_NAME:
		trace_tasks_name(&r->t->tasks, rec);
		break;
	case REC_FORK:
		becomes(r, rec->other, WAITS, 0);
		break;
	case REC_EXIT:
		/* It still runs, and leaves its CPU for good. */
		break;
	case REC_WAKE:
		if (!(rec->flags & REC_EARLY) &&
		    actor_of(r, rec->pid, &task)->doing == ELSEWHERE)
			becomes(r, rec->pid, WAITS, 0);
		break;
	case REC_IN:
		if (rec->cpu < TRACE_MAX_CPUS)
			becomes(r, rec->pid, RUNS, rec->cpu);
		break;
	case REC_OUT:
		becomes(r, rec->pid,
			rec->flags == REC_PREEMPTED ? WAITS : ELSEWHERE, 0);
		break;
	default:
		break;
	}
}

/* ---- groups ------------------------------------------------------------ */

struct share {
	const char *name; /* lent by the task */
	uint32_t task, group;
	uint64_t run_ns;
};

static int by_name(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d ? d : (x->task > y->task) - (x->task < y->task);
}

static int by_run(const void *a, const void *b)
{
	const struct timeline_group *x = a, *y = b;

	return (x->run_ns < y->run_ns) - (x->run_ns > y->run_ns);
}

static struct share *shares_of(const struct timeline *t)
{
	struct share *s = mem_zalloc(t->tasks.n + 1, sizeof(*s));

	for (uint32_t i = 0; i < t->tasks.n; i++)
		s[i] = (struct share){.name = t->tasks.v[i].name, .task = i};
	for (uint32_t c = 0; c < t->cpu_count; c++)
		for (size_t i = 0; i < t->cpus[c].n; i++) {
			const struct timeline_turn *u = &t->cpus[c].turns[i];

			s[u->task].run_ns += u->to - u->from;
		}
	return s;
}

/* Groups of one name, or of one task, in the order of s. */
static void group(struct timeline *t, struct share *s, bool by_task)
{
	uint32_t n = t->tasks.n;

	t->group_count = 0;
	t->by_task = by_task;
	for (uint32_t i = 0; i < n; i++) {
		const struct trace_task *k = &t->tasks.v[s[i].task];
		struct timeline_group *g;

		if (by_task || !i || strcmp(k->name, s[i - 1].name))
			t->groups[t->group_count++] =
				(struct timeline_group){0};
		g = &t->groups[t->group_count - 1];
		if (by_task)
			snprintf(g->name, sizeof(g->name), "%.8s %u", k->name,
				 k->pid);
		else
			snprintf(g->name, sizeof(g->name), "%s", k->name);
		g->run_ns += s[i].run_ns;
		g->tasks++;
		s[i].group = t->group_count - 1;
	}
}

static void sort_groups(struct timeline *t, const struct share *s)
{
	uint32_t *now = mem_zalloc(t->group_count + 1, sizeof(*now));
	uint32_t *size = mem_zalloc(t->group_count + 1, sizeof(*size));

	/* While they are sorted, tasks carries the old number. */
	for (uint32_t i = 0; i < t->group_count; i++) {
		size[i] = t->groups[i].tasks;
		t->groups[i].tasks = i;
	}
	qsort(t->groups, t->group_count, sizeof(*t->groups), by_run);
	for (uint32_t i = 0; i < t->group_count; i++) {
		now[t->groups[i].tasks] = i;
		t->groups[i].tasks = size[t->groups[i].tasks];
	}
	for (uint32_t k = 0; k < t->tasks.n; k++)
		t->group_of[s[k].task] = now[s[k].group];
	free(now);
	free(size);
}

static void make_groups(struct timeline *t)
{
	struct share *s = shares_of(t);
	uint64_t all = 0, most = 0;

	qsort(s, t->tasks.n, sizeof(*s), by_name);
	t->groups = mem_zalloc(t->tasks.n + 1, sizeof(*t->groups));
	t->group_of = mem_zalloc(t->tasks.n + 1, sizeof(*t->group_of));
	group(t, s, false);
	for (uint32_t i = 0; i < t->group_count; i++) {
		all += t->groups[i].run_ns;
		if (t->groups[i].run_ns > most)
			most = t->groups[i].run_ns;
	}
	if ((double)most > BY_TASK_SHARE * (double)all)
		group(t, s, true);
	sort_groups(t, s);
	free(s);
}

int timeline_read(const void *bytes, size_t len, struct timeline *t)
{
	struct reading r = {.t = t};
	struct trace_record rec;
	struct trace_events e;
	bool turns = false;
	int rc;

	*t = (struct timeline){0};
	rc = trace_events_open(bytes, len, &e);
	if (rc)
		return rc;
	while (trace_events_next(&e, &rec)) {
		if (!t->start)
			t->start = r.now = rec.at;
		take(&r, &rec);
	}
	/* Who is still running has run until now. */
	for (uint32_t i = 0; i < t->tasks.n && i < r.n; i++)
		if (r.a[i].doing == RUNS)
			ran(&r, i, &r.a[i]);
	free(r.a);
	t->end = r.now;
	t->whole = e.whole;
	t->lost = e.lost;
	for (uint32_t c = 0; c < t->cpu_count; c++)
		turns |= t->cpus[c].n;
	if (!turns) {
		timeline_release(t);
		return err_set(ENODATA, "nothing ran in this trace");
	}
	make_groups(t);
	return 0;
}

void timeline_release(struct timeline *t)
{
	for (uint32_t c = 0; c < t->cpu_count; c++)
		free(t->cpus[c].turns);
	free(t->cpus);
	free(t->waits);
	free(t->groups);
	free(t->group_of);
	trace_tasks_release(&t->tasks);
	*t = (struct timeline){0};
}

/* ---- columns ----------------------------------------------------------- */

static uint64_t edge(uint64_t from, uint64_t to, size_t n, size_t i)
{
	return from + (uint64_t)((double)(to - from) * (double)i / (double)n);
}

/* Who ran longest between a and b; *at is the first turn to look at. */
static uint32_t most(const struct timeline *t, const struct timeline_cpu *c,
		     size_t *at, uint64_t a, uint64_t b)
{
	struct {
		uint32_t group;
		uint64_t ns;
	} best[8] = {{0}};
	uint64_t busy = 0;
	size_t n = 0, k, top = 0;

	while (*at < c->n && c->turns[*at].to <= a)
		(*at)++;
	for (size_t i = *at; i < c->n && c->turns[i].from < b; i++) {
		const struct timeline_turn *u = &c->turns[i];
		uint64_t ns =
			(u->to < b ? u->to : b) - (u->from > a ? u->from : a);
		uint32_t g = t->group_of[u->task];

		busy += ns;
		for (k = 0; k < n && best[k].group != g;)
			k++;
		if (k == n && n < ARRAY_LEN(best)) {
			best[n].group = g;
			best[n++].ns = 0;
		}
		if (k < n)
			best[k].ns += ns;
	}
	for (k = 1; k < n; k++)
		if (best[k].ns > best[top].ns)
			top = k;
	return n && 2 * busy >= b - a ? best[top].group : TRACE_NOBODY;
}

void timeline_columns(const struct timeline *t, uint32_t cpu, uint64_t from,
		      uint64_t to, size_t n, uint32_t *group_out)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		group_out[i] = cpu < t->cpu_count && to > from
				       ? most(t, &t->cpus[cpu], &at,
					      edge(from, to, n, i),
					      edge(from, to, n, i + 1))
				       : TRACE_NOBODY;
}

void timeline_waiting(const struct timeline *t, uint64_t from, uint64_t to,
		      size_t n, double *mean)
{
	size_t at = 0;
	int64_t now = 0;

	for (; at < t->wait_count && t->waits[at].at <= from; at++)
		now += t->waits[at].delta;
	for (size_t i = 0; i < n; i++) {
		uint64_t a = edge(from, to, n, i), b = edge(from, to, n, i + 1);
		uint64_t since = a;
		double sum = 0;

		for (; at < t->wait_count && t->waits[at].at < b; at++) {
			sum += (double)now * (double)(t->waits[at].at - since);
			since = t->waits[at].at;
			now += t->waits[at].delta;
		}
		sum += (double)now * (double)(b - since);
		mean[i] = b > a ? sum / (double)(b - a) : (double)now;
	}
}

uint64_t timeline_busiest(const struct timeline *t, uint64_t span_ns)
{
	double mean[STEPS], sum = 0, most_sum = -1;
	uint64_t all = t->end - t->start;
	size_t wide, best = 0;

	if (span_ns >= all)
		return t->start;
	timeline_waiting(t, t->start, t->end, STEPS, mean);
	wide = (size_t)((double)span_ns / (double)all * STEPS);
	wide = wide ? wide : 1;
	for (size_t i = 0; i < STEPS; i++) {
		sum += mean[i] - (i >= wide ? mean[i - wide] : 0);
		if (i + 1 >= wide && sum > most_sum * (1 + 1e-9)) {
			most_sum = sum;
			best = i + 1 - wide;
		}
	}
	all = edge(t->start, t->end, STEPS, best);
	return all + span_ns > t->end ? t->end - span_ns : all;
}
