/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/limit.h"

#include <math.h>

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
	b->level = b->unused = b->size;
	b->at = now;
}

static void refill(struct rt_bucket *b, double now)
{
	double more = now > b->at ? (now - b->at) * b->rate : 0;

	if (now > b->at)
		b->at = now;
	if (b->rate <= 0)
		return;
	b->level = fmin(b->size, b->level + more);
	b->unused = fmin(b->size, b->unused + more);
	b->room = fmin(b->room, b->size - b->level);
}

/* When x may be taken. */
static double bucket_when(const struct rt_bucket *b, double x, double now)
{
	double need = fmin(x, b->size) - b->size * ROUNDING;
	double since = now > b->at ? now - b->at : 0;
	double lacks = need - (b->level + since * b->rate);

	return b->rate <= 0 || lacks <= 0 ? now : now + lacks / b->rate;
}

static void reserve(struct rt_bucket *b, double x, double now)
{
	refill(b, now);
	b->level -= x;
	if (b->reserved <= 0)
		b->room = b->size - b->level;
	b->reserved += x;
}

/*
 * Had this call taken no more than it used from the beginning, the level would
 * be higher by what it did not use, but for what ran over since: a level that
 * is full takes no more.  So at most `room` comes back; or as much as to reach
 * the level of a bucket from which calls take at their end.  Both are at most
 * what is really left, so that no window lets through more than it should.
 */
static void settle(struct rt_bucket *b, double x, double used, double now)
{
	double back = x - used, late;

	refill(b, now);
	b->reserved = fmax(0, b->reserved - x);
	b->unused = fmax(b->unused - used, -DEBT_MAX * b->size);
	if (b->rate <= 0)
		return;
	late = b->unused - b->reserved - b->level;
	if (back > 0) {
		b->level += fmin(back, fmax(b->room, fmax(late, 0)));
		b->room = fmax(0, b->room - back);
	} else {
		b->level = fmax(b->level + back, -DEBT_MAX * b->size);
	}
}

/* Of so many a minute; or, when it takes longer until it is full again, of the
 * day or the hour. */
static void learn_limit(struct rt_bucket *b, double limit, double left,
			double reset, double now)
{
	double rate = limit / 60, spent = limit - left;
	bool new = b->rate <= 0;

	if (left >= 0 && spent > 0 && reset > 60 + 1)
		rate = fmin(rate, spent / reset);
	b->rate = rate;
	b->size = limit;
	if (new) {
		b->level = limit - b->reserved;
		b->unused = limit;
		b->room = 0;
		b->at = now;
	}
	b->level = fmin(b->level, limit);
	b->unused = fmin(b->unused, limit);
	b->room = fmin(b->room, limit - b->level);
}

static double told(double x)
{
	return isfinite(x) && x >= 0 && x < LIMIT_MAX ? x : -1;
}

static void learn(struct rt_limit *l, struct rt_bucket *b, double limit,
		  double left, double reset, double now)
{
	limit = told(limit);
	left = told(left);
	reset = told(reset);
	refill(b, now);
	if (limit > 0)
		learn_limit(b, limit, left, reset, now);
	if (left >= 0 && b->rate > 0) {
		left = fmin(left, b->size);
		if (b->level < left - b->reserved || b->level > left)
			b->room = 0;
		b->level = fmax(left - b->reserved, fmin(b->level, left));
		b->unused = fmax(left, fmin(b->unused, left + b->reserved));
		b->unused = fmin(b->unused, b->size);
	}
	/* It may count by the minute of its own clock: its reset is right for
	 * both, and a bucket that is full by then has lost nothing. */
	if (left >= 0 && left < 1 && reset > 0)
		rt_limit_block(l,
			       now + (b->rate > 0 ? fmin(reset, 60)
						  : fmin(reset, BLOCK_MAX_S)));
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

double rt_limit_when(const struct rt_limit *l, long in, long out, double now)
{
	double when = fmax(now, l->blocked_until);

	when = fmax(when, bucket_when(&l->requests, 1, now));
	when = fmax(when, bucket_when(&l->in, (double)in, now));
	return fmax(when, bucket_when(&l->out, (double)out, now));
}

void rt_limit_reserve(struct rt_limit *l, long in, long out, double now)
{
	reserve(&l->requests, 1, now);
	reserve(&l->in, (double)in, now);
	reserve(&l->out, (double)out, now);
}

void rt_limit_settle(struct rt_limit *l, long in, long out, long used_in,
		     long used_out, double now)
{
	settle(&l->requests, 1, 1, now);
	settle(&l->in, (double)in, fmax(0, (double)used_in), now);
	settle(&l->out, (double)out, fmax(0, (double)used_out), now);
}

void rt_limit_undo(struct rt_limit *l, long in, long out, double now)
{
	settle(&l->requests, 1, 0, now);
	settle(&l->in, (double)in, 0, now);
	settle(&l->out, (double)out, 0, now);
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
