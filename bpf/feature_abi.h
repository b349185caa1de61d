/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a task when it becomes runnable, as numbers that a model
 * can learn from.  The very same code runs where bursts are recorded, where a
 * model is trained and where it decides; a change in what a number means is
 * another FEATURE_VERSION.  The includer in BPF provides the fixed-width types.
 *
 *	feature_forked	once, if its beginning is seen
 *	feature_woke	it becomes runnable: a burst begins
 *	feature_take	its features, then and until it sleeps
 *	feature_ran	on a CPU for so long
 *	feature_preempted
 *	feature_slept	it sleeps or exits: the burst ends
 *	feature_executed
 *
 * A burst is all that a task runs from becoming runnable, by a wakeup or a
 * fork, until it sleeps or exits, however often it is preempted meanwhile.
 *
 * Every feature is an int16_t.  "log" is feature_log2() of nanoseconds; 0 where
 * nothing is known yet.  Moving averages take a quarter of the new value, slow
 * ones a sixteenth; those of logs are geometric means, which one outlier does
 * not move far.
 *
 * Integers only, no loop, no division but by powers of two.
 */
#ifndef SCHEDKIT_FEATURE_ABI_H
#define SCHEDKIT_FEATURE_ABI_H

#include "hist_abi.h"

#define FEATURE_VERSION 1

#define FEATURE_INLINE static inline __attribute__((always_inline))

enum feature {
	FEATURE_BURST_LAST,   /* log: the last burst */
	FEATURE_BURST_MEAN,   /* log of the bursts' moving average: what
				 bpf/policy.bpf.c expects of the next one */
	FEATURE_BURST_SLOW,   /* slow average of logs */
	FEATURE_BURST_SPREAD, /* average distance of a log from the average of
				 those before it */
	FEATURE_BURST_TREND,  /* average of logs less the slow one; above 0:
				 bursts become longer */
	FEATURE_SLEEP_LAST,   /* log: the sleep that ended just now */
	FEATURE_SLEEP_MEAN,   /* average of logs, that one included */
	FEATURE_SLEEP_SPREAD, /* as of bursts */
	FEATURE_WAKE_GAP,     /* average of logs of the times between wakeups */
	FEATURE_WAKER,	      /* enum feature_waker */
	FEATURE_WAKER_BURST,  /* the waker's or parent's average of logs of
				 bursts */
	FEATURE_PREEMPTED,    /* average of preemptions in a burst, in 1/256;
				 more than 127 count as 127 */
	FEATURE_AGE,	      /* log: since it was forked */
	FEATURE_RUN,	  /* log: on a CPU since it was forked or executed */
	FEATURE_IDENTITY, /* learned: slow average of logs of the bursts of all
			     that executed the same with the same arguments */
	FEATURE_CGROUP,	  /* likewise, of all in its cgroup */
	FEATURE_KIND,	  /* enum feature_kind */
	FEATURE_NICE,	  /* -20 to 19 */
	FEATURE_WEIGHT,	  /* log2 of its cgroup's weight in 1/256, 0 at the
			     usual one (100) */
	FEATURE_INTENT,	  /* of a declared rule: 0 none, 1 interactive,
			     2 normal, 3 batch */
	FEATURE_LOAD,	  /* tasks that run or wait, per CPU in 1/256 */
	FEATURE_PRESSURE, /* share of the last second in which a task waited
			     for a CPU, in 1/100 percent */
	FEATURE_POWER,	  /* 0 from the mains or unknown; on a battery 1 and
			     the percent that are left */
	FEATURE_HOUR,	  /* of the local day, 0 to 23 */
	FEATURE_COUNT,
};

enum feature_waker {
	FEATURE_BY_FORK,
	FEATURE_BY_INTERRUPT,
	FEATURE_BY_THREAD, /* of its own process */
	FEATURE_BY_OTHER,
	FEATURE_BY_KERNEL, /* a kernel thread */
};

enum feature_kind { FEATURE_PROCESS, FEATURE_THREAD, FEATURE_KERNEL };

