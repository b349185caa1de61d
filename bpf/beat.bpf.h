/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dead-man's switch: a policy whose holder has not beaten for
 * beat_limit_ms leaves by itself.  When the holder is killed the kernel takes
 * the policy off with its descriptors; this is for one that is stopped, frozen
 * or does not get to run.
 *
 * The clock is CLOCK_MONOTONIC: time in which the machine is suspended counts
 * for neither side.
 */
#ifndef SCHEDKIT_BEAT_BPF_H
#define SCHEDKIT_BEAT_BPF_H

#include "scx.bpf.h"
#include "policy_abi.h"

#define BEAT_LOOK_NS   100000000ULL
#define BEAT_CLOCK     1 /* CLOCK_MONOTONIC */
#define BEAT_NS_PER_MS 1000000ULL

/* 0: it needs no holder. */
const volatile u32 beat_limit_ms;

struct heart {
	struct bpf_timer timer;
	u64 beat;     /* the last one that was heard … */
	u64 heard_at; /* … and when */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct heart);
} heart SEC(".maps");

/* A number that the holder makes another one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} beats SEC(".maps");

static int heart_look(void *map, u32 *key, struct heart *h)
{
	u64 now = bpf_ktime_get_ns();
	u32 zero = 0;
	u64 *beat = bpf_map_lookup_elem(&beats, &zero);

	if (beat && *beat != h->beat) {
		h->beat = *beat;
		h->heard_at = now;
	}
	if (now - h->heard_at > beat_limit_ms * BEAT_NS_PER_MS)
		scx_bpf_exit(POLICY_EXIT_UNHELD,
			     "its holder has not beaten for %u ms: it was "
			     "stopped, or did not get to run",
			     beat_limit_ms);
	else
		bpf_timer_start(&h->timer, BEAT_LOOK_NS, 0);
	return 0;
}

/* In ops.init(). */
static s32 heart_start(void)
{
	struct heart *h;
	u32 zero = 0;
	s64 rc;

	if (!beat_limit_ms)
		return 0;
	h = bpf_map_lookup_elem(&heart, &zero);
	if (!h)
		return -2; /* ENOENT */
	h->heard_at = bpf_ktime_get_ns();
	rc = bpf_timer_init(&h->timer, &heart, BEAT_CLOCK);
	if (!rc)
		rc = bpf_timer_set_callback(&h->timer, heart_look);
	if (!rc)
		rc = bpf_timer_start(&h->timer, BEAT_LOOK_NS, 0);
	return rc;
}

#endif
