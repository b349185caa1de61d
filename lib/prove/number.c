/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bpf.h>
#include <stddef.h>

#include "prove/value.h"

struct num num_const(uint64_t v)
{
	return (struct num){v, v, (int64_t)v, (int64_t)v, v, 0};
}

static struct num unknown(void)
{
	return (struct num){0, UINT64_MAX, INT64_MIN, INT64_MAX, 0, UINT64_MAX};
}

struct num num_range(uint64_t umin, uint64_t umax)
{
	struct num n = unknown();

	n.umin = umin;
	n.umax = umax;
	num_sync(&n);
	return n;
}

struct num num_srange(int64_t smin, int64_t smax)
{
	struct num n = unknown();

	n.smin = smin;
	n.smax = smax;
	num_sync(&n);
	return n;
}

struct num num_any(unsigned bytes)
{
	return bytes >= 8 ? unknown() : num_range(0, (1ULL << (8 * bytes)) - 1);
}

/* All ones below and at the highest bit of v. */
static uint64_t fill(uint64_t v)
{
	return v ? UINT64_MAX >> __builtin_clzll(v) : 0;
}

/* The bits that a range leaves open. */
static void bits_from_range(struct num *n)
{
	uint64_t open = fill(n->umin ^ n->umax);
	uint64_t known = ~open;

	n->value |= n->umin & known & n->mask;
	n->mask &= open;
}

static void signs(struct num *n)
{
	/* Both ends on the same side: the orders agree. */
	if ((int64_t)n->umin <= (int64_t)n->umax) {
		if ((int64_t)n->umin > n->smin)
			n->smin = (int64_t)n->umin;
		if ((int64_t)n->umax < n->smax)
			n->smax = (int64_t)n->umax;
	}
	if ((n->smin < 0) == (n->smax < 0)) {
		if ((uint64_t)n->smin > n->umin)
			n->umin = (uint64_t)n->smin;
		if ((uint64_t)n->smax < n->umax)
			n->umax = (uint64_t)n->smax;
	}
}

bool num_sync(struct num *n)
{
	for (int i = 0; i < 2; i++) {
		if (n->value > n->umin)
			n->umin = n->value;
		if ((n->value | n->mask) < n->umax)
			n->umax = n->value | n->mask;
		signs(n);
		if (n->umin > n->umax || n->smin > n->smax)
			return false;
		/* Bits that are known and not those of the range. */
		if ((n->value ^ n->umin) & ~fill(n->umin ^ n->umax) & ~n->mask)
			return false;
		bits_from_range(n);
	}
	if (!n->mask)
		*n = num_const(n->value);
	return true;
}

bool num_meet(struct num *a, const struct num *b)
{
	if ((a->value ^ b->value) & ~a->mask & ~b->mask)
		return false;
	a->value |= b->value;
	a->mask &= b->mask;
	a->value &= ~a->mask;
	if (b->umin > a->umin)
		a->umin = b->umin;
	if (b->umax < a->umax)
		a->umax = b->umax;
	if (b->smin > a->smin)
		a->smin = b->smin;
	if (b->smax < a->smax)
		a->smax = b->smax;
	return num_sync(a);
}

struct num num_hull(const struct num *a, const struct num *b)
{
	struct num n = *a;

	n.mask = a->mask | b->mask | (a->value ^ b->value);
	n.value = a->value & ~n.mask;
	if (b->umin < n.umin)
		n.umin = b->umin;
	if (b->umax > n.umax)
		n.umax = b->umax;
	if (b->smin < n.smin)
		n.smin = b->smin;
	if (b->smax > n.smax)
		n.smax = b->smax;
	return n;
}

struct num num_widen(const struct num *a, const struct num *b)
{
	struct num n = unknown();

	if (b->umin >= a->umin)
		n.umin = a->umin;
	if (b->umax <= a->umax)
		n.umax = a->umax;
	else if (b->umax <= INT32_MAX)
		n.umax = INT32_MAX;
	else if (b->umax <= UINT32_MAX)
		n.umax = UINT32_MAX;
	if (b->smin >= a->smin)
		n.smin = a->smin;
	if (b->smax <= a->smax)
		n.smax = a->smax;
	num_sync(&n);
	return n;
}

