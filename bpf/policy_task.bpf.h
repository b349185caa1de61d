/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the template knows of a task, and what follows from it: its class, the
 * key it is ordered by, the queue it waits in, the length of its turn.
 */
#ifndef SCHEDKIT_POLICY_TASK_BPF_H
#define SCHEDKIT_POLICY_TASK_BPF_H

#include "scx.bpf.h"
#include "policy_abi.h"
#ifdef POLICY_LEARNED
#include "feature_abi.h"
#include "forecast_abi.h"
#endif

enum class { CLASS_INTERACTIVE, CLASS_NORMAL, CLASS_BATCH };

/* Queue ids: shared ones per LLC (or one), one per CPU, and per queue a
 * second one for those who waited too long. */
#define SHARED(llc)  POLICY_QUEUE_SHARED(llc)
#define PRIVATE(cpu) POLICY_QUEUE_PRIVATE(cpu)
#define RESCUE_BIT   POLICY_QUEUE_RESCUE
#define WEIGHT_ONE   100
#define RANK_ONE     1024
#define MAX_SLICE_NS 1000000000ULL
#define NO_CPU	     (-1)

const volatile struct policy_params params = {
	.order = ORDER_VRUNTIME,
	.slice_us = 20000,
	.slice_interactive_us = 20000,
	.slice_batch_us = 20000,
	.slice_min_us = 1000,
	.direct = 1,
	.steal = 1,
	.lag_us = 20000,
	.starve_us = 10000000,
};
const volatile u32 nr_cpus = 1;
const volatile u32 nr_llcs = 1;
const volatile u32 cpu_llc[POLICY_MAX_CPUS];
const volatile u64 longest_ns = 1000000000ULL; /* of all expectations */

/* What a rule sets for a task; what is not in set is not declared. */
struct declared {
	u64 seen; /* what rules could ask of it when they were asked */
	u32 generation;
	u32 set;
	u32 class;
	u32 weight;
	u32 slice_min_us, slice_max_us;
	u32 deadline_us;
	u32 entry; /* whose cores count */
};

#ifdef POLICY_LEARNED
/* What a model goes by, what it said, and how well that did. */
struct learned {
	struct feature_task f;
	s16 features[FORECAST_FEATURES]; /* when its burst began */
	u64 identity;			 /* of what it executed; 0: unknown */
	u64 length_ns;			 /* of this burst, as foretold … */
	s32 foretold;			 /* … and its log; -1: not foretold */
	u32 generation;			 /* of the model that said so */
	/* Moving averages of what the model and the exponential average missed
	 * its bursts by. */
	u32 missed, average_missed;
	u32 scored; /* bursts */
	u32 stage;
	bool follows; /* the order goes by what was foretold */
};
#endif

struct task {
	u64 vtime; /* weighted run time */
	u64 queued_at;
	u64 run_at;	 /* on a CPU and not charged since then */
	u64 burst_ns;	 /* run since it last slept */
	u64 mean_ns;	 /* of bursts, moving average */
	u64 attained_ns; /* run since it was forked or executed */
	u64 expect_ns;	 /* total expected run time, 0: not known */
	u64 key;	 /* what it was queued by last */
	u64 turn_ends;	 /* when its slice will be used up */
	u64 left_ns;	 /* of a turn that a kernel thread cut in two */
	u32 class;
	bool fresh; /* forked, nothing executed yet */
	struct declared intent;
#ifdef POLICY_LEARNED
	struct learned learned;
#endif
#ifdef POLICY_HOOKS
	bool waiting; /* in a queue of ours */
	u64 turn_at;  /* 0: not in a turn */
	u64 slept_at; /* 0: has not slept yet */
	u64 last_burst_ns;
	u64 last_sleep_ns;
	u64 mean_sleep_ns;
	u64 wakeups;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_MAX);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

static u64 vtime_now;

static void count(u32 what)
{
	u64 *n = bpf_map_lookup_elem(&counters, &what);

	if (n)
		(*n)++;
}

