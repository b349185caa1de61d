/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two seeds got wrong, each by its number in research/
 * agent-runtime.md: the bugs B1 to B9 of AIOS and the errors E1 to E10 of
 * LLMAgentOS.  A shop has an engine and carries out what it starts: a request
 * takes its predicted time.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/rt.h"

enum { JOBS = 256 };

/* A request as the shop sees it, by its id. */
struct job {
	uint64_t lease;		 /* while it runs */
	double ends;		 /* of this lease */
	double done_s;		 /* before it */
	double submitted, first; /* NAN: not yet started */
	double ended;
	unsigned starts, resumed, told;
	enum rt_state state;
	int error;
	char worker[16];
	int fails;     /* so many attempts */
	bool for_good; /* another one would not help */
};

struct shop {
	struct rt *r;
	struct rt_opts o;
	double now;
	double wake; /* that the engine asked for */
	struct job jobs[JOBS];
	uint64_t order[JOBS]; /* of the first starts */
	size_t started;
	size_t running, most_running;
};

static struct job *job_of(struct shop *s, uint64_t id)
{
	assert_true(id < JOBS);
	return &s->jobs[id];
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *l)
{
	struct shop *s = arg;
	struct job *j = job_of(s, t->id);

	if (!j->starts++) {
		j->first = s->now;
		s->order[s->started++] = t->id;
	}
	/* A suspended one goes on, another attempt begins anew. */
	if (t->checkpoint) {
		assert_string_equal(t->checkpoint, "{\"on\":true}");
		j->resumed++;
	} else {
		j->done_s = 0;
	}
	j->lease = l->id;
	j->ends = s->now + t->q.predicted_s - j->done_s;
	snprintf(j->worker, sizeof(j->worker), "%s", l->worker->spec.name);
	s->running++;
	s->most_running =
		s->running > s->most_running ? s->running : s->most_running;
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *l)
{
	struct shop *s = arg;

	assert_int_equal(l->id, job_of(s, t->id)->lease);
	job_of(s, t->id)->told++;
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *l)
{
	struct shop *s = arg;

	assert_int_equal(l->id, job_of(s, t->id)->lease);
	job_of(s, t->id)->lease = 0;
	s->running--;
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct shop *s = arg;
	struct job *j = job_of(s, t->id);

	/* B8: whoever is woken finds it ended. */
	assert_true(t->state >= RT_DONE);
	assert_ptr_equal(rt_find(s->r, t->id), t);
	assert_true(isnan(j->ended)); /* and is woken once */
	j->ended = s->now;
	j->state = t->state;
	j->error = o->error;
}

static const struct rt_ops ops = {.start = on_start,
				  .suspend = on_suspend,
				  .cancel = on_cancel,
				  .ended = on_ended};

static void shop_init(struct shop *s, const char *policy)
{
	*s = (struct shop){0};
	for (size_t i = 0; i < JOBS; i++)
		s->jobs[i].first = s->jobs[i].ended = NAN;
	rt_opts_init(&s->o);
	s->o.policy = policy;
	s->o.ops = &ops;
	s->o.arg = s;
	assert_int_equal(rt_new(&s->o, &s->r), 0);
}

static void add_worker(struct shop *s, const char *name, enum rt_kind kind,
		       const struct vec *capacity)
{
	struct rt_worker_spec w;

	rt_worker_spec_init(&w);
	free(w.name);
	w.name = mem_strdup(name);
	w.kinds = 1u << kind;
	w.capacity = *capacity;
	assert_int_equal(rt_worker_add(s->r, &w, 0, s->now), 0);
	rt_worker_spec_release(&w);
}

static void add_slots(struct shop *s, const char *name, int64_t slots)
{
	add_worker(s, name, RT_LLM, &(struct vec){.v[RES_SLOTS] = slots});
}

static struct rt_request request(enum rt_kind kind, double seconds)
{
	struct rt_request q;

	rt_request_init(&q);
	q.kind = kind;
	q.place = RT_SELF;
	q.predicted_s = seconds;
	q.need.v[kind == RT_LLM ? RES_SLOTS : RES_CORES] =
		kind == RT_LLM ? 1 : 1000;
	q.preemptible = q.idempotent = true;
	return q;
}