bool num_within(const struct num *s, const struct num *b)
{
	return s->umin >= b->umin && s->umax <= b->umax && s->smin >= b->smin &&
	       s->smax <= b->smax && !(s->mask & ~b->mask) &&
	       !((s->value ^ b->value) & ~b->mask);
}

bool num_equal(const struct num *a, const struct num *b)
{
	return num_within(a, b) && num_within(b, a);
}

struct num num_trunc(const struct num *n, unsigned bytes)
{
	uint64_t all = bytes >= 8 ? UINT64_MAX : (1ULL << (8 * bytes)) - 1;
	struct num r = unknown();

	if (n->umax <= all)
		return *n;
	r.value = n->value & all;
	r.mask = n->mask & all;
	if ((n->umin & ~all) == (n->umax & ~all)) {
		r.umin = n->umin & all;
		r.umax = n->umax & all;
	}
	num_sync(&r);
	return r;
}

struct num num_sign_extend(const struct num *n, unsigned bytes)
{
	struct num low = num_trunc(n, bytes), r = unknown();
	uint64_t top = 1ULL << (8 * bytes - 1);

	if (bytes >= 8)
		return *n;
	if (low.umax < top)
		return low;
	if (low.umin >= top) {
		r.smin = (int64_t)(low.umin | ~(2 * top - 1));
		r.smax = (int64_t)(low.umax | ~(2 * top - 1));
	} else {
		r.smin = -(int64_t)top;
		r.smax = (int64_t)top - 1;
	}
	num_sync(&r);
	return r;
}

/* ---- arithmetic -------------------------------------------------------- */

static struct num add(const struct num *a, const struct num *b)
{
	uint64_t sm = a->mask + b->mask, sv = a->value + b->value;
	uint64_t chi = (sm + sv) ^ sv, mu = chi | a->mask | b->mask;
	struct num r = unknown();

	r.value = sv & ~mu;
	r.mask = mu;
	if (!__builtin_add_overflow(a->umax, b->umax, &r.umax))
		r.umin = a->umin + b->umin;
	else
		r.umax = UINT64_MAX;
	if (__builtin_add_overflow(a->smin, b->smin, &r.smin) ||
	    __builtin_add_overflow(a->smax, b->smax, &r.smax)) {
		r.smin = INT64_MIN;
		r.smax = INT64_MAX;
	}
	num_sync(&r);
	return r;
}

static struct num sub(const struct num *a, const struct num *b)
{
	uint64_t dv = a->value - b->value;
	uint64_t alpha = dv + a->mask, beta = dv - b->mask;
	uint64_t mu = (alpha ^ beta) | a->mask | b->mask;
	struct num r = unknown();

	r.value = dv & ~mu;
	r.mask = mu;
	if (a->umin >= b->umax) {
		r.umin = a->umin - b->umax;
		r.umax = a->umax - b->umin;
	}
	if (__builtin_sub_overflow(a->smin, b->smax, &r.smin) ||
	    __builtin_sub_overflow(a->smax, b->smin, &r.smax)) {
		r.smin = INT64_MIN;
		r.smax = INT64_MAX;
	}
	num_sync(&r);
	return r;
}

static struct num mul(const struct num *a, const struct num *b)
{
	struct num r = unknown();

	if (num_is_const(a) && num_is_const(b))
		return num_const(a->umin * b->umin);
	if (!__builtin_mul_overflow(a->umax, b->umax, &r.umax))
		r.umin = a->umin * b->umin;
	else
		r.umax = UINT64_MAX;
	num_sync(&r);
	return r;
}

static struct num divide(const struct num *a, const struct num *b)
{
	struct num r = unknown();

	/* A division by 0 gives 0. */
	if (num_is_const(a) && num_is_const(b))
		return num_const(b->umin ? a->umin / b->umin : 0);
	if (b->umin) {
		r.umin = a->umin / b->umax;
		r.umax = a->umax / b->umin;
	} else {
		r.umax = a->umax;
	}
	num_sync(&r);
	return r;
}

