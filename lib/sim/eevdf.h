/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's fair class, as of 6.12 to 6.18, in outline.
 *
 *   eevdf.c          the class: lag, weights, who is next
 *   eevdf_queue.c    a CPU's queue by virtual time
 *   eevdf_select.c   where a task wakes or begins
 *   eevdf_balance.c  what CPUs take from each other
 */
#ifndef SCHEDKIT_SIM_EEVDF_H
#define SCHEDKIT_SIM_EEVDF_H

#include "sim/state.h"

/* sysctl_sched_migration_cost: who ran so lately is cache hot. */
#define FAIR_HOT_NS 500000
#define FAIR_LEVELS 2 /* the LLC; the machine */

/* Sums of virtual times by weights: loads may be as heavy as they like. */
typedef __int128 fair_wide;

struct fair_rq {
	struct sim_cpu *cpu;
	/* By deadline; tasks know the least vruntime of what is below them.
	 * curr is not in it, delayed ones are. */
	struct sim_task **heap;
	uint32_t len, cap;
	struct sim_task *curr;
	int64_t min_vruntime;
	fair_wide avg_vruntime; /* sum of (vruntime - min) * weight in heap */
	int64_t avg_load;	/* sum of weights in heap */
	uint32_t nr;		/* that want to run, curr too */
	uint32_t nr_lazy;	/* … of SCHED_IDLE */
	uint64_t load;		/* their weights */
	bool expired;		/* curr used its slice up */
	bool idle;
	uint64_t avg_idle, idle_at;
	uint64_t balance_at[FAIR_LEVELS];
	uint32_t failed[FAIR_LEVELS];
};

struct fair_group {
	uint64_t load; /* weights of what runs or waits directly below it */
	uint32_t nr;   /* tasks below it */
};

struct fair_llc {
	uint64_t mask[LOAD_CPU_WORDS];
	uint32_t cpus;
};

struct fair {
	struct fair_rq *rqs;
	struct fair_llc *llcs;
	struct fair_group *groups;
	uint32_t llc_count, words;
	uint64_t idle[LOAD_CPU_WORDS];	     /* nothing there, nothing queued */
	uint64_t idle_cores[LOAD_CPU_WORDS]; /* … on both threads: all of them*/
	uint64_t lazy[LOAD_CPU_WORDS];	     /* nothing but SCHED_IDLE there */
	uint64_t overloaded[LOAD_CPU_WORDS]; /* tasks wait */
	uint64_t online[LOAD_CPU_WORDS];
	uint64_t slice;
	bool own_slices; /* some tasks have slices of their own */
	uint64_t idle_balance_at;
};

static inline struct fair *fair_of(const struct sim *s)
{
	return s->class_data;
}

static inline struct fair_rq *fair_rq(const struct sim *s, uint32_t cpu)
{
	return &fair_of(s)->rqs[cpu];
}

static inline bool fair_bit(const uint64_t *set, uint32_t i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static inline bool fair_is_lazy(const struct sim_task *t)
{
	return t->def->policy == LOAD_IDLE;
}

/* The length of t's requests. */
static inline uint64_t fair_slice(const struct sim *s, const struct sim_task *t)
{
	return t->def->slice_ns ? t->def->slice_ns : fair_of(s)->slice;
}

/* Virtual time of ns for that weight. */
int64_t fair_virtual(uint64_t ns, uint64_t weight);
/* Over the heap and curr: keys times weights, and weights. */
void fair_sums(const struct fair_rq *rq, fair_wide *avg, int64_t *load);
int64_t fair_average(const struct fair_rq *rq);
bool fair_eligible(const struct fair_rq *rq, int64_t vruntime);
/* After vruntimes have changed. */
void fair_update_min(struct fair_rq *rq);
void fair_insert(struct fair_rq *rq, struct sim_task *t);
void fair_extract(struct fair_rq *rq, struct sim_task *t);
/* t has not run yet for as long as it may once it was picked. */
bool fair_is_protected(const struct sim_task *t);
/* pick_eevdf() of the kernel; NULL: nobody is there. */
struct sim_task *fair_earliest(const struct fair_rq *rq);

/* The first CPU of all sets from `from` on, round; -1.  NULLs are no sets. */
int fair_first(const struct fair *f, const uint64_t *a, const uint64_t *b,
	       const uint64_t *c, uint32_t from);

/* t waits on one CPU and goes to another one's queue. */
void fair_move(struct sim *s, struct sim_task *t, uint32_t cpu);

uint32_t fair_select_cpu(struct sim *s, struct sim_task *t, uint32_t prev,
			 unsigned wake_flags);

/* c found nothing to do. */
bool fair_newidle(struct sim *s, struct sim_cpu *c);
/* At c's tick. */
void fair_balance(struct sim *s, struct sim_cpu *c);

#endif