static uint64_t put(struct shop *s, struct rt_request *q)
{
	uint64_t id = 0;

	assert_int_equal(rt_submit(s->r, q, 1, 0, s->now, &id), 0);
	job_of(s, id)->submitted = s->now;
	rt_request_release(q);
	return id;
}

static uint64_t ask(struct shop *s, double seconds)
{
	struct rt_request q = request(RT_LLM, seconds);

	return put(s, &q);
}

/* Cores and MiB as the seed's tasks have them. */
static uint64_t task(struct shop *s, long priority, int64_t cores,
		     int64_t memory, double seconds)
{
	struct rt_request q = request(RT_TOOL, seconds);

	q.priority = priority;
	q.need = (struct vec){
		.v = {[RES_CORES] = 1000 * cores, [RES_MEMORY] = memory}};
	return put(s, &q);
}

static void step(struct shop *s)
{
	/* E4: it may want to be called once more, and never spins. */
	for (int i = 0; i < 3; i++) {
		s->wake = rt_step(s->r, s->now);
		if (s->wake > s->now)
			return;
	}
	fail_msg("asked to be called at once again and again");
}

static void finish(struct shop *s, struct job *j)
{
	uint64_t lease = j->lease;
	struct rt_outcome o;

	rt_outcome_init(&o);
	if (j->fails) {
		j->fails--;
		o.error = -EIO;
		o.again = !j->for_good;
	}
	j->lease = 0;
	s->running--;
	assert_int_equal(rt_done(s->r, lease, &o, s->now), 0);
}

static void suspend(struct shop *s, struct job *j, double seconds)
{
	struct rt_usage u = {.seconds = seconds};
	uint64_t lease = j->lease;

	j->told = 0;
	j->lease = 0;
	j->done_s += seconds;
	s->running--;
	assert_int_equal(rt_suspended(s->r, lease, "{\"on\":true}", &u, s->now),
			 0);
}

/* Time goes on to until, and what is due by then happens. */
static void run_until(struct shop *s, double until)
{
	step(s);
	for (;;) {
		double next = fmin(until, s->wake), began;

		for (size_t i = 0; i < JOBS; i++) {
			if (s->jobs[i].lease)
				next = fmin(next, s->jobs[i].ends);
			if (s->jobs[i].lease && s->jobs[i].told)
				next = s->now;
		}
		s->now = next;
		for (size_t i = 0; i < JOBS; i++) {
			struct job *j = &s->jobs[i];

			if (!j->lease)
				continue;
			if (j->ends <= s->now) {
				finish(s, j);
			} else if (j->told) {
				began = rt_find(s->r, i)->lease.since;
				suspend(s, j, s->now - began);
			}
		}
		step(s);
		if (s->now >= until)
			return;
		if (!rt_pending(s->r))
			return;
	}
}

static void run_to_end(struct shop *s)
{
	run_until(s, s->now + 1e6);
	assert_int_equal(rt_pending(s->r), 0);
}

static void shop_release(struct shop *s)
{
	rt_free(s->r);
}

static const struct rt_worker *worker(struct shop *s, const char *name)
{
	return rt_workers_find(rt_workers_of(s->r), name);
}

/* ---- AIOS -------------------------------------------------------------- */

/* Its round-robin died of the first batch, with all who waited. */
static void test_b1_rr_runs_and_ends(void **state)
{
	struct shop s;
	uint64_t id[12];

	(void)state;
	shop_init(&s, "rr");
	add_slots(&s, "near", 2);
	for (size_t i = 0; i < ARRAY_LEN(id); i++)
		id[i] = ask(&s, (double)(3 + i));
	run_to_end(&s);
	for (size_t i = 0; i < ARRAY_LEN(id); i++)
		assert_int_equal(job_of(&s, id[i])->state, RT_DONE);
	shop_release(&s);
}

/* No path of suspending and resuming ran.  Here one is stopped after its
 * quantum, goes on from where it was, and takes no longer than its time. */
