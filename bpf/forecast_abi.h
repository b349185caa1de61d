/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trained model, and what it says of a task: in integers, so that the very
 * same code runs in the kernel, in the simulator and in the trainer.  Includes
 * nothing; the includer in BPF provides the fixed-width types.
 *
 * A model has a part for each target.  A part is
 *
 *   linear  (bias << 12) + sum of weight[i] * feature[i], in 2^-20 units, or
 *   trees   (bias << 12) + one leaf of each tree, in 2^-20 units;
 *
 * the result is rounded to units and kept within 0 … FORECAST_MOST.  What a
 * unit is says the target: 1/256 of log2 of nanoseconds for times, 1/256 of a
 * class.
 *
 * Any bytes are safe: indices are masked, and no sum can overflow (32 products
 * of 2^31 and 2^15, and a bias of 2^43, stay below 2^52).  A model that means
 * something has passed forecast_check() of lib/learn/forecast.h.
 */
#ifndef SCHEDKIT_FORECAST_ABI_H
#define SCHEDKIT_FORECAST_ABI_H

#ifndef __bpf__
#include <stdint.h>
#endif

#define FORECAST_MAGIC	  0x524f4653u /* "SFOR" */
#define FORECAST_VERSION  1
#define FORECAST_FEATURES 32 /* room for; a power of two */
#define FORECAST_TREES	  20
#define FORECAST_DEPTH	  4
#define FORECAST_NODES	  16  /* 2^FORECAST_DEPTH; node 0 is not used */
#define FORECAST_WHICH	  124 /* of a node: four times its feature */
#define FORECAST_SHIFT	  20
#define FORECAST_BIAS	  12
#define FORECAST_ONE	  256	/* units to log2, or to a class */
#define FORECAST_MOST	  16383 /* log2 of 2^64 nanoseconds, nearly */

enum forecast_target {
	FORECAST_BURST, /* how long it will run until it sleeps */
	FORECAST_SLEEP, /* how long it will then sleep */
	FORECAST_CLASS, /* 0 interactive, 1 normal, 2 batch */
	FORECAST_TARGETS,
};

enum forecast_kind { FORECAST_NONE, FORECAST_LINEAR, FORECAST_BOOSTED };

/*
 * A complete tree: node 1 is the root, the children of n are 2n and 2n + 1,
 * and 16 + i is leaf i.  A node is
 * ((threshold + 32768) << 16 | 4 * feature): right if the feature is above the
 * threshold.
 */
struct forecast_tree {
	uint32_t node[FORECAST_NODES];
	int32_t leaf[FORECAST_NODES];
};

struct forecast_part {
	uint32_t kind;	/* enum forecast_kind */
	uint32_t trees; /* how many of them count */
	int32_t bias;	/* in 2^-8 units */
	/* The most that this is off the model of real numbers that it was made
	 * from, whatever the features; in 2^-20 units. */
	uint32_t bound;
	/* What it missed by on time it had not seen, in units (class: share of
	 * wrong answers in 2^-16), and what the exponential average did. */
	uint32_t error;
	uint32_t average_error;
	int32_t weight[FORECAST_FEATURES];
	struct forecast_tree tree[FORECAST_TREES];
};

struct forecast {
	uint32_t magic;
	uint32_t version;
	uint32_t feature_version;
	uint32_t features; /* how many there are; the rest is 0 */
	struct forecast_part part[FORECAST_TARGETS];
};

#define FORECAST_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define FORECAST_UNROLL _Pragma("unroll")
#else
#define FORECAST_UNROLL
#endif

FORECAST_INLINE int32_t forecast_clamped(int64_t sum)
{
	sum = (sum + (1 << (FORECAST_SHIFT - 1))) >> FORECAST_SHIFT;
	if (sum < 0)
		return 0;
	return sum > FORECAST_MOST ? FORECAST_MOST : (int32_t)sum;
}

FORECAST_INLINE int64_t forecast_line(const struct forecast_part *p,
				      const int16_t *features)
{
	int64_t sum = 0;

	for (int i = 0; i < FORECAST_FEATURES; i++)
		sum += (int64_t)p->weight[i] * features[i];
	return sum;
}

/*
 * A feature as nodes have their thresholds: above 0, in the upper half.  The
 * lower half of a node does not matter then.
 */
FORECAST_INLINE void forecast_widen(const int16_t *features, uint32_t *wide)
{
	FORECAST_UNROLL
	for (int i = 0; i < FORECAST_FEATURES; i++)
		wide[i] = (uint32_t)(uint16_t)features[i] << 16 ^ 0x80000000u;
}

/* In bytes, for BPF has no address with a factor in it. */
#define FORECAST_WORD	   4
#define FORECAST_OPAQUE(x) __asm__ volatile("" : "+r"(x))
#define FORECAST_AT(array, at) \
	(*(const uint32_t *)((const char *)(array) + (at)))

/* FORECAST_WORD if the feature that node names is above its threshold, else 0.
 * Without a branch, for which way it goes is not for a CPU to guess; the empty
 * instruction keeps the compiler from making one. */
FORECAST_INLINE uint64_t forecast_right(uint32_t node, const uint32_t *wide)
{
	uint64_t off = node;

	off -= FORECAST_AT(wide, node & FORECAST_WHICH);
	FORECAST_OPAQUE(off);
	off = off >> 61 & FORECAST_WORD;
	FORECAST_OPAQUE(off);
	return off;
}

FORECAST_INLINE int64_t forecast_leaf(const struct forecast_tree *t,
				      const uint32_t *wide)
{
	uint64_t at = FORECAST_WORD;

	FORECAST_UNROLL
	for (int d = 0; d < FORECAST_DEPTH; d++)
		at = at << 1 | forecast_right(FORECAST_AT(t->node, at), wide);
	/* Past the nodes begin the leaves. */
	return (int32_t)FORECAST_AT(t->node, at);
}

FORECAST_INLINE int64_t forecast_leaves(const struct forecast_part *p,
					const int16_t *features)
{
	uint32_t wide[FORECAST_FEATURES], trees = p->trees;
	int64_t sum = 0;

	forecast_widen(features, wide);
	for (uint32_t i = 0; i < FORECAST_TREES && i < trees; i++)
		sum += forecast_leaf(&p->tree[i], wide);
	return sum;
}

/*
 * What a part says; 0 if it is none.  features: an array of FORECAST_FEATURES,
 * zero behind those that there are.
 */
FORECAST_INLINE int32_t forecast_of(const struct forecast_part *p,
				    const int16_t *features)
{
	int64_t sum = (int64_t)p->bias * (1 << FORECAST_BIAS);

	if (p->kind == FORECAST_LINEAR)
		return forecast_clamped(sum + forecast_line(p, features));
	if (p->kind != FORECAST_BOOSTED)
		return 0;
	return forecast_clamped(sum + forecast_leaves(p, features));
}

/* What the model says of target; 0 where it has no part for it. */
FORECAST_INLINE int32_t forecast_predict(const struct forecast *m,
					 uint32_t target,
					 const int16_t *features)
{
	return target < FORECAST_TARGETS
		       ? forecast_of(&m->part[target], features)
		       : 0;
}

#endif
