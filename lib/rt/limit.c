/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/limit.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Numbers above say that there is no limit. */
#define LIMIT_MAX 1e12
/* Nobody is asked to pay back more than so many times the size. */
#define DEBT_MAX 10
/* What rounding may take from a level, as a part of the size. */
#define ROUNDING 1e-9
/* No block is longer, whatever the endpoint says. */
#define BLOCK_MAX_S 3600

/* ---- one bucket -------------------------------------------------------- */

static void bucket_set(struct rt_bucket *b, double a_minute, double now)
{
	bool some = a_minute > 0 && a_minute < LIMIT_MAX;

	b->rate = some ? a_minute / 60 : 0;
	b->size = some ? a_minute : 0;
	b->level = b->size;
	b->at = now;
}

/* The room that there is, now: no more can come back to those before. */
static void note(struct rt_bucket *b, uint64_t ticket)
{
	double room = b->size - b->level;

	while (b->count && b->least[b->count - 1].room >= room)
		b->count--;
	if (b->count == RT_ROOMS) {
		/* The oldest two answer for each other, by the lesser. */
		b->least[1].room = b->least[0].room;
		b->count--;
		memmove(b->least, b->least + 1, b->count * sizeof(*b->least));
	}
	b->least[b->count].ticket = ticket;
	b->least[b->count++].room = room;
}

static void refill(struct rt_bucket *b, uint64_t ticket, double now)
{
	double since = now - b->at;

	if (since <= 0)
		return;
	b->at = now;
	if (b->rate <= 0)
		return;
	b->level = fmin(b->size, b->level + since * b->rate);
	note(b, ticket);
}

/* When x may be taken. */
static double bucket_when(const struct rt_bucket *b, double x, double now)
{
	double since = now > b->at ? now - b->at : 0;
	double need = x < b->size ? x : b->size;
	double lacks = need - (b->level + since * b->rate);

	return b->rate <= 0 || lacks <= b->size * ROUNDING
		       ? now
		       : now + lacks / b->rate;
}

static void reserve(struct rt_bucket *b, uint64_t ticket, double x, double now)
{
	refill(b, ticket - 1, now);
	b->reserved += x;
	if (b->rate <= 0)
		return;
	b->level -= x;
	note(b, ticket);
}

/*
 * Had this call taken no more than it used from the beginning, the level would
 * be higher by what it did not use, but for what ran over since: by the least
 * room there was since then, at most.  And so would every level since, as far
 * as anybody asks: the first of `least` is the lowest of all.
 */
static void give_back(struct rt_bucket *b, uint64_t ticket, double back)
{
	size_t i = 0;

	while (i < b->count && b->least[i].ticket < ticket)
		i++;
	if (i < b->count)
		back = fmin(back, b->least[i].room);
	else
		back = fmin(back, b->size - b->level);
	if (!(back > 0))
		return;
	b->level += back;
	for (size_t j = i; j < b->count; j++)
		b->least[j].room -= back;
	/* Those before, of which it is the least from now on. */
	if (i && i < b->count && b->least[i - 1].room >= b->least[i].room) {
		size_t from = i;

		while (from && b->least[from - 1].room >= b->least[i].room)
			from--;
		memmove(b->least + from, b->least + i,
			(b->count - i) * sizeof(*b->least));
		b->count -= i - from;
	}
}

static void settle(struct rt_bucket *b, const struct rt_limit *l,
		   uint64_t ticket, double x, double used, double now)
{
	refill(b, l->ticket, now);
	b->reserved = fmax(0, b->reserved - x);
	if (b->rate <= 0)
		return;
	if (used < x)
		give_back(b, ticket, x - used);
	else
		b->level = fmax(b->level - (used - x), -DEBT_MAX * b->size);
}

/* Of so many a minute; or, when it takes longer until it is full again, of the
 * day or the hour. */