static void test_b2_suspends_and_resumes(void **state)
{
	struct vec core = {.v[RES_CORES] = 1000};
	struct rt_request q;
	uint64_t a, b;
	struct shop s;

	(void)state;
	shop_init(&s, "rr");
	add_worker(&s, "host", RT_TOOL, &core);
	q = request(RT_TOOL, 60);
	a = put(&s, &q);
	run_until(&s, 0.5);
	q = request(RT_TOOL, 20);
	b = put(&s, &q);
	run_to_end(&s);
	assert_true(job_of(&s, a)->resumed > 0);
	assert_true(job_of(&s, b)->ended < job_of(&s, a)->ended);
	assert_true(fabs(s.now - 80) < 1e-6); /* nothing was done twice */
	shop_release(&s);
}

/* An idle queue answered after 0.8 to 1.1 s. */
static void test_b3_idle_starts_at_once(void **state)
{
	struct shop s;

	(void)state;
	for (size_t i = 0; rt_policies[i]; i++) {
		uint64_t id;

		shop_init(&s, rt_policies[i]->name);
		add_slots(&s, "near", 1);
		run_until(&s, 7);
		id = ask(&s, 1);
		step(&s);
		assert_true(job_of(&s, id)->first == s.now);
		run_to_end(&s);
		assert_true(job_of(&s, id)->ended ==
			    job_of(&s, id)->submitted + 1);
		shop_release(&s);
	}
}

/* With one request every 50 ms none started before they stopped coming. */
static void test_b4_dispatch_while_arrivals_keep_coming(void **state)
{
	enum { N = 100 };
	uint64_t id[N];
	struct shop s;

	(void)state;
	shop_init(&s, "fifo");
	add_slots(&s, "near", 4);
	for (size_t i = 0; i < N; i++) {
		id[i] = ask(&s, 0.1);
		run_until(&s, (double)(i + 1) * 0.05);
	}
	assert_true(job_of(&s, id[0])->ended < 0.2);
	run_to_end(&s);
	for (size_t i = 0; i < N; i++)
		assert_true(job_of(&s, id[i])->first ==
			    job_of(&s, id[i])->submitted);
	assert_true(s.most_running <= 4); /* and no herd */
	shop_release(&s);
}

/* The next batch waited for the slowest of the one before. */
static void test_b5_no_batch_barrier(void **state)
{
	uint64_t slow, quick[5];
	struct shop s;

	(void)state;
	shop_init(&s, "fifo");
	add_slots(&s, "near", 2);
	slow = ask(&s, 100);
	for (size_t i = 0; i < ARRAY_LEN(quick); i++)
		quick[i] = ask(&s, 1);
	run_to_end(&s);
	for (size_t i = 0; i < ARRAY_LEN(quick); i++)
		assert_true(fabs(job_of(&s, quick[i])->ended -
				 (double)(i + 1)) < 1e-6);
	assert_true(fabs(job_of(&s, slow)->ended - 100) < 1e-6);
	shop_release(&s);
}

/* Who asked for what failed waited for ever. */
static void test_b6_a_failure_wakes_who_waits(void **state)
{
	static const enum rt_kind kinds[] = {RT_MEMORY, RT_STORAGE, RT_TOOL};
	struct vec core = {.v[RES_CORES] = 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct rt_request q;
		struct shop s;
		uint64_t id, other;

		shop_init(&s, "fair");
		add_worker(&s, "host", kinds[i], &core);
		q = request(kinds[i], 1);
		q.attempts = 1;
		id = put(&s, &q);
		job_of(&s, id)->fails = 1;
		q = request(kinds[i], 1);
		other = put(&s, &q);
		run_to_end(&s);
		assert_int_equal(job_of(&s, id)->state, RT_FAILED);
		assert_int_equal(job_of(&s, id)->error, -EIO);
		assert_int_equal(job_of(&s, other)->state, RT_DONE);
		shop_release(&s);
	}
}

/* One failure marked the whole batch, and all of it went round without end
 * and without a pause, what was done too. */
