/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bpf/observe.bpf.c and lib/trace agree on.  Times are nanoseconds.
 * The includer in BPF provides the fixed-width types.
 */
#ifndef SCHEDKIT_OBSERVE_ABI_H
#define SCHEDKIT_OBSERVE_ABI_H

#include "feature_abi.h"
#include "hist_abi.h"

#define OBSERVE_NAME_LEN   16
#define OBSERVE_GROUPS	   512
#define OBSERVE_IDENTITIES 4096
#define OBSERVE_PAIRS	   4096
#define OBSERVE_LEARNED	   8192 /* identities and cgroups, for bursts */
#define OBSERVE_WAKERS	   16	/* a power of two */

enum observe_scope {
	OBSERVE_ALL,
	OBSERVE_TREE,	/* root_pid and what descends from it */
	OBSERVE_CGROUP, /* cgroup_id and the groups below it */
};

/* Set before loading; the only variable in .rodata. */
struct observe_config {
	uint32_t scope;
	uint32_t cgroup_level;
	uint64_t cgroup_id;
	uint32_t trace;	  /* events go to the ring buffer too */
	uint32_t bursts;  /* one of so many is recorded; 0: none */
	uint32_t intents; /* bursts tell what rules declare of their tasks */
	uint32_t pad;
};

/* The only variable in .bss. */
struct observe_state {
	uint32_t live;	      /* user space: events count */
	uint32_t root_pid;    /* user space: of OBSERVE_TREE */
	uint64_t end_at;      /* user space: when live became 0 */
	uint32_t next_group;  /* groups known, from OBSERVE_FIRST on */
	uint32_t trace_drops; /* events that found no room there */
	uint32_t burst_drops; /* likewise bursts */
	uint32_t dying;	      /* tasks whose last burst goes on */
	struct feature_context context; /* user space: as of now */
	uint32_t pad[6];
	/* A clock that runs only while any task waits for a CPU. */
	int64_t waiting;
	uint64_t waiting_since;
	uint64_t waiting_total;
	uint64_t pad2[5];
};

/* Groups that no task belongs to. */
enum observe_special {
	OBSERVE_OTHERS,	   /* not observed, or the table of groups was full */
	OBSERVE_INTERRUPT, /* who wakes from an interrupt */
	OBSERVE_FIRST,	   /* the first that holds tasks */
};

struct observe_key {
	char name[OBSERVE_NAME_LEN];
	uint64_t cgroup; /* 0 unless the scope is a cgroup */
	uint32_t kernel; /* a kernel thread */
	uint32_t pad;
};

struct observe_hist {
	uint64_t sum;
	uint64_t max;
	uint32_t slot[HIST_SLOTS];
	uint32_t pad;
};

struct observe_waker {
	uint32_t group;
	uint32_t count;
};

/* One per group and CPU. */
struct observe_group {
	uint64_t run;
	uint64_t wakeups;
	uint64_t voluntary;
	uint64_t preemptions;
	uint64_t migrations;
	uint64_t forks;
	uint64_t holder_wakes;
	uint32_t tasks;
	uint32_t static_prio;
	struct observe_hist burst;
	struct observe_hist delay;
	struct observe_hist sleep;
	struct observe_hist block;
	/* The latest pairs; what is pushed out goes to the map of pairs. */
	struct observe_waker wakers[OBSERVE_WAKERS];
};

struct observe_pair {
	uint32_t waker;
	uint32_t woken;
};

struct observe_identity {
	uint64_t execs;
	uint64_t run;
	uint64_t whole; /* run, and that of all that it started */
	uint64_t max;
	char name[OBSERVE_NAME_LEN];
};

/* One per CPU. */
struct observe_cpu {
	uint64_t events;
	uint64_t drops;
	uint64_t missed;      /* ran although no wakeup was seen */
	uint64_t sampled;     /* events whose own cost was measured … */
	uint64_t sampled_run; /* … and that cost */
	uint64_t run;	      /* of all tasks, observed or not */
	uint64_t wait;	      /* likewise */
	uint64_t idle_waiting;
	uint64_t idle_mark; /* waiting time on the clock when it went idle */
	uint64_t idle_since;
	uint64_t interrupts; /* being handled right now */
};

/* Events between two measurements of what one costs; a power of two. */
#define OBSERVE_COST_EVERY 256

#endif
