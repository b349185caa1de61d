/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/breaker.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "base/backoff.h"
#include "base/mem.h"

/* Of each class: it opens after so many in a row, for first_s and then for
 * twice as long each time, at most for most_s. */
static const struct {
	unsigned row;
	struct backoff pause;
	unsigned shows; /* classes that are well when this one is at fault */
} classes[RT_FAULTS] = {
	[RT_FAULT_NONE] = {0, {0, 2, 0}, ~0u},
	[RT_FAULT_REACH] = {3, {1, 2, 60}, 0},
	[RT_FAULT_SERVER] = {5, {2, 2, 120}, 1u << RT_FAULT_REACH},
	[RT_FAULT_RATE] = {10,
			   {5, 2, 300},
			   1u << RT_FAULT_REACH | 1u << RT_FAULT_RIGHTS},
	[RT_FAULT_RIGHTS] = {1, {300, 2, 3600}, 1u << RT_FAULT_REACH},
	[RT_FAULT_ASKER] = {0,
			    {0, 2, 0},
			    1u << RT_FAULT_REACH | 1u << RT_FAULT_SERVER |
				    1u << RT_FAULT_RIGHTS},
};

enum rt_fault rt_fault_of(int error)
{
	switch (error < 0 ? -error : error) {
	case 0:
		return RT_FAULT_NONE;
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ENOTCONN:
	case EPIPE:
	case ETIMEDOUT:
	case ETIME:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ENETRESET:
	case ESHUTDOWN:
		return RT_FAULT_REACH;
	case EAGAIN:
	case EIO:
	case EPROTO:
	case EREMOTEIO:
		return RT_FAULT_SERVER;
	case EBUSY:
	case EUSERS:
		return RT_FAULT_RATE;
	case EACCES:
	case EPERM:
	case ENOKEY:
	case EKEYREJECTED:
	case EKEYEXPIRED:
	case EKEYREVOKED:
		return RT_FAULT_RIGHTS;
	default:
		return RT_FAULT_ASKER;
	}
}

void rt_breaker_init(struct rt_breaker *b)
{
	*b = (struct rt_breaker){0};
}

/* Open until then, half-open from then on. */
static enum rt_breaker_state state_of(const struct rt_breaker *b, size_t i,
				      double now)
{
	return b->of[i].state == RT_OPEN && now >= b->of[i].until
		       ? RT_HALF_OPEN
		       : b->of[i].state;
}

double rt_breaker_when(const struct rt_breaker *b, double now)
{
	double when = now;

	for (size_t i = 0; i < RT_FAULTS; i++) {
		if (b->of[i].state == RT_CLOSED)
			continue;
		if (b->of[i].state == RT_OPEN)
			when = b->of[i].until > when ? b->of[i].until : when;
		else if (b->of[i].trying)
			return INFINITY;
	}
	return when;
}

void rt_breaker_sent(struct rt_breaker *b, double now)
{
	for (size_t i = 0; i < RT_FAULTS; i++) {
		b->of[i].state = state_of(b, i, now);
		b->of[i].trying = b->of[i].state == RT_HALF_OPEN;
	}
}

static void close_class(struct rt_breaker *b, size_t i)
{
	b->of[i].state = RT_CLOSED;
	b->of[i].opened = 0;
	b->of[i].row = 0;
	b->of[i].trying = false;
}

static void open_class(struct rt_breaker *b, size_t i, double now)
{
	b->of[i].state = RT_OPEN;
	b->of[i].until =
		now + backoff_pause(&classes[i].pause, ++b->of[i].opened);
	b->of[i].trying = false;
}

void rt_breaker_result(struct rt_breaker *b, enum rt_fault f, double now)
{
	for (size_t i = 1; i < RT_FAULTS; i++) {
		enum rt_breaker_state is = state_of(b, i, now);

		if (is == RT_OPEN || !classes[i].row)
			continue;
		b->of[i].trying = false;
		if (classes[f].shows & 1u << i) {
			close_class(b, i);
		} else if (i == f) {
			b->of[i].row++;
			if (is == RT_HALF_OPEN ||
			    b->of[i].row >= classes[i].row)
				open_class(b, i, now);
		}
	}
}

void rt_breaker_undone(struct rt_breaker *b)
{
	for (size_t i = 0; i < RT_FAULTS; i++)
		b->of[i].trying = false;
}

enum rt_breaker_state rt_breaker_worst(const struct rt_breaker *b, double now)
{
	enum rt_breaker_state worst = RT_CLOSED;

	for (size_t i = 0; i < RT_FAULTS; i++) {
		enum rt_breaker_state is = state_of(b, i, now);

		if (is == RT_OPEN)
			return RT_OPEN;
		if (is == RT_HALF_OPEN)
			worst = RT_HALF_OPEN;
	}
	return worst;
}