static void test_b7_attempts_are_counted_apart(void **state)
{
	struct rt_request q;
	uint64_t bad, wrong, good[4];
	struct shop s;

	(void)state;
	shop_init(&s, "fifo");
	add_slots(&s, "near", 8);
	q = request(RT_LLM, 1);
	q.attempts = 3;
	bad = put(&s, &q);
	job_of(&s, bad)->fails = 1000;
	wrong = ask(&s, 1);
	job_of(&s, wrong)->fails = 1000;
	job_of(&s, wrong)->for_good = true;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		good[i] = ask(&s, 1);
	run_to_end(&s);
	assert_int_equal(job_of(&s, bad)->state, RT_FAILED);
	assert_int_equal(job_of(&s, bad)->starts, 3);
	assert_true(job_of(&s, bad)->ended > 3); /* it was given time */
	assert_int_equal(job_of(&s, wrong)->state, RT_FAILED);
	assert_int_equal(job_of(&s, wrong)->starts, 1);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(job_of(&s, good[i])->state, RT_DONE);
		assert_int_equal(job_of(&s, good[i])->starts, 1);
	}
	shop_release(&s);
}

/* The caller was woken before the status was set, and asked again.  on_ended()
 * looks at it for each of these. */
static void test_b8_status_before_wakeup(void **state)
{
	uint64_t id[40];
	struct shop s;

	(void)state;
	shop_init(&s, "fair");
	add_slots(&s, "near", 3);
	for (size_t i = 0; i < ARRAY_LEN(id); i++)
		id[i] = ask(&s, 1);
	run_to_end(&s);
	for (size_t i = 0; i < ARRAY_LEN(id); i++) {
		assert_int_equal(job_of(&s, id[i])->starts, 1);
		assert_int_equal(job_of(&s, id[i])->state, RT_DONE);
		rt_delivered(s.r, id[i], s.now);
	}
	shop_release(&s);
}

/* Two names were in use for one state. */
static void test_b9_a_state_has_one_name(void **state)
{
	(void)state;
	for (int a = RT_WAITING; a <= RT_SKIPPED; a++) {
		const char *name = rt_state_name((enum rt_state)a);

		assert_true(*name);
		for (int b = RT_WAITING; b < a; b++)
			assert_string_not_equal(
				name, rt_state_name((enum rt_state)b));
	}
}

/* ---- LLMAgentOS -------------------------------------------------------- */

/* 0.2 + 0.005 * 10000 + 0.0001 * 150 is 50.215, not 70. */
static void test_e1_linear_estimate_50_215(void **state)
{
	struct rt_predictor *p = rt_predictor_new();
	struct rt_request q = request(RT_LLM, -1);
	struct rt_prediction got;
	struct rng r;

	(void)state;
	rng_init(&r, 1);
	for (int i = 0; i < 200; i++) {
		q.features[0] = 2000 + 18000 * rng_unit(&r);
		q.features[1] = 50 + 250 * rng_unit(&r);
		rt_predictor_learn(p, &q,
				   0.2 + 0.005 * q.features[0] +
					   0.0001 * q.features[1]);
	}
	q.features[0] = 10000;
	q.features[1] = 150;
	rt_predict(p, &q, &got);
	assert_true(fabs(got.p50_s / 50.215 - 1) < 0.05);
	rt_request_release(&q);
	rt_predictor_free(p);
}

/* pop() took the lowest priority first. */
static void test_e2_the_most_urgent_goes_first(void **state)
{
	struct vec one = {.v = {[RES_CORES] = 3000, [RES_MEMORY] = 4}};
	uint64_t id[3];
	struct shop s;

	(void)state;
	shop_init(&s, "priority");
	add_worker(&s, "host", RT_TOOL, &one);
	id[0] = task(&s, 1, 3, 3, 15);
	id[1] = task(&s, 2, 3, 2, 5);
	id[2] = task(&s, 3, 3, 4, 10);
	run_to_end(&s);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(s.order[i], id[2 - i]);
	shop_release(&s);
}