/* Of a task; all zero is one that nothing is known of. */
struct feature_task {
	uint64_t woke_at;  /* when its burst began */
	uint64_t slept_at; /* when the one before it ended */
	uint64_t burst_ns; /* of this burst, so far */
	uint64_t run_ns;   /* since it was forked or executed */
	uint64_t mean_ns;  /* moving average of bursts */
	/* Averages of logs, in 1/65536. */
	int32_t burst_fast, burst_slow, burst_spread;
	int32_t sleep_mean, sleep_spread, gap_mean;
	int32_t preempted_mean; /* likewise */
	int16_t burst_last, sleep_last;
	int16_t waker, waker_burst;
	uint16_t preempted; /* in this burst */
	/* What the caller knows of it. */
	int16_t identity; /* as feature_learn() returned it */
	int16_t cgroup;	  /* likewise */
	int16_t weight;	  /* feature_weight() */
	int8_t nice;
	uint8_t kind;
	uint8_t intent;
	uint8_t pad[5];
};

/* Of the machine, up to a second ago; user space fills it in. */
struct feature_context {
	int16_t load, pressure, power, hour;
};

/* What tasks of one identity or one cgroup have in common. */
struct feature_group {
	int32_t mean; /* slow average of logs of bursts, in 1/65536 */
	uint32_t bursts;
};

/*
 * 256 * log2(v), rounded; 0 of 0.  At most 0.55 off, never falls where v
 * grows, exact for powers of two.  With v = 2^n * (1 + f), log2(1 + f) is
 * f + f(1 - f)q(f), q the parabola that fits best by least squares: at most
 * 0.04 off, before it is rounded.
 */
FEATURE_INLINE int16_t feature_log2(uint64_t v)
{
	uint32_t n = hist_log2(v);
	uint64_t f, q;

	/* Under the first digit, as 16 bits. */
	f = v << (63 - n) << 1 >> 48;
	q = 28710 - ((15512 - (5263 * f >> 16)) * f >> 16);
	f += f * (65536 - f) * q >> 32;
	return v ? (int16_t)(n * 256 + ((f + 128) >> 8)) : 0;
}

/* 1 << shift: how much of the new value is taken. */
FEATURE_INLINE int32_t feature_toward(int32_t mean, int32_t x, uint32_t shift)
{
	return mean + ((x * 256 - mean) >> shift);
}

/* The same where no average means that this value is the first. */
FEATURE_INLINE int32_t feature_average(int32_t mean, int32_t x, uint32_t shift)
{
	return mean ? feature_toward(mean, x, shift) : x * 256;
}

FEATURE_INLINE int32_t feature_spread(int32_t spread, int32_t mean, int32_t x)
{
	int32_t off = x - (mean >> 8);

	if (!mean)
		return 0;
	return feature_toward(spread, off < 0 ? -off : off, 2);
}

FEATURE_INLINE uint64_t feature_since(uint64_t then, uint64_t now)
{
	return then && now > then ? now - then : 0;
}

FEATURE_INLINE int16_t feature_weight(uint64_t weight, uint64_t usual)
{
	if (!weight)
		return 0;
	return (int16_t)(feature_log2(weight) - feature_log2(usual));
}

/* parent NULL: nothing is known of it.  feature_woke() follows, from it. */
FEATURE_INLINE void feature_forked(struct feature_task *t,
				   const struct feature_task *parent)
{
	*t = (struct feature_task){.waker = FEATURE_BY_FORK};
	if (!parent)
		return;
	t->identity = parent->identity;
	t->cgroup = parent->cgroup;
	t->intent = parent->intent;
}

/* It is another program now; its age stays. */
FEATURE_INLINE void feature_executed(struct feature_task *t)
{
	t->run_ns = 0;
	t->mean_ns = 0;
	t->burst_fast = t->burst_slow = t->burst_spread = 0;
	t->sleep_mean = t->sleep_spread = t->gap_mean = 0;
	t->preempted_mean = 0;
	t->burst_last = t->sleep_last = 0;
	t->identity = 0;
}

/* waker NULL: an interrupt's handler, or nothing is known of it. */
FEATURE_INLINE void feature_woke(struct feature_task *t,
				 const struct feature_task *waker,
				 enum feature_waker how, uint64_t now)
{
	uint64_t gap = feature_since(t->woke_at, now);
	int16_t sleep;

