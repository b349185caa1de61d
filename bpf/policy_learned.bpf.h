/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the template asks a model how long a task will run, and whether it
 * believes what it is told.
 *
 * Compiled with POLICY_LEARNED; without it nothing here leaves a trace in the
 * object.  When a task becomes runnable its features are taken, as the
 * recorder takes them (feature.bpf.h), and the model foretells the burst that
 * begins.  When the task sleeps both are scored against what it ran for: the
 * model, and the exponential average that there is without one.
 *
 * Followed is the model only where it has earned that: by all tasks' bursts
 * together (learned_abi.h has the states), and by the task's own.
 */
#ifndef SCHEDKIT_POLICY_LEARNED_BPF_H
#define SCHEDKIT_POLICY_LEARNED_BPF_H

#ifdef POLICY_LEARNED
#include "feature.bpf.h"
#include "learned_abi.h"

/* Scores are compared over a window: at least so many bursts, which ran so long
 * in all; or after so long whatever they ran. */
#define WINDOW_BURSTS 16
#define WINDOW_WEIGHT (50000000 >> WEIGHT_SHIFT)
#define WINDOW_NS     500000000ULL
#define WEIGHT_SHIFT  10 /* of a burst's length */
/* The model may miss by a sixteenth more than the average to be followed, and
 * is dropped when it misses by more than a quarter more; beside that, how many
 * 1/256 of a power of two a burst are no matter. */
#define FOLLOW_SHIFT 4
#define FOLLOW_SPARE 16
#define BRAKE_SHIFT  2
#define BRAKE_SPARE  32
/* Of one task: two powers of two are too much however little is known. */
#define APART_SPARE 64
#define APART_MOST  512
#define APART_LEAST 3
/* How long it is not asked after it was dropped: twice as long each time. */
#define BRAKE_NS      1000000000ULL
#define BRAKE_DOUBLED 6
/* No burst is expected to be longer: who computes without end is behind others
 * by that much. */
#define EXPECT_MOST_NS 500000000ULL
/* Identities and cgroups together; what falls on the same place as another is
 * learned anew. */
#define GROUP_PLACES 2048

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct forecast);
} models SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} model_generation SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct feature_context);
} model_context SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct learned_report);
} model_report SEC(".maps");

struct group_place {
	u64 key;
	struct feature_group g;
};

static struct group_place group_places[GROUP_PLACES];

/* Since the last look, and as much again of what was before. */
static struct {
	u64 began;
	u64 bursts, weight, error, average;
	u64 old_weight, old_error, old_average;
} window;

/* What is typically still to come of a burst: where those stand of whom the
 * model knows nothing. */
static u64 typical_ns;

/* x86; kept by the kernel for each CPU. */
extern const int __preempt_count __ksym __weak;
#define HARDIRQ_MASK 0x000f0000

static bool in_interrupt(void)
{
	const int *count;

	if (!bpf_ksym_exists(&__preempt_count))
		return false;
	count = bpf_this_cpu_ptr(&__preempt_count);
	return *count & HARDIRQ_MASK;
}

/* ---- what groups have in common ---------------------------------------- */

static struct group_place *place_of(u64 key)
{
	u32 i = key * 0x9e3779b97f4a7c15ULL >> 32;

	barrier_var(i);
	return &group_places[i & (GROUP_PLACES - 1)];
}

static s16 group_learned(u64 key)
{
	struct group_place *at = place_of(key);

	return at->key == key ? at->g.mean >> 8 : 0;
}

static s16 group_learn(u64 key, s16 log)
{
	struct group_place *at = place_of(key);

	if (at->key != key) {
		at->g = (struct feature_group){};
		at->key = key;
	}
	return feature_learn(&at->g, log);
}

/* ---- the model as a whole ---------------------------------------------- */

static struct learned_report *report_of(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&model_report, &zero);
}

static u32 generation_now(void)
{
	u32 zero = 0, *n = bpf_map_lookup_elem(&model_generation, &zero);

	return n ? *n : 0;
}

static void become(struct learned_report *r, u32 state, u64 now)
{
	r->state = state;
	r->since = now;
	window.old_weight = window.old_error = window.old_average = 0;
}

static void begin_window(u64 now)
{
	window.began = now;
	window.bursts = window.weight = 0;
	window.error = window.average = 0;
}

/* Another model than before: nothing that is known of that one counts. */
static void begin_trial(struct learned_report *r, u32 generation, u64 now)
{
	u32 was = r->generation;

	if (__sync_val_compare_and_swap(&r->generation, was, generation) != was)
		return;
	r->bursts = r->weight = r->error = r->average_error = 0;
	r->trips = r->apart = r->follow = 0;
	begin_window(now);
	become(r, generation ? LEARNED_TRIAL : LEARNED_NONE, now);
}