static struct task *task_of(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static bool uses_expectation(void)
{
	return params.order == ORDER_LONGEST || params.order == ORDER_SHORTEST;
}

static bool shares_by_vtime(void)
{
	return params.order == ORDER_VRUNTIME ||
	       params.order == ORDER_DEADLINE ||
	       params.order == ORDER_PREDICTED;
}

/* A CPU number as an index; the barrier keeps the compiler from proving the
 * mask away with a bound that the verifier does not see. */
static u32 slot_of(s32 cpu)
{
	u32 i = cpu;

	barrier_var(i);
	return i & (POLICY_MAX_CPUS - 1);
}

static u64 shared_queue(s32 cpu)
{
	return params.queue == QUEUE_LLC ? SHARED(cpu_llc[slot_of(cpu)])
					 : SHARED(0);
}

#include "policy_intent.bpf.h"
#include "policy_learned.bpf.h"

static u32 weight_of(const struct task_struct *p, const struct task *t)
{
	u32 w = p->scx.weight;

	/* One instruction cannot load it from either. */
	barrier_var(w);
	if (declares(t, INTENT_WEIGHT))
		w = t->intent.weight;
	return w ? w : 1;
}

static u64 weighted(u64 ns, const struct task_struct *p, const struct task *t)
{
	return ns * WEIGHT_ONE / weight_of(p, t);
}

/* Tasks that may run on one CPU only never stand in a shared queue: there
 * every other CPU would have to step over them. */
static __always_inline u64 home_of(const struct task_struct *p)
{
	if (p->nr_cpus_allowed == 1)
		return PRIVATE(bpf_cpumask_first(p->cpus_ptr));
	if (params.queue == QUEUE_CPU)
		return PRIVATE(scx_bpf_task_cpu(p));
	return shared_queue(scx_bpf_task_cpu(p));
}

/* What runs where, for preemption.  A stale read picks a poorer victim. */
struct cpu {
	u64 since; /* 0: not one of our tasks */
	u64 key;
	u64 ends; /* when it should sleep again, by the mean of its bursts */
	u64 left; /* by prediction: of its burst, when its turn began */
	bool promised; /* someone waits for that already */
	bool cut;      /* its turn is ended early: the rest of it comes later */
	u32 handed;    /* turns handed over since it looked into the queues */
	u32 class;
	u32 weight;
} __attribute__((aligned(64)));

#include "policy_hooks.bpf.h"

/* ---- who is who ------------------------------------------------------- */

static void classify_by_params(struct task_struct *p, struct task *t)
{
	if (params.classify == CLASSIFY_NONE) {
		t->class = CLASS_NORMAL;
		return;
	}
	if (params.classify == CLASSIFY_WEIGHT) {
		u32 weight = weight_of(p, t);

		t->class = weight > WEIGHT_ONE	 ? CLASS_INTERACTIVE
			   : weight < WEIGHT_ONE ? CLASS_BATCH
						 : CLASS_NORMAL;
		return;
	}
	/* Between the two bounds a task stays what it was. */
	if (t->burst_ns > params.batch_us * 1000ULL ||
	    t->mean_ns > params.batch_us * 1000ULL)
		t->class = CLASS_BATCH;
	else if (t->mean_ns < params.interactive_us * 1000ULL)
		t->class = CLASS_INTERACTIVE;
}

static void classify(struct task_struct *p, struct task *t)
{
	classify_by_params(p, t);
	hooked_class(p, t);
	if (declares(t, INTENT_CLASS))
		t->class = t->intent.class;
}

/* Of a fork nothing is known yet: it may be about to become anything. */
static bool is_fresh(const struct task *t)
{
	return t->fresh && t->attained_ns < params.unknown_us * 1000ULL;
}

/* How much of the longest expectation is this one?  0 … RANK_ONE. */
static u64 rank(const struct task *t)
{
	u64 ns = t->expect_ns, done = t->attained_ns;

	if (!ns)
		ns = params.order == ORDER_LONGEST ? 2 * done : done;
	else if (done > ns)
		ns = done;
	else if (params.order == ORDER_SHORTEST)
		ns -= done;
	if (ns >= longest_ns)
		return RANK_ONE;
	return ns * RANK_ONE / (longest_ns ? longest_ns : 1);
}

/* Too short to matter to anyone, as far as it has come; or what starts the
 * others, so that they wait for it. */
static bool is_brief(const struct task *t)
{
	return t->expect_ns && t->expect_ns < longest_ns / 64 &&
	       t->attained_ns < longest_ns / 8;
}

/* How much earlier than its time may it stand? */
static u64 ahead(const struct task *t)
{
	bool first = t->class == CLASS_INTERACTIVE;

	if (uses_expectation() && params.classify == CLASSIFY_IDENTITY) {
		if (is_fresh(t))
			first = true;
		else if (is_brief(t))
			first = true;
	}
	return first ? params.ahead_us * 1000ULL : 0;
}

static void charge(struct task_struct *p, struct task *t, u64 now)
{
	u64 ran = now - t->run_at;

	t->run_at = now;
	t->vtime += weighted(ran, p, t);
	t->burst_ns += ran;
	t->attained_ns += ran;
	learn_ran(t, ran);
}

/* The clock of the fair orders is the furthest of those that run. */
static void advance(const struct task *t)
{
	if (shares_by_vtime() && before(vtime_now, t->vtime))
		vtime_now = t->vtime;
}

static void limit_lag(struct task *t)
{
	u64 floor = vtime_now - params.lag_us * 1000ULL;

	if (before(t->vtime, floor))
		t->vtime = floor;
}

/* What it will run for, as far as one turn of it goes: whoever has computed for
 * a second once would stand behind all others for a second of theirs. */
static u64 burst_of_turn(const struct task *t)
{
	u64 turn = params.slice_us * 1000ULL;

	return t->mean_ns < turn ? t->mean_ns : turn;
}

/* Where the key is a time, it is at most a declared deadline from now. */
static u64 in_time(const struct task *t, u64 now, u64 key)
{
	u64 latest = now + t->intent.deadline_us * 1000ULL;

	return declares(t, INTENT_DEADLINE) && before(latest, key) ? latest
								   : key;
}

/* By how much a task's request is later than its vruntime. */
static u64 request_of(const struct task_struct *p, const struct task *t)
{
	u64 ns = weighted(burst_of_turn(t), p, t);

	if (declares(t, INTENT_DEADLINE) &&
	    ns > t->intent.deadline_us * 1000ULL)
		ns = t->intent.deadline_us * 1000ULL;
	return ns;
}

/* How much later than it could does it have to be done? */
static u64 slack_of(const struct task_struct *p, const struct task *t, u64 ns)
{
	return weighted(ns * params.slack_pct / 100, p, t);
}

static u64 key_by_params(struct task_struct *p, struct task *t, u64 now)
{
	u64 span = (params.starve_us ? params.starve_us : 10000000) * 1000ULL;

	switch (params.order) {
	case ORDER_VRUNTIME:
		return t->vtime - ahead(t);
	case ORDER_DEADLINE:
		return t->vtime + request_of(p, t) - ahead(t);
	case ORDER_PREDICTED:
		return t->vtime + slack_of(p, t, left_of_burst(t)) - ahead(t);
	case ORDER_LONGEST:
		return in_time(t, now,
			       now + span / RANK_ONE * (RANK_ONE - rank(t)) -
				       ahead(t));
	case ORDER_SHORTEST:
		return in_time(t, now,
			       now + span / RANK_ONE * rank(t) - ahead(t));
	default:
		return now - ahead(t);
	}
}

static __always_inline u64 key_of(struct task_struct *p, struct task *t,
				  u64 now)
{
	return hooked_key(p, t, now, key_by_params(p, t, now));
}

static u64 queue_of(struct task_struct *p, const struct task *t)
{
	s32 core = NO_CPU;

	if (p->nr_cpus_allowed == 1)
		count(COUNT_PINNED);
	else if (declares(t, INTENT_CORES))
		core = core_to_wait_for(p, t);
	return core < 0 ? home_of(p) : PRIVATE(core);
}

static __always_inline u64 slice_of(struct task_struct *p, const struct task *t,
				    u64 queue)
{
	u64 us = params.slice_us, ns;

	if (params.slice == SLICE_CLASS) {
		if (t->class == CLASS_INTERACTIVE)
			us = params.slice_interactive_us;
		else if (t->class == CLASS_BATCH)
			us = params.slice_batch_us;
	} else if (params.slice == SLICE_DEPTH) {
		s32 depth = scx_bpf_dsq_nr_queued(queue);

		if (depth > 0)
			us /= 1 + depth;
		if (us < params.slice_min_us)
			us = params.slice_min_us;
	}
	ns = us * 1000;
	if (params.slice == SLICE_PREDICTED)
		ns = predicted_slice(t, ns);
	/* Where the order knows no weight, longer turns stand for it. */
	if (!shares_by_vtime())
		ns = ns * weight_of(p, t) / WEIGHT_ONE;
	if (ns < params.slice_min_us * 1000ULL)
		ns = params.slice_min_us * 1000ULL;
	ns = declared_slice(t, hooked_slice(p, t, ns));
	return ns < MAX_SLICE_NS ? ns : MAX_SLICE_NS;
}

#endif