static void seeds_agents(struct shop *s)
{
	struct vec big = {.v = {[RES_CORES] = 4000, [RES_MEMORY] = 8}};
	struct vec small = {.v = {[RES_CORES] = 2000, [RES_MEMORY] = 4}};

	add_worker(s, "agent-1", RT_TOOL, &big);
	add_worker(s, "agent-2", RT_TOOL, &small);
}

/* All was done one after another on the first agent: 30 s. */
static void test_e3_both_agents_work_at_once(void **state)
{
	uint64_t a, b, c;
	struct shop s;

	(void)state;
	shop_init(&s, "priority");
	s.o.fit = RT_FIT_BEST;
	rt_free(s.r);
	assert_int_equal(rt_new(&s.o, &s.r), 0);
	seeds_agents(&s);
	a = task(&s, 3, 2, 4, 10);
	b = task(&s, 2, 1, 2, 5);
	c = task(&s, 1, 3, 3, 15);
	run_to_end(&s);
	assert_string_equal(job_of(&s, a)->worker, "agent-2");
	assert_string_equal(job_of(&s, b)->worker, "agent-1");
	assert_string_equal(job_of(&s, c)->worker, "agent-1");
	assert_int_equal(s.most_running, 3);
	assert_true(s.now == 15);
	shop_release(&s);
}

/* What no agent can hold went round and starved the rest. */
static void test_e4_infeasible_refused_nothing_spins(void **state)
{
	struct rt_request q = request(RT_TOOL, 1);
	uint64_t id, waits;
	struct shop s;

	(void)state;
	shop_init(&s, "priority");
	seeds_agents(&s);
	q.need.v[RES_CORES] = 99000;
	assert_int_equal(rt_submit(s.r, &q, 1, 0, 0, &id), -ERANGE);
	assert_non_null(strstr(err_text(), "cores"));
	assert_non_null(strstr(err_text(), "agent-1"));
	rt_request_release(&q);
	assert_int_equal(rt_pending(s.r), 0);
	/* What does not fit now waits for the end of what runs, and the
	 * engine with it: step() checks that it does not ask for now. */
	id = task(&s, 9, 4, 4, 10);
	waits = task(&s, 9, 4, 4, 10);
	step(&s);
	assert_true(isnan(job_of(&s, waits)->first));
	run_to_end(&s);
	assert_true(job_of(&s, waits)->first == job_of(&s, id)->ended);
	shop_release(&s);
}

/* An agent took one task, whatever was left of it. */
static void test_e5_residuals(void **state)
{
	struct vec whole = {
		.v = {[RES_CORES] = 4000, [RES_MEMORY] = 8, [RES_GPU] = 1000}};
	struct rt_request q;
	uint64_t a, b, c, d;
	struct shop s;

	(void)state;
	shop_init(&s, "fifo");
	add_worker(&s, "agent-1", RT_TOOL, &whole);
	a = task(&s, 1, 2, 3, 10);
	b = task(&s, 1, 1, 3, 10);
	c = task(&s, 1, 1, 3, 10); /* the memory is not left */
	q = request(RT_TOOL, 10);
	q.need = (struct vec){.v[RES_GPU] = 600};
	d = put(&s, &q);
	step(&s);
	assert_true(job_of(&s, a)->first == 0);
	assert_true(job_of(&s, b)->first == 0);
	assert_true(isnan(job_of(&s, c)->first));
	assert_true(job_of(&s, d)->first == 0);
	run_to_end(&s);
	assert_true(job_of(&s, c)->first == 10);
	shop_release(&s);
}

static void check_pool(struct shop *s)
{
	static const char *const names[] = {"agent-1", "agent-2"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct rt_worker *w = worker(s, names[i]);

		for (size_t r = 0; r < RES_COUNT; r++) {
			assert_true(w->used.v[r] >= 0);
			assert_true(w->used.v[r] <= w->spec.capacity.v[r]);
		}
	}
}

