/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a duration is counted: one slot for all below 256 ns, then four
 * linear slots to each power of two, up to 137 s.  A value is known to within
 * 25 %.  Shared by BPF and user space; includes nothing but fixed-width types.
 */
#ifndef SCHEDKIT_HIST_ABI_H
#define SCHEDKIT_HIST_ABI_H

#ifndef __bpf__
#include <stdint.h>
#endif

#define HIST_FLOOR_LOG2 8
#define HIST_SLOTS	117

/* Binary search, because BPF has no instruction that counts zeros. */
static inline __attribute__((always_inline)) uint32_t hist_log2(uint64_t v)
{
	uint32_t shift, r = (v > 0xffffffffull) << 5;

	v >>= r;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	return r | shift | (uint32_t)(v >> 1);
}

static inline __attribute__((always_inline)) uint32_t hist_slot(uint64_t ns)
{
	uint32_t log, slot;

	if (ns < 1u << HIST_FLOOR_LOG2)
		return 0;
	log = hist_log2(ns);
	slot = 1 + (log - HIST_FLOOR_LOG2) * 4 +
	       (uint32_t)((ns >> (log - 2)) & 3);
	return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

#endif