static void learn_limit(struct rt_bucket *b, double limit, double left,
			double reset, double now)
{
	double rate = limit / 60, spent = limit - left;

	if (left >= 0 && spent > 0 && reset > 60 + 1)
		rate = fmin(rate, spent / reset);
	if (b->rate <= 0) {
		b->level = limit - b->reserved;
		b->at = now;
	}
	b->level = fmin(b->level, limit);
	b->rate = rate;
	b->size = limit;
}

static double told(double x)
{
	return isfinite(x) && x >= 0 && x < LIMIT_MAX ? x : -1;
}

static void learn(struct rt_limit *l, struct rt_bucket *b, double limit,
		  double left, double reset, double now)
{
	double level, size = b->size;

	limit = told(limit);
	left = told(left);
	reset = told(reset);
	refill(b, l->ticket, now);
	if (limit > 0)
		learn_limit(b, limit, left, reset, now);
	level = b->level;
	if (left >= 0 && b->rate > 0) {
		left = fmin(left, b->size);
		b->level = fmax(left - b->reserved, fmin(level, left));
	}
	/* It knows better: what was not used is in what it says, or will be
	 * when it speaks next. */
	if (b->level != level || b->size != size) {
		b->least[0].ticket = l->ticket;
		b->least[0].room = 0;
		b->count = 1;
	}
	/* It may count by the minute of its own clock: its reset is right for
	 * both, and a bucket that is full by then has lost nothing. */
	if (left >= 0 && left < 1 && reset > 0)
		rt_limit_block(
			l, now + fmin(reset, b->rate > 0 ? 60 : BLOCK_MAX_S));
}

/* ---- all of them ------------------------------------------------------- */

void rt_limit_init(struct rt_limit *l, double requests, double in, double out,
		   double now)
{
	*l = (struct rt_limit){0};
	bucket_set(&l->requests, requests, now);
	bucket_set(&l->in, in, now);
	bucket_set(&l->out, out, now);
	l->blocked_until = -INFINITY;
}

/* fmax() is a call, and this is asked of every worker for every request. */
static inline double later(double a, double b)
{
	return a > b ? a : b;
}

double rt_limit_when(const struct rt_limit *l, long in, long out, double now)
{
	double when = later(now, l->blocked_until);

	when = later(when, bucket_when(&l->requests, 1, now));
	when = later(when, bucket_when(&l->in, (double)in, now));
	return later(when, bucket_when(&l->out, (double)out, now));
}

uint64_t rt_limit_reserve(struct rt_limit *l, long in, long out, double now)
{
	l->ticket++;
	reserve(&l->requests, l->ticket, 1, now);
	reserve(&l->in, l->ticket, (double)in, now);
	reserve(&l->out, l->ticket, (double)out, now);
	return l->ticket;
}

void rt_limit_settle(struct rt_limit *l, uint64_t ticket, long in, long out,
		     long used_in, long used_out, double now)
{
	settle(&l->requests, l, ticket, 1, 1, now);
	settle(&l->in, l, ticket, (double)in, fmax(0, (double)used_in), now);
	settle(&l->out, l, ticket, (double)out, fmax(0, (double)used_out), now);
}

void rt_limit_undo(struct rt_limit *l, uint64_t ticket, long in, long out,
		   double now)
{
	settle(&l->requests, l, ticket, 1, 0, now);
	settle(&l->in, l, ticket, (double)in, 0, now);
	settle(&l->out, l, ticket, (double)out, 0, now);
}

void rt_limit_learn(struct rt_limit *l, const struct rt_limits_told *t,
		    double now)
{
	learn(l, &l->requests, t->requests_limit, t->requests_left,
	      t->requests_reset_s, now);
	learn(l, &l->in, t->in_limit, t->in_left, t->in_reset_s, now);
	learn(l, &l->out, t->out_limit, t->out_left, t->out_reset_s, now);
}

void rt_limit_block(struct rt_limit *l, double until)
{
	if (until > l->blocked_until && isfinite(until))
		l->blocked_until = until;
}