static struct num modulo(const struct num *a, const struct num *b)
{
	/* … and a remainder by 0 what was there. */
	if (num_is_const(a) && num_is_const(b))
		return num_const(b->umin ? a->umin % b->umin : a->umin);
	if (b->umin && b->umin > a->umax)
		return *a;
	if (b->umin)
		return num_range(0,
				 b->umax - 1 < a->umax ? b->umax - 1 : a->umax);
	return num_range(0, a->umax);
}

static struct num logic(uint8_t op, const struct num *a, const struct num *b)
{
	struct num r = unknown();
	uint64_t ones, zeros;
	uint64_t a1 = a->value, a0 = ~a->value & ~a->mask;
	uint64_t b1 = b->value, b0 = ~b->value & ~b->mask;

	if (op == BPF_AND) {
		ones = a1 & b1;
		zeros = a0 | b0;
		r.umax = a->umax < b->umax ? a->umax : b->umax;
	} else if (op == BPF_OR) {
		ones = a1 | b1;
		zeros = a0 & b0;
		r.umin = a->umin > b->umin ? a->umin : b->umin;
	} else {
		ones = (a1 & b0) | (a0 & b1);
		zeros = (a1 & b1) | (a0 & b0);
	}
	r.value = ones;
	r.mask = ~(ones | zeros);
	num_sync(&r);
	return r;
}

static struct num shift(uint8_t op, const struct num *a, unsigned by)
{
	struct num r = unknown();

	if (op == BPF_LSH) {
		r.value = a->value << by;
		r.mask = a->mask << by;
		if (a->umax <= UINT64_MAX >> by) {
			r.umin = a->umin << by;
			r.umax = a->umax << by;
		}
	} else if (op == BPF_RSH) {
		r.value = a->value >> by;
		r.mask = a->mask >> by;
		r.umin = a->umin >> by;
		r.umax = a->umax >> by;
	} else {
		r.smin = a->smin >> by;
		r.smax = a->smax >> by;
	}
	num_sync(&r);
	return r;
}

static struct num shift_by(uint8_t op, const struct num *a,
			   const struct num *by, bool is32)
{
	unsigned most = is32 ? 31 : 63;

	if (num_is_const(by))
		return shift(op, a, (unsigned)by->umin & most);
	if (op == BPF_RSH)
		return num_range(0, a->umax);
	if (op == BPF_LSH && by->umax <= most &&
	    a->umax <= UINT64_MAX >> by->umax)
		return num_range(a->umin << by->umin, a->umax << by->umax);
	return unknown();
}

static struct num alu64(uint8_t op, const struct num *a, const struct num *b,
			bool is32)
{
	static const struct num zero;

	switch (op) {
	case BPF_ADD:
		return add(a, b);
	case BPF_SUB:
		return sub(a, b);
	case BPF_MUL:
		return mul(a, b);
	case BPF_DIV:
		return divide(a, b);
	case BPF_MOD:
		return modulo(a, b);
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return logic(op, a, b);
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return shift_by(op, a, b, is32);
	case BPF_NEG:
		return sub(&zero, a);
	case BPF_MOV:
		return *b;
	}
	return unknown();
}

struct num num_alu(uint8_t op, const struct num *a, const struct num *b,
		   bool is32, bool is_signed)
{
	struct num x, y, r;

	if (is_signed && (op == BPF_DIV || op == BPF_MOD) &&
	    (a->smin < 0 || b->smin < 0))
		return num_any(is32 ? 4 : 8);
	if (!is32)
		return alu64(op, a, b, false);
	x = num_trunc(a, 4);
	y = num_trunc(b, 4);
	if (is_signed && (op == BPF_DIV || op == BPF_MOD) &&
	    (x.umax > INT32_MAX || y.umax > INT32_MAX))
		return num_any(4);
	if (op == BPF_ARSH)
		x = num_sign_extend(&x, 4);
	r = alu64(op, &x, &y, true);
	return num_trunc(&r, 4);
}
