/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the functions of a policy of form "hooks" are written against.
 *
 * The template (policy.bpf.c) keeps the tasks: it queues, moves and runs them.
 * A hook is given facts about one task and answers one question; define those
 * of the functions below that you need, the others stay the template's.  The
 * template bounds every answer, so that no hook loses a task or lets it wait
 * much longer than the parameter starve_us.
 *
 * Times are nanoseconds.  A hook sees nothing but its arguments: no map, no
 * call but to the helpers below and its own static functions, no variable
 * that outlives it; tables are `static const`.
 */
#ifndef SCHEDKIT_HOOKS_H
#define SCHEDKIT_HOOKS_H

typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#ifndef bool
#define bool _Bool
#define true 1
#define false 0
#endif

#define HOOK_US(n) ((n)*1000ULL)
#define HOOK_MS(n) ((n)*1000000ULL)

enum hook_class { HOOK_INTERACTIVE, HOOK_NORMAL, HOOK_BATCH };

struct hook_task {
	u64 now;	/* time; the same clock in every hook */
	u64 key;	/* by the parameter order; the least runs first */
	u64 slice;	/* by the parameter slice */
	u64 waited;	/* since it was queued; 0: it is not waiting */
	u64 turn;	/* run in this turn so far; 0: it is not running */
	u64 burst;	/* run since it last slept */
	u64 last_burst; /* the one before; 0: it has not slept yet */
	u64 mean_burst; /* moving average */
	u64 last_sleep; /* how long it last slept; 0: it has not */
	u64 mean_sleep; /* moving average */
	u64 run;	/* since it was forked or executed */
	u64 expect; /* of run, if learned; 0: not known, or not by identity */
	u64 wakeups;
	u64 cgroup; /* id; equal for tasks of one cgroup */
	u32 class;  /* enum hook_class, by the parameter classify */
	u32 weight; /* 100 is nice 0, more is more important */
	s32 nice;
	u32 depth;   /* tasks that wait in its queue */
	u32 cpu;     /* where it runs, or ran last */
	u32 allowed; /* on how many CPUs it may run */
	u32 cpus;    /* of the machine */
	bool fresh;  /* forked, and nothing executed yet */
};

/* A turn that is going on, on a CPU that the one that waits may use. */
struct hook_turn {
	u64 key;
	u64 ran; /* so far; at least the parameter preempt_min_us */
	u32 class;
	u32 weight;
};

/* What t is; asked when it stops and when it begins.  Not an enum hook_class:
 * as t->class says. */
static u32 hook_classify(const struct hook_task *t);

/* The least key runs first.  Further than starve_us from t->key: as far. */
static u64 hook_key(const struct hook_task *t);

/* The longest turn; bounded to 50 us … 1 s. */
static u64 hook_slice(const struct hook_task *t);

/* The CPU for a task that wakes up, taken if it is idle and allowed; -1, or
 * taken: as the parameter place says. */
static s32 hook_place(const struct hook_task *t);

/* May t, which waits, end this turn?  Only asked if the parameter preempt is
 * not "none". */
static bool hook_preempt(const struct hook_task *t, const struct hook_turn *r);

static inline u64 hook_min(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 hook_max(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* a, but at least lo and at most hi. */
static inline u64 hook_clamp(u64 a, u64 lo, u64 hi)
{
	return a < lo ? lo : a > hi ? hi : a;
}

/* Of keys and times: is a earlier than b? */
static inline bool hook_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* The number of binary digits: 0 of 0, 1 of 1, 10 of 1000.  Without a branch,
 * which would double what has to be proved. */
static inline u32 hook_log2(u64 a)
{
	a |= a >> 1;
	a |= a >> 2;
	a |= a >> 4;
	a |= a >> 8;
	a |= a >> 16;
	a |= a >> 32;
	/* Now every digit below the first is set, too: count them. */
	a -= a >> 1 & 0x5555555555555555ULL;
	a = (a & 0x3333333333333333ULL) + (a >> 2 & 0x3333333333333333ULL);
	a = (a + (a >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return a * 0x0101010101010101ULL >> 56;
}

#endif