/* The pool was charged without a look, and what was left was lost. */
static void test_e6_pool_never_negative(void **state)
{
	struct shop s;
	struct rng r;

	(void)state;
	rng_init(&r, 6);
	shop_init(&s, "sjf");
	seeds_agents(&s);
	for (int i = 0; i < 150; i++) {
		uint64_t id =
			task(&s, 1, 1 + (int64_t)rng_below(&r, 4),
			     (int64_t)rng_below(&r, 8), 1 + 5 * rng_unit(&r));

		if (!rng_below(&r, 5))
			job_of(&s, id)->fails = 1;
		run_until(&s, s.now + rng_unit(&r));
		if (!rng_below(&r, 8))
			rt_cancel(s.r, id, s.now);
		check_pool(&s);
	}
	run_to_end(&s);
	check_pool(&s);
	assert_true(vec_zero(&worker(&s, "agent-1")->used));
	assert_true(vec_zero(&worker(&s, "agent-2")->used));
	shop_release(&s);
}

/* Arrival was no part of the order, and who was not urgent starved. */
static void test_e7_arrival_counts_and_none_starves(void **state)
{
	struct vec core = {.v[RES_CORES] = 1000};
	uint64_t low, first, second;
	struct shop s;

	(void)state;
	shop_init(&s, "priority");
	s.o.policy_opts.aging_s = 1;
	rt_free(s.r);
	assert_int_equal(rt_new(&s.o, &s.r), 0);
	add_worker(&s, "host", RT_TOOL, &core);
	task(&s, 50, 1, 0, 1);
	step(&s);
	first = task(&s, 50, 1, 0, 1);
	second = task(&s, 50, 1, 0, 1);
	low = task(&s, 40, 1, 0, 1);
	for (int i = 0; i < 40; i++) {
		task(&s, 50, 1, 0, 1);
		run_until(&s, s.now + 1);
	}
	assert_true(job_of(&s, first)->first < job_of(&s, second)->first);
	assert_true(job_of(&s, low)->first > 2);
	assert_true(job_of(&s, low)->first <= 15);
	run_to_end(&s);
	shop_release(&s);
}

/* Failures, health and dependencies were prose. */
static void test_e8_recovers_and_knows_dependencies(void **state)
{
	static const char *const keys[] = {"a", "b", "c"};
	struct rt_request q[3];
	uint64_t id, ids[3];
	struct shop s;

	(void)state;
	shop_init(&s, "fifo");
	add_slots(&s, "near", 1);
	id = ask(&s, 10);
	run_until(&s, 1);
	assert_string_equal(job_of(&s, id)->worker, "near");
	add_slots(&s, "far", 1);
	assert_int_equal(rt_worker_drop(s.r, "near", true, s.now), 0);
	run_to_end(&s);
	assert_string_equal(job_of(&s, id)->worker, "far");
	assert_int_equal(job_of(&s, id)->state, RT_DONE);
	assert_int_equal(rt_find(s.r, id)->attempt, 2);

	for (size_t i = 0; i < 3; i++) {
		q[i] = request(RT_LLM, 1);
		free(q[i].key);
		q[i].key = mem_strdup(keys[i]);
		q[i].dep_count = 1;
		q[i].deps = mem_zalloc(1, sizeof(*q[i].deps));
		q[i].deps[0].key = mem_strdup(keys[(i + 1) % 3]);
	}
	assert_int_equal(rt_submit(s.r, q, 3, 0, s.now, ids), -ELOOP);
	q[2].dep_count = 0;
	assert_int_equal(rt_submit(s.r, q, 3, 0, s.now, ids), 0);
	q[2].dep_count = 1;
	run_to_end(&s);
	assert_true(job_of(&s, ids[2])->ended <= job_of(&s, ids[1])->first);
	assert_true(job_of(&s, ids[1])->ended <= job_of(&s, ids[0])->first);
	for (size_t i = 0; i < 3; i++)
		rt_request_release(&q[i]);
	shop_release(&s);
}

