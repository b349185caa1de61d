/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a comparison tells about the two numbers compared. */
#include <linux/bpf.h>

#include "prove/value.h"

uint8_t num_negated(uint8_t op)
{
	switch (op) {
	case BPF_JEQ:
		return BPF_JNE;
	case BPF_JNE:
		return BPF_JEQ;
	case BPF_JGT:
		return BPF_JLE;
	case BPF_JLE:
		return BPF_JGT;
	case BPF_JLT:
		return BPF_JGE;
	case BPF_JGE:
		return BPF_JLT;
	case BPF_JSGT:
		return BPF_JSLE;
	case BPF_JSLE:
		return BPF_JSGT;
	case BPF_JSLT:
		return BPF_JSGE;
	case BPF_JSGE:
		return BPF_JSLT;
	case BPF_JSET:
		return JUMP_NSET;
	}
	return BPF_JSET;
}

/* a < b, or a <= b if !strict */
static bool less(struct num *a, struct num *b, bool strict)
{
	uint64_t s = strict;

	if (strict && (!b->umax || a->umin == UINT64_MAX))
		return false;
	if (a->umax > b->umax - s)
		a->umax = b->umax - s;
	if (b->umin < a->umin + s)
		b->umin = a->umin + s;
	return num_sync(a) && num_sync(b);
}

static bool less_signed(struct num *a, struct num *b, bool strict)
{
	int64_t s = strict;

	if (strict && (b->smax == INT64_MIN || a->smin == INT64_MAX))
		return false;
	if (a->smax > b->smax - s)
		a->smax = b->smax - s;
	if (b->smin < a->smin + s)
		b->smin = a->smin + s;
	return num_sync(a) && num_sync(b);
}

/* a is not v: at an end of the range it moves that end. */
static bool differs(struct num *a, uint64_t v)
{
	if (num_is_const(a))
		return a->umin != v;
	if (a->umin == v)
		a->umin++;
	if (a->umax == v)
		a->umax--;
	if (a->smin == (int64_t)v)
		a->smin++;
	if (a->smax == (int64_t)v)
		a->smax--;
	return num_sync(a);
}

static bool unequal(struct num *a, struct num *b)
{
	if (num_is_const(b) && !differs(a, b->umin))
		return false;
	return !num_is_const(a) || differs(b, a->umin);
}

static bool has_bits(struct num *a, const struct num *b)
{
	uint64_t bits = b->umin;

	if (!num_is_const(b))
		return true;
	if (!((a->value | a->mask) & bits))
		return false;
	/* One bit: it is set. */
	if (!(bits & (bits - 1))) {
		a->value |= bits;
		a->mask &= ~bits;
	}
	return num_sync(a);
}

static bool has_no_bits(struct num *a, const struct num *b)
{
	if (!num_is_const(b))
		return true;
	if (a->value & b->umin)
		return false;
	a->mask &= ~b->umin;
	return num_sync(a);
}

static bool refine64(uint8_t op, struct num *a, struct num *b)
{
	switch (op) {
	case BPF_JEQ:
		if (!num_meet(a, b))
			return false;
		*b = *a;
		return true;
	case BPF_JNE:
		return unequal(a, b);
	case BPF_JLT:
	case BPF_JLE:
		return less(a, b, op == BPF_JLT);
	case BPF_JGT:
	case BPF_JGE:
		return less(b, a, op == BPF_JGT);
	case BPF_JSLT:
	case BPF_JSLE:
		return less_signed(a, b, op == BPF_JSLT);
	case BPF_JSGT:
	case BPF_JSGE:
		return less_signed(b, a, op == BPF_JSGT);
	case BPF_JSET:
		return has_bits(a, b);
	case JUMP_NSET:
		return has_no_bits(a, b);
	}
	return true;
}

/*
 * In 32 bits a number is refined as far as its low half is all there is of
 * it, and signed ones by way of their sign extension.
 */
bool num_refine(uint8_t op, struct num *a, struct num *b, bool is32)
{
	bool is_signed = op == BPF_JSLT || op == BPF_JSLE || op == BPF_JSGT ||
			 op == BPF_JSGE;
	struct num x, y, low;

	if (!is32)
		return refine64(op, a, b);
	x = num_trunc(a, 4);
	y = num_trunc(b, 4);
	if (is_signed) {
		x = num_sign_extend(&x, 4);
		y = num_sign_extend(&y, 4);
	}
	if (!refine64(op, &x, &y))
		return false;
	low = num_trunc(&x, 4);
	if (a->umax <= UINT32_MAX && !num_meet(a, &low))
		return false;
	low = num_trunc(&y, 4);
	return b->umax > UINT32_MAX || num_meet(b, &low);
}

struct val val_num(struct num n)
{
	return (struct val){.kind = VAL_NUM, .n = n};
}

struct val val_const(uint64_t v)
{
	return val_num(num_const(v));
}
