/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/canary/tasks.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/sample.h"

/* Of a window: who waits less than about that long is well served, whatever it
 * wanted. */
#define FLOOR_SHARE 0.05
/* Of its windows; a look may miss a part of what it waits. */
#define ALWAYS 0.9

/* ---- windows ---------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
	const struct canary_task *x = a, *y = b;

	return x->tid != y->tid
		       ? (x->tid > y->tid) - (x->tid < y->tid)
		       : (x->started > y->started) - (x->started < y->started);
}

static struct canary_task *find(const struct canary_tasks *t, size_t known,
				const struct canary_seen *s)
{
	const struct canary_task key = {.tid = s->tid, .started = s->started};

	return known ? bsearch(&key, t->v, known, sizeof(key), by_tid) : NULL;
}

static struct canary_task *add(struct canary_tasks *t,
			       const struct canary_seen *s)
{
	if (t->count == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->v = mem_realloc(t->v, t->cap, sizeof(*t->v));
	}
	t->v[t->count] = (struct canary_task){
		.tid = s->tid, .started = s->started, .control = s->control};
	return &t->v[t->count++];
}

void canary_tasks_put(struct canary_tasks *t, size_t pair, bool with,
		      const struct canary_seen *seen, size_t n, double window_s)
{
	double least = FLOOR_SHARE * window_s;
	size_t known = t->count;

	for (size_t i = 0; i < n; i++) {
		struct canary_task *k = find(t, known, &seen[i]);
		double got = seen[i].run_s + least;

		/* Who was not there in the first window never counts. */
		if (!k && !known)
			k = add(t, &seen[i]);
		if (!k)
			continue;
		k->seen[with] |= 1u << pair;
		if (!with)
			k->wanted[pair] =
				(float)((seen[i].run_s + seen[i].wait_s) /
					window_s);
		k->served[with][pair] = (float)(got / (got + seen[i].wait_s));
	}
	if (!known && t->count)
		qsort(t->v, t->count, sizeof(*t->v), by_tid);
}

/* ---- the worst of them ------------------------------------------------ */

static bool is_whole(const struct canary_task *k, size_t pairs)
{
	unsigned all = (1u << pairs) - 1;

	return (k->seen[0] & k->seen[1] & all) == all;
}

static bool wants_always(const struct canary_task *k, size_t pairs)
{
	double sum = 0;

	for (size_t p = 0; p < pairs; p++)
		sum += (double)k->wanted[p];
	return sum >= ALWAYS * (double)pairs;
}

static double log_of(const struct canary_task *k, size_t pair)
{
	return log((double)k->served[1][pair] / (double)k->served[0][pair]);
}

/* What befell the control. */
static double usual(const struct canary_tasks *t, size_t pairs, size_t pair)
{
	double *x = mem_zalloc(t->count + 1, sizeof(*x)), mid = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->v[i].control && is_whole(&t->v[i], pairs))
			x[n++] = log_of(&t->v[i], pair);
	if (n)
		mid = sample_median(x, n);
	free(x);
	return mid;
}

static void show(const struct canary_task *k, size_t pairs, const double *base,
		 struct canary_series *s)
{
	s->tid = k->tid;
	for (size_t p = 0; p < pairs; p++) {
		s->without[p] = (struct canary_value){
			100 * (double)k->served[0][p], -1};
		s->with[p] = (struct canary_value){
			100 * (double)k->served[1][p] / exp(base[p]), -1};
	}
}

void canary_tasks_pick(const struct canary_tasks *t, size_t pairs, bool always,
		       struct canary_series *s)
{
	const struct canary_task *worst = NULL;
	double base[CANARY_PAIRS], least = INFINITY;

	s->each = mem_realloc(s->each, t->count * CANARY_PAIRS + 1,
			      sizeof(*s->each));
	s->each_count = 0;
	for (size_t p = 0; p < pairs; p++)
		base[p] = usual(t, pairs, p);
	for (size_t i = 0; i < t->count; i++) {
		double *row = s->each + s->each_count * CANARY_PAIRS, sum = 0;

		if (t->v[i].control || !is_whole(&t->v[i], pairs) ||
		    wants_always(&t->v[i], pairs) != always)
			continue;
		for (size_t p = 0; p < pairs; p++) {
			row[p] = log_of(&t->v[i], p) - base[p];
			sum += row[p];
		}
		s->each_count++;
		if (sum < least) {
			least = sum;
			worst = &t->v[i];
		}
	}
	s->absent = !worst;
	if (worst)
		show(worst, pairs, base, s);
}

void canary_tasks_release(struct canary_tasks *t)
{
	free(t->v);
	*t = (struct canary_tasks){0};
}