/* Each pair was counted twice, and 2 of 2 CPUs were as loaded as 2 of 4. */
static void test_e9_gini_balance(void **state)
{
	const double even[] = {0.4, 0.4, 0.4}, one[] = {0, 0, 0, 1};
	const double two[] = {0, 1}, some[] = {0.1, 0.5, 0.3};
	struct rt_balance b;
	struct shop s;

	(void)state;
	assert_true(rt_gini(even, 3) == 0);
	assert_true(fabs(rt_gini(two, 2) - 0.5) < 1e-12);
	assert_true(fabs(rt_gini(one, 4) - 0.75) < 1e-12);
	/* (0.4 + 0.2 + 0.2) / (n^2 * mean) = 0.8 / 2.7 */
	assert_true(fabs(rt_gini(some, 3) - 0.8 / 2.7) < 1e-12);
	assert_true(fabs(rt_jain(one, 4) - 0.25) < 1e-12);

	shop_init(&s, "fifo");
	seeds_agents(&s);
	for (size_t i = 0; i < 2; i++) {
		struct rt_request q = request(RT_TOOL, 10);

		q.need = (struct vec){.v[RES_CORES] = 2000};
		free(q.worker);
		q.worker = mem_strdup(i ? "agent-2" : "agent-1");
		put(&s, &q);
	}
	step(&s);
	/* Loads of 1/2 and 1: a difference of 1/2, over 2 * 3/4 * 2. */
	rt_workers_balance(rt_workers_of(s.r), RT_TOOL, &b);
	assert_int_equal(b.workers, 2);
	assert_true(fabs(b.gini - 0.5 / 3) < 1e-12);
	run_to_end(&s);
	rt_workers_balance(rt_workers_of(s.r), RT_TOOL, &b);
	assert_true(b.gini == 0);
	shop_release(&s);
}

/* A straight line through these, one that falls or one that rises, far away
 * from them. */
static void predict_far(double at_0, double slope, double least, double most)
{
	struct rt_predictor *p = rt_predictor_new();
	struct rt_request q = request(RT_LLM, -1);
	struct rt_prediction got;
	struct rng r;

	rng_init(&r, 10);
	for (int i = 0; i < 100; i++) {
		q.features[0] = 450 * rng_unit(&r);
		rt_predictor_learn(p, &q, at_0 + slope * q.features[0]);
	}
	for (int i = 0; i < 200; i++) {
		q.features[0] = pow(10, 12 * rng_unit(&r));
		q.features[1] = pow(10, 12 * rng_unit(&r));
		rt_predict(p, &q, &got);
		assert_true(got.p50_s >= least / 4);
		assert_true(got.p50_s <= got.p90_s);
		assert_true(got.p90_s <= most * 4);
	}
	rt_request_release(&q);
	rt_predictor_free(p);
}

/* Least squares on raw features goes below 0 and has no bound. */
static void test_e10_prediction_positive_bounded(void **state)
{
	(void)state;
	predict_far(10, -0.02, 1, 10);
	predict_far(1, 0.02, 1, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b1_rr_runs_and_ends),
		cmocka_unit_test(test_b2_suspends_and_resumes),
		cmocka_unit_test(test_b3_idle_starts_at_once),
		cmocka_unit_test(test_b4_dispatch_while_arrivals_keep_coming),
		cmocka_unit_test(test_b5_no_batch_barrier),
		cmocka_unit_test(test_b6_a_failure_wakes_who_waits),
		cmocka_unit_test(test_b7_attempts_are_counted_apart),
		cmocka_unit_test(test_b8_status_before_wakeup),
		cmocka_unit_test(test_b9_a_state_has_one_name),
		cmocka_unit_test(test_e1_linear_estimate_50_215),
		cmocka_unit_test(test_e2_the_most_urgent_goes_first),
		cmocka_unit_test(test_e3_both_agents_work_at_once),
		cmocka_unit_test(test_e4_infeasible_refused_nothing_spins),
		cmocka_unit_test(test_e5_residuals),
		cmocka_unit_test(test_e6_pool_never_negative),
		cmocka_unit_test(test_e7_arrival_counts_and_none_starves),
		cmocka_unit_test(test_e8_recovers_and_knows_dependencies),
		cmocka_unit_test(test_e9_gini_balance),
		cmocka_unit_test(test_e10_prediction_positive_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