static void brake(struct learned_report *r, u64 now)
{
	u64 doubled = r->trips < BRAKE_DOUBLED ? r->trips : BRAKE_DOUBLED;

	r->trips++;
	r->until = now + (BRAKE_NS << doubled);
	become(r, LEARNED_BRAKED, now);
}

/* Both sums are of so much weight. */
static bool misses_more(u64 error, u64 average, u64 weight, u32 shift,
			u32 spare)
{
	return error > average + (average >> shift) + weight * spare;
}

/* A window is over: what does it say? */
static void judge(struct learned_report *r, u64 now)
{
	u64 began = window.began, w, e, a;

	if (__sync_val_compare_and_swap(&window.began, began, now) != began)
		return;
	w = window.weight;
	e = window.error;
	a = window.average;
	begin_window(now);
	window.old_weight = window.old_weight / 2 + w;
	window.old_error = window.old_error / 2 + e;
	window.old_average = window.old_average / 2 + a;
	if (r->state == LEARNED_TRIAL) {
		if (misses_more(e, a, w, FOLLOW_SHIFT, FOLLOW_SPARE))
			brake(r, now);
		else
			become(r, LEARNED_FOLLOW, now);
	} else if (r->state == LEARNED_FOLLOW &&
		   misses_more(window.old_error, window.old_average,
			       window.old_weight, BRAKE_SHIFT, BRAKE_SPARE)) {
		brake(r, now);
	}
}

static void score_model(struct learned_report *r, u32 miss, u32 average_miss,
			u64 weight, u64 now)
{
	u64 n, w;

	__sync_fetch_and_add(&r->bursts, 1);
	__sync_fetch_and_add(&r->weight, weight);
	__sync_fetch_and_add(&r->error, miss * weight);
	__sync_fetch_and_add(&r->average_error, average_miss * weight);
	__sync_fetch_and_add(&window.error, miss * weight);
	__sync_fetch_and_add(&window.average, average_miss * weight);
	w = __sync_fetch_and_add(&window.weight, weight) + weight;
	n = __sync_fetch_and_add(&window.bursts, 1) + 1;
	if (n >= WINDOW_BURSTS &&
	    (w >= WINDOW_WEIGHT || now - window.began > WINDOW_NS))
		judge(r, now);
}

/* ---- one task ----------------------------------------------------------- */

/* UNSEEN: its burst began before anything was seen of it. */
enum { LEARNED_UNSEEN, LEARNED_BORN, LEARNED_ASLEEP, LEARNED_AWAKE };

/*
 * What the model says of the burst that begins now, by l->features: the log of
 * its length, or -1.
 */
static __noinline int foretell(const struct learned *l)
{
	u32 half = LEARNED_HALF(l->generation);
	struct forecast *m = bpf_map_lookup_elem(&models, &half);

	if (!m || m->part[FORECAST_BURST].kind == FORECAST_NONE)
		return -1;
	return forecast_of(&m->part[FORECAST_BURST], l->features);
}

/* The opposite of feature_log2(), up to a sixteenth too much. */
static u64 length_of(u32 log)
{
	u32 whole = log >> 8 & 63;

	return (256ULL + (log & 255)) << whole >> 8;
}

static bool misses_its_own(const struct learned *l)
{
	return l->scored >= APART_LEAST &&
	       (l->missed > APART_MOST ||
		l->missed > l->average_missed + APART_SPARE);
}

/* Whether it is asked at all now. */
static bool is_asked(struct learned_report *r, u32 generation, u64 now)
{
	if (r->generation != generation)
		begin_trial(r, generation, now);
	if (r->state == LEARNED_BRAKED && !before(now, r->until)) {
		begin_window(now);
		become(r, LEARNED_TRIAL, now);
	}
	return r->state == LEARNED_TRIAL || r->state == LEARNED_FOLLOW;
}

static void expect_burst(struct learned *l, u64 now)
{
	struct learned_report *r = report_of();

	l->follows = false;
	l->foretold = -1;
	l->generation = generation_now();
	if (!r || !is_asked(r, l->generation, now))
		return;
	l->foretold = foretell(l);
	if (l->foretold < 0) {
		become(r, LEARNED_NONE, now);
		return;
	}
	if (r->state != LEARNED_FOLLOW)
		return;
	if (misses_its_own(l)) {
		__sync_fetch_and_add(&r->apart, 1);
		return;
	}
	__sync_fetch_and_add(&r->follow, 1);
	l->follows = true;
	l->length_ns = length_of(l->foretold);
	if (l->length_ns > EXPECT_MOST_NS)
		l->length_ns = EXPECT_MOST_NS;
	typical_ns += (s64)(l->length_ns - typical_ns) >> 6;
}

static u32 apart_by(s32 a, s32 b)
{
	return a < b ? b - a : a - b;
}