	if (t->slept_at) {
		sleep = feature_log2(feature_since(t->slept_at, now));
		t->sleep_spread =
			feature_spread(t->sleep_spread, t->sleep_mean, sleep);
		t->sleep_mean = feature_average(t->sleep_mean, sleep, 2);
		t->sleep_last = sleep;
	}
	if (gap)
		t->gap_mean =
			feature_average(t->gap_mean, feature_log2(gap), 2);
	t->waker = (int16_t)how;
	t->waker_burst = waker ? (int16_t)(waker->burst_fast >> 8) : 0;
	t->woke_at = now;
	t->burst_ns = 0;
	t->preempted = 0;
}

FEATURE_INLINE void feature_ran(struct feature_task *t, uint64_t ns)
{
	t->burst_ns += ns;
	t->run_ns += ns;
}

FEATURE_INLINE void feature_preempted(struct feature_task *t)
{
	if (t->preempted < 127)
		t->preempted++;
}

/* Returns the log of the burst, for feature_learn(). */
FEATURE_INLINE int16_t feature_slept(struct feature_task *t, uint64_t now)
{
	int16_t burst = feature_log2(t->burst_ns);

	t->burst_spread = feature_spread(t->burst_spread, t->burst_fast, burst);
	t->burst_fast = feature_average(t->burst_fast, burst, 2);
	t->burst_slow = feature_average(t->burst_slow, burst, 4);
	t->burst_last = burst;
	t->mean_ns =
		t->mean_ns ? (3 * t->mean_ns + t->burst_ns) / 4 : t->burst_ns;
	t->preempted_mean =
		feature_toward(t->preempted_mean, t->preempted * 256, 2);
	t->slept_at = now;
	return burst;
}

/* Two CPUs may do so at the same time: then one burst is not learned. */
FEATURE_INLINE int16_t feature_learn(struct feature_group *g, int16_t burst)
{
	g->mean = feature_average(g->mean, burst, 4);
	g->bursts++;
	return (int16_t)(g->mean >> 8);
}

/* started: when it was forked.  out has FEATURE_COUNT members. */
FEATURE_INLINE void feature_take(const struct feature_task *t,
				 const struct feature_context *c,
				 uint64_t started, uint64_t now, int16_t *out)
{
	out[FEATURE_BURST_LAST] = t->burst_last;
	out[FEATURE_BURST_MEAN] = feature_log2(t->mean_ns);
	out[FEATURE_BURST_SLOW] = (int16_t)(t->burst_slow >> 8);
	out[FEATURE_BURST_SPREAD] = (int16_t)(t->burst_spread >> 8);
	out[FEATURE_BURST_TREND] =
		(int16_t)((t->burst_fast - t->burst_slow) >> 8);
	out[FEATURE_SLEEP_LAST] = t->sleep_last;
	out[FEATURE_SLEEP_MEAN] = (int16_t)(t->sleep_mean >> 8);
	out[FEATURE_SLEEP_SPREAD] = (int16_t)(t->sleep_spread >> 8);
	out[FEATURE_WAKE_GAP] = (int16_t)(t->gap_mean >> 8);
	out[FEATURE_WAKER] = t->waker;
	out[FEATURE_WAKER_BURST] = t->waker_burst;
	out[FEATURE_PREEMPTED] = (int16_t)(t->preempted_mean >> 8);
	out[FEATURE_AGE] = feature_log2(feature_since(started, now));
	out[FEATURE_RUN] = feature_log2(t->run_ns);
	out[FEATURE_IDENTITY] = t->identity;
	out[FEATURE_CGROUP] = t->cgroup;
	out[FEATURE_KIND] = t->kind;
	out[FEATURE_NICE] = t->nice;
	out[FEATURE_WEIGHT] = t->weight;
	out[FEATURE_INTENT] = t->intent;
	out[FEATURE_LOAD] = c->load;
	out[FEATURE_PRESSURE] = c->pressure;
	out[FEATURE_POWER] = c->power;
	out[FEATURE_HOUR] = c->hour;
}

#endif
