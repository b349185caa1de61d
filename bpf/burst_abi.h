/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One burst of a task: what was known when it became runnable, and what then
 * happened.  bpf/observe.bpf.c writes them, lib/burst stores them, sched-train
 * learns from them.  Times are nanoseconds.  The includer in BPF provides the
 * fixed-width types.
 */
#ifndef SCHEDKIT_BURST_ABI_H
#define SCHEDKIT_BURST_ABI_H

#include "feature_abi.h"

/* flags */
enum {
	BURST_FORKED = 1,   /* it began with a fork, not with a wakeup */
	BURST_EXECUTED = 2, /* it executed something meanwhile */
	BURST_EXITED = 4,   /* it ended with the task; no sleep follows */
	BURST_BLOCKED = 8,  /* the sleep was uninterruptible */
	/* The observation ended … */
	BURST_OPEN = 16,   /* … within it: run_ns is a lower bound */
	BURST_ASLEEP = 32, /* … within the sleep: sleep_ns is a lower bound */
	BURST_FLAGS = 63,
};

struct burst_record {
	uint64_t at;	   /* when it became runnable; CLOCK_MONOTONIC */
	uint64_t identity; /* bpf/identity_abi.h, at that time; 0: unknown */
	uint64_t cgroup;   /* id */
	uint64_t run_ns;
	uint64_t wait_ns;  /* runnable and not on a CPU */
	uint64_t sleep_ns; /* after it */
	uint32_t tid, tgid;
	uint32_t preempted; /* times */
	uint32_t flags;
	int16_t features[FEATURE_COUNT];
};

#endif