static void score(struct learned *l, s16 log, u64 now)
{
	struct learned_report *r = report_of();
	s32 average = l->features[FEATURE_BURST_MEAN];
	u32 miss, average_miss;
	u64 ran;

	/* Where the average knows nothing there is nothing to compare. */
	if (!r || l->foretold < 0 || !average || l->generation != r->generation)
		return;
	miss = apart_by(log, l->foretold);
	average_miss = apart_by(log, average);
	l->missed = (3 * l->missed + miss) / 4;
	l->average_missed = (3 * l->average_missed + average_miss) / 4;
	l->scored++;
	ran = l->f.burst_ns < EXPECT_MOST_NS ? l->f.burst_ns : EXPECT_MOST_NS;
	score_model(r, miss, average_miss, 1 + (ran >> WEIGHT_SHIFT), now);
}

/* ---- its life ----------------------------------------------------------- */

static __noinline int begin_burst(struct task_struct *p, struct task *t,
				  u64 now)
{
	struct task_struct *by = bpf_get_current_task_btf();
	enum feature_waker how = FEATURE_BY_FORK;
	struct learned *l = &t->learned;
	struct feature_context *c;
	struct task *waker = NULL;
	u32 zero = 0;

	c = bpf_map_lookup_elem(&model_context, &zero);
	if (!c)
		return 0;
	if (l->stage != LEARNED_BORN)
		how = waker_kind(p, by, in_interrupt());
	if (how != FEATURE_BY_INTERRUPT)
		waker = task_of(by);
	tell_task(&l->f, p);
	l->f.intent = declares(t, INTENT_CLASS) ? 1 + t->intent.class : 0;
	feature_woke(&l->f, waker ? &waker->learned.f : NULL, how, now);
	/* Its start is by another clock. */
	feature_take(&l->f, c, now - (bpf_ktime_get_ns() - p->start_time), now,
		     l->features);
	l->stage = LEARNED_AWAKE;
	expect_burst(l, now);
	return 0;
}

static __noinline int end_burst(struct task_struct *p, struct learned *l,
				u64 now)
{
	s16 log;

	if (l->stage == LEARNED_AWAKE) {
		log = feature_slept(&l->f, now);
		if (l->identity)
			l->f.identity = group_learn(l->identity, log);
		l->f.cgroup = group_learn(cgroup_of(p), log);
		score(l, log, now);
	} else {
		l->f.slept_at = now;
	}
	l->stage = LEARNED_ASLEEP;
	return 0;
}
#endif

/* ---- for the template ---------------------------------------------------- */

static bool learns(void)
{
#ifdef POLICY_LEARNED
	return true;
#else
	return false;
#endif
}

/* It becomes runnable: once a burst, in the context of its waker if that can
 * be. */
static __always_inline void learn_woken(struct task_struct *p, struct task *t,
					u64 now)
{
#ifdef POLICY_LEARNED
	if (t->learned.stage != LEARNED_AWAKE)
		begin_burst(p, t, now);
#endif
}

static __always_inline void learn_ran(struct task *t, u64 ns)
{
#ifdef POLICY_LEARNED
	if (t->learned.stage == LEARNED_AWAKE)
		feature_ran(&t->learned.f, ns);
#endif
}

static __always_inline void learn_stopped(struct task_struct *p, struct task *t,
					  bool runnable, u64 now)
{
#ifdef POLICY_LEARNED
	if (!runnable)
		end_burst(p, &t->learned, now);
	else if (t->learned.stage == LEARNED_AWAKE)
		feature_preempted(&t->learned.f);
#endif
}

static __always_inline void learn_forked(struct task *t,
					 const struct task *parent)
{
#ifdef POLICY_LEARNED
	struct learned *l = &t->learned;

	feature_forked(&l->f, parent ? &parent->learned.f : NULL);
	l->stage = LEARNED_BORN;
	if (parent)
		l->identity = parent->learned.identity;
#endif
}

static __always_inline void learn_executed(struct task *t, u64 identity)
{
#ifdef POLICY_LEARNED
	struct learned *l = &t->learned;

	feature_executed(&l->f);
	l->identity = identity;
	l->f.identity = group_learned(identity);
	l->scored = 0;
#endif
}

/* What is still to come of its burst.  Who has run for longer than foretold
 * will run for a while yet, the longer it has already. */
static u64 left_of_burst(const struct task *t)
{
#ifdef POLICY_LEARNED
	const struct learned *l = &t->learned;
	u64 left = 0;

	if (!l->follows)
		return typical_ns;
	if (l->length_ns > t->burst_ns)
		left = l->length_ns - t->burst_ns;
	if (left < t->burst_ns / 4)
		left = t->burst_ns / 4;
	return left < EXPECT_MOST_NS ? left : EXPECT_MOST_NS;
#else
	return 0;
#endif
}

/* A turn that ends with the burst, as far as it is foretold. */
static u64 predicted_slice(const struct task *t, u64 ns)
{
#ifdef POLICY_LEARNED
	u64 wanted = left_of_burst(t) * 3 / 2;

	if (t->learned.follows && wanted < ns)
		ns = wanted;
#endif
	return ns;
}

#endif
