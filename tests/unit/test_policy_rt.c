/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The six orders of the agent runtime, on tasks without an engine: a world has
 * runs, shapes and tasks, and serves one task at a time.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/policy.h"

enum { RUNS = 8, SHAPES = 4 };

struct world {
	struct rt_policy *p;
	struct rt_policy_opts o;
	struct rt_group runs[RUNS], candidates[RUNS];
	struct rt_shape shapes[SHAPES];
	double now;
	uint64_t seq;
	size_t ready;
};

static void world_init(struct world *w, const char *policy)
{
	*w = (struct world){0};
	rt_policy_defaults(&w->o);
	w->p = rt_policy_find(policy)->new (&w->o);
	for (size_t i = 0; i < SHAPES; i++)
		w->shapes[i].index = i;
}

static void forget(struct world *w)
{
	const struct rt_policy_ops *ops = w->p->ops;

	for (size_t i = 0; i < RUNS; i++) {
		ops->group_gone(w->p, &w->candidates[i]);
		ops->group_gone(w->p, &w->runs[i]);
	}
	for (size_t i = 0; i < SHAPES; i++)
		ops->shape_gone(w->p, &w->shapes[i]);
}

static void world_release(struct world *w)
{
	const struct rt_policy_ops *ops = w->p->ops;

	assert_int_equal(w->ready, 0);
	forget(w);
	ops->free(w->p);
	for (size_t i = 0; i < RUNS; i++) {
		assert_null(w->runs[i].of_policy);
		assert_null(w->candidates[i].of_policy);
	}
}

/* A task of a run, tool and one second long unless it is changed before it is
 * added. */
static void task_init(struct world *w, struct rt_task *t, size_t run)
{
	*t = (struct rt_task){
		.seq = ++w->seq,
		.run = &w->runs[run],
		.candidate = &w->runs[run],
		.shape = &w->shapes[0],
		.priority = 100,
		.p50_s = 1,
		.p90_s = 1,
	};
	t->id = t->seq;
	t->q.kind = RT_TOOL;
	t->q.deadline = INFINITY;
	t->q.need.v[RES_CORES] = 1000;
}

static void add(struct world *w, struct rt_task *t)
{
	t->ready_since = w->now;
	t->state = RT_READY;
	t->shape->ready++;
	w->ready++;
	w->p->ops->add(w->p, t, w->now);
}

static void take(struct world *w, struct rt_task *t)
{
	w->p->ops->remove(w->p, t);
	assert_int_equal(t->p.at, 0);
	t->shape->ready--;
	w->ready--;
}

/* The first of all shapes. */
static struct rt_task *first(struct world *w)
{
	const struct rt_policy_ops *ops = w->p->ops;
	struct rt_task *best = NULL;

	for (size_t i = 0; i < SHAPES; i++) {
		struct rt_task *t = ops->first(w->p, &w->shapes[i], w->now);

		if (t && (!best || ops->before(w->p, t, best, w->now)))
			best = t;
	}
	return best;
}

static void begin(struct world *w, struct rt_task *t)
{
	take(w, t);
	t->waited += w->now - t->ready_since;
	t->slice = (struct rt_service){0};
	t->lease.since = w->now;
	t->state = RT_RUNNING;
	if (w->p->ops->started)
		w->p->ops->started(w->p, t, w->now);
}

/* It runs for so long, on a core, and (a question) gets so many tokens. */
static void use(struct world *w, struct rt_task *t, double s, double tokens)
{
	struct rt_service x = {.seconds = s, .core_s = s, .tokens = tokens};

	w->now += s;
	t->slice.seconds += s;
	t->slice.tokens += tokens;
	w->p->ops->charge(w->p, t, &x, w->now);
}

static void end(struct world *w, struct rt_task *t)
{
	if (w->p->ops->stopped)
		w->p->ops->stopped(w->p, t, w->now);
}

/* The first runs to its end. */
static struct rt_task *serve(struct world *w)
{
	struct rt_task *t = first(w);

	assert_non_null(t);
	begin(w, t);
	use(w, t, t->p50_s, t->q.kind == RT_LLM ? (double)t->q.tokens_out : 0);
	end(w, t);
	return t;
}

static bool yields(struct world *w, const struct rt_task *running,
		   const struct rt_task *waiting)
{
	return w->p->ops->yields &&
	       w->p->ops->yields(w->p, running, waiting, w->now);
}

/* ---- all of them ------------------------------------------------------- */

static void names_are_found(void **state)
{
	size_t n = 0;

	(void)state;
	for (; rt_policies[n]; n++)
		assert_ptr_equal(rt_policy_find(rt_policies[n]->name),
				 rt_policies[n]);
	assert_int_equal(n, 6);
	assert_null(rt_policy_find("lottery"));
	assert_non_null(strstr(err_text(), "mlfq"));
}

/* Equal in all that the policy looks at: critical path, deadline, arrival. */
static void ties_are_broken_alike(void **state)
{
	static const char *const names[] = {"rr", "priority", "sjf", "mlfq",
					    "fair"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct world w;
		struct rt_task t[4];

		world_init(&w, names[i]);
		for (size_t k = 0; k < ARRAY_LEN(t); k++) {
			task_init(&w, &t[k], 0);
			t[k].shape = &w.shapes[k % 2];
		}
		t[2].q.deadline = 50;
		t[3].critical_s = 9;
		for (size_t k = 0; k < ARRAY_LEN(t); k++)
			add(&w, &t[k]);
		for (size_t k = 0; k < ARRAY_LEN(t); k++) {
			static const size_t want[] = {3, 2, 0, 1};
			struct rt_task *x = first(&w);

			assert_ptr_equal(x, &t[want[k]]);
			take(&w, x);
		}
		world_release(&w);
	}
}

/* A task for the random tests. */
static void any_task(struct world *w, struct rt_task *t, struct rng *r)
{
	task_init(w, t, rng_below(r, RUNS));
	if (rng_below(r, 2))
		t->candidate = &w->candidates[t->run - w->runs];
	t->candidate->parent = t->candidate == t->run ? NULL : t->run;
	t->shape = &w->shapes[rng_below(r, SHAPES)];
	/* A shape is of one kind. */
	t->q.kind = t->shape->index < 2 ? RT_LLM : RT_TOOL;
	t->q.tokens_out = (long)rng_below(r, 2000);
	t->priority = (long)rng_below(r, 256);
	t->p50_s = 0.1 + 20 * rng_unit(r);
	t->critical_s = (double)rng_below(r, 3);
}

static void check_first(struct world *w, struct rt_task *const *t, size_t n)
{
	struct rt_task *best = first(w);

	assert_int_equal(!best, !w->ready);
	for (size_t i = 0; i < n; i++)
		if (t[i]->state == RT_READY)
			assert_false(
				w->p->ops->before(w->p, t[i], best, w->now));
}

/*
 * Whatever comes, goes, runs, changes and is suspended: the first is one that
 * no other goes before, and none is lost.
 */
static void first_is_before_all(void **state)
{
	enum { N = 120, STEPS = 3000 };

	(void)state;
	for (size_t i = 0; rt_policies[i]; i++) {
		struct rt_task *t[N];
		struct world w;
		struct rng r;

		rng_init(&r, i + 1);
		world_init(&w, rt_policies[i]->name);
		for (size_t k = 0; k < N; k++) {
			t[k] = mem_zalloc(1, sizeof(*t[k]));
			any_task(&w, t[k], &r);
		}
		for (int step = 0; step < STEPS; step++) {
			struct rt_task *x = t[rng_below(&r, N)];

			w.now += rng_unit(&r);
			if (x->state == RT_RUNNING) {
				use(&w, x, rng_unit(&r), 300 * rng_unit(&r));
				end(&w, x);
				x->state = RT_WAITING;
			} else if (x->state != RT_READY) {
				add(&w, x);
			} else if (rng_below(&r, 2)) {
				begin(&w, first(&w));
			} else {
				x->priority = (long)rng_below(&r, 256);
				x->p50_s = 20 * rng_unit(&r);
				x->critical_s = rng_unit(&r);
				w.p->ops->changed(w.p, x, w.now);
			}
			check_first(&w, t, N);
		}
		for (size_t k = 0; k < N; k++)
			if (t[k]->state == RT_RUNNING)
				end(&w, t[k]);
		while (w.ready)
			serve(&w);
		world_release(&w);
		for (size_t k = 0; k < N; k++)
			free(t[k]);
	}
}

/* From each policy to the next with all that waits and what runs. */
static void a_change_of_policy_keeps_all(void **state)
{
	enum { N = 200 };
	struct rt_task *t = mem_zalloc(N, sizeof(*t)), *running = &t[0];
	struct world w;
	struct rng r;

	(void)state;
	rng_init(&r, 5);
	world_init(&w, "fair");
	for (size_t k = 0; k < N; k++) {
		any_task(&w, &t[k], &r);
		add(&w, &t[k]);
	}
	begin(&w, running);
	for (size_t i = 0; rt_policies[i]; i++) {
		struct rt_policy *old = w.p;

		for (size_t k = 1; k < N; k++)
			old->ops->remove(old, &t[k]);
		forget(&w);
		old->ops->free(old);
		w.p = rt_policies[i]->new (&w.o);
		if (w.p->ops->started)
			w.p->ops->started(w.p, running, w.now);
		for (size_t k = 1; k < N; k++)
			w.p->ops->add(w.p, &t[k], w.now);
		use(&w, running, 1, 100);
	}
	end(&w, running);
	assert_int_equal(w.ready, N - 1);
	for (size_t k = 1; k < N; k++) {
		struct rt_task *x = serve(&w);

		assert_int_equal(x->state, RT_RUNNING);
		x->state = RT_DONE;
	}
	assert_null(first(&w));
	world_release(&w);
	free(t);
}

/* 100,000 that are ready, of 3,000 runs, come and go; a policy that looked at
 * all of them each time would need hours. */
static void many_are_no_burden(void **state)
{
	enum { N = 100000, GROUPS = 3000 };
	struct rt_group *runs = mem_zalloc(GROUPS, sizeof(*runs));
	struct rt_task *t = mem_zalloc(N, sizeof(*t));

	(void)state;
	for (size_t i = 0; rt_policies[i]; i++) {
		struct world w;
		struct rng r;

		rng_init(&r, 9);
		world_init(&w, rt_policies[i]->name);
		for (size_t k = 0; k < N; k++) {
			any_task(&w, &t[k], &r);
			t[k].run = t[k].candidate = &runs[k % GROUPS];
			add(&w, &t[k]);
		}
		for (size_t k = 0; k < N / 10; k++)
			serve(&w);
		for (size_t k = 0; k < N; k++)
			if (t[k].state == RT_READY)
				take(&w, &t[k]);
		for (size_t g = 0; g < GROUPS; g++)
			w.p->ops->group_gone(w.p, &runs[g]);
		world_release(&w);
	}
	free(t);
	free(runs);
}

/* ---- one by one -------------------------------------------------------- */

static void fifo_is_strictly_by_arrival(void **state)
{
	struct rt_task t[12];
	struct world w;

	(void)state;
	world_init(&w, "fifo");
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], k % RUNS);
		t[k].shape = &w.shapes[(7 * k) % SHAPES];
		t[k].priority = (long)(200 - k);
		t[k].p50_s = (double)(20 - k);
		t[k].critical_s = (double)k;
	}
	for (size_t k = ARRAY_LEN(t); k-- > 0;)
		add(&w, &t[k]);
	/* What was stopped has its place again. */
	begin(&w, &t[0]);
	use(&w, &t[0], 1000, 0);
	assert_false(yields(&w, &t[0], &t[1]));
	end(&w, &t[0]);
	add(&w, &t[0]);
	for (size_t k = 0; k < ARRAY_LEN(t); k++)
		assert_ptr_equal(serve(&w), &t[k]);
	world_release(&w);
}

static void rr_takes_turns(void **state)
{
	struct rt_task t[3], llm;
	struct world w;

	(void)state;
	world_init(&w, "rr");
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], k);
		add(&w, &t[k]);
		w.now += 0.001;
	}
	for (size_t turn = 0; turn < 7; turn++) {
		struct rt_task *x = first(&w);

		assert_ptr_equal(x, &t[turn % 3]);
		begin(&w, x);
		assert_true(w.p->ops->quantum(w.p, x) == w.o.quantum_s);
		use(&w, x, w.o.quantum_s - 1, 1e6);
		assert_false(yields(&w, x, first(&w)));
		use(&w, x, 1, 0);
		assert_true(yields(&w, x, first(&w)));
		end(&w, x);
		add(&w, x);
	}
	/* A question's quantum is one of tokens. */
	task_init(&w, &llm, 0);
	llm.q.kind = RT_LLM;
	add(&w, &llm);
	begin(&w, &llm);
	assert_true(w.p->ops->quantum(w.p, &llm) == w.o.quantum_tokens);
	use(&w, &llm, 1000, w.o.quantum_tokens - 1);
	assert_false(yields(&w, &llm, first(&w)));
	use(&w, &llm, 0, 1);
	assert_true(yields(&w, &llm, first(&w)));
	while (w.ready)
		serve(&w);
	world_release(&w);
}

static void priority_is_by_urgency_then_inherited(void **state)
{
	struct rt_task t[3];
	struct world w;

	(void)state;
	world_init(&w, "priority");
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], 0);
		t[k].priority = (long)(10 * k);
		add(&w, &t[k]);
	}
	assert_ptr_equal(first(&w), &t[2]);
	/* The least urgent is waited for by an urgent one. */
	t[0].priority = 99;
	w.p->ops->changed(w.p, &t[0], w.now);
	assert_ptr_equal(serve(&w), &t[0]);
	begin(&w, &t[1]);
	assert_true(yields(&w, &t[1], &t[2]));
	add(&w, &t[1]);
	begin(&w, &t[2]);
	assert_false(yields(&w, &t[2], &t[1]));
	/* However long the less urgent waits, it stops nobody. */
	w.now += 1e4;
	assert_false(yields(&w, &t[2], &t[1]));
	serve(&w);
	/* One that was started for its long wait is not stopped again. */
	task_init(&w, &t[2], 0);
	t[2].priority = 255;
	add(&w, &t[2]);
	assert_false(yields(&w, &t[1], &t[2]));
	serve(&w);
	world_release(&w);
}

/* What was suspended has not waited in vain. */
static void priority_remembers_earlier_waits(void **state)
{
	struct rt_task t, u;
	struct world w;

	(void)state;
	world_init(&w, "priority");
	task_init(&w, &t, 0);
	task_init(&w, &u, 0);
	add(&w, &t);
	w.now += 100;
	begin(&w, &t);
	add(&w, &u);
	use(&w, &t, 50, 0);
	end(&w, &t);
	add(&w, &t);
	assert_ptr_equal(first(&w), &t);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

/* Every second comes a request of 255 that takes a second: without aging, one
 * of 0 would never start. */
static void priority_starves_nobody(void **state)
{
	enum { STREAM = 10000 };
	struct rt_task *t = mem_zalloc(STREAM, sizeof(*t)), low, *x = NULL;
	struct world w;
	size_t k = 0;
	double bound;

	(void)state;
	world_init(&w, "priority");
	bound = 255 * w.o.aging_s + 2;
	task_init(&w, &t[k], 0);
	t[k].priority = 255;
	add(&w, &t[k++]);
	task_init(&w, &low, 1);
	low.priority = 0;
	add(&w, &low);
	for (; k < STREAM && x != &low; k++) {
		task_init(&w, &t[k], 0);
		t[k].priority = 255;
		add(&w, &t[k]);
		x = serve(&w);
	}
	assert_ptr_equal(x, &low);
	assert_true(low.waited > 250 * w.o.aging_s); /* nor too early */
	assert_true(low.waited <= bound);
	while (w.ready)
		serve(&w);
	world_release(&w);
	free(t);
}

/* The sum of waits when served in this order. */
static double waits(const double *s, const size_t *order, size_t n)
{
	double at = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += at;
		at += s[order[i]];
	}
	return sum;
}

static double least_waits(const double *s, size_t *order, size_t at, size_t n)
{
	double best = INFINITY;

	if (at == n)
		return waits(s, order, n);
	for (size_t i = at; i < n; i++) {
		size_t x = order[i];

		order[i] = order[at];
		order[at] = x;
		best = fmin(best, least_waits(s, order, at + 1, n));
		order[at] = order[i];
		order[i] = x;
	}
	return best;
}

static void sjf_waits_least(void **state)
{
	enum { MOST = 6 };
	struct rng r;

	(void)state;
	rng_init(&r, 11);
	for (int round = 0; round < 200; round++) {
		size_t n = 1 + rng_below(&r, MOST), order[MOST];
		struct rt_task t[MOST];
		double s[MOST], sum = 0;
		struct world w;

		world_init(&w, "sjf");
		for (size_t k = 0; k < n; k++) {
			order[k] = k;
			s[k] = exp(4 * rng_unit(&r));
			task_init(&w, &t[k], 0);
			t[k].shape = &w.shapes[rng_below(&r, SHAPES)];
			t[k].p50_s = s[k];
			add(&w, &t[k]);
		}
		while (w.ready)
			sum += serve(&w)->waited;
		assert_true(fabs(sum - least_waits(s, order, 0, n)) < 1e-6);
		world_release(&w);
	}
}

static void sjf_stops_only_the_longer(void **state)
{
	struct rt_task a, b;
	struct world w;

	(void)state;
	world_init(&w, "sjf");
	task_init(&w, &a, 0);
	task_init(&w, &b, 1);
	a.p50_s = 10;
	b.p50_s = 4;
	add(&w, &a);
	begin(&w, &a);
	add(&w, &b);
	w.now += 5.9;
	assert_true(yields(&w, &a, &b));
	w.now += 0.2;
	assert_false(yields(&w, &a, &b)); /* less is left of it by now */
	w.now += 100;
	assert_false(yields(&w, &a, &b));
	serve(&w);
	world_release(&w);
}

static void mlfq_serves_short_runs_before_long(void **state)
{
	struct rt_task a[40], b;
	struct world w;

	(void)state;
	world_init(&w, "mlfq");
	/* The run sinks by all its calls, each of them short. */
	for (size_t k = 0; k < ARRAY_LEN(a); k++) {
		task_init(&w, &a[k], 0);
		add(&w, &a[k]);
	}
	for (int k = 0; k < 20; k++)
		serve(&w);
	task_init(&w, &b, 1);
	add(&w, &b);
	assert_ptr_equal(serve(&w), &b);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

static void mlfq_quanta_double_and_boost_lifts(void **state)
{
	struct rt_task a, b;
	struct world w;

	(void)state;
	world_init(&w, "mlfq");
	task_init(&w, &a, 0);
	task_init(&w, &b, 1);
	add(&w, &a);
	for (int level = 0; level < 6; level++) {
		double q = w.p->ops->quantum(w.p, &a);

		/* Four levels; the last one is for good. */
		assert_true(q == w.o.quantum_s * exp2(level < 3 ? level : 3));
		begin(&w, &a);
		use(&w, &a, 0.999 * q, 0);
		assert_true(w.p->ops->quantum(w.p, &a) == q);
		use(&w, &a, 0.001 * q + 1e-9, 0);
		end(&w, &a);
		w.now -= q; /* no boost meanwhile */
		add(&w, &a);
	}
	w.now += 1;
	add(&w, &b);
	assert_ptr_equal(first(&w), &b);
	begin(&w, &b);
	assert_false(yields(&w, &b, &a));
	end(&w, &b);
	begin(&w, &a);
	add(&w, &b);
	assert_true(yields(&w, &a, &b));
	add(&w, &a);
	/* After the boost both are at the top, a ready before b. */
	a.ready_since = b.ready_since - 1;
	w.p->ops->changed(w.p, &a, w.now);
	assert_ptr_equal(first(&w), &b);
	w.now += w.o.boost_s;
	assert_ptr_equal(first(&w), &a);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

/* What each run was served while n requests ended. */
static void serve_shares(struct world *w, size_t n, double *got)
{
	while (n-- && w->ready) {
		struct rt_task *t = serve(w);

		got[t->run - w->runs] += t->q.kind == RT_LLM
						 ? (double)t->q.tokens_out
						 : t->p50_s;
	}
}

static void fair_gives_runs_the_same(void **state)
{
	enum { MANY = 400, FEW = 40 };
	struct rt_task t[MANY + FEW];
	double got[RUNS] = {0};
	struct world w;
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	world_init(&w, "fair");
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], k >= MANY);
		t[k].shape = &w.shapes[k % SHAPES];
		t[k].p50_s =
			k < MANY ? 0.1 + rng_unit(&r) : 0.1 + 6 * rng_unit(&r);
		add(&w, &t[k]);
	}
	/* As long as both wait: never a quantum and a request apart. */
	for (size_t k = 0; k < 120; k++) {
		serve_shares(&w, 1, got);
		assert_true(fabs(got[0] - got[1]) <= w.o.quantum_s + 6.1);
	}
	assert_true(got[1] > 50);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

static void fair_gives_candidates_the_same(void **state)
{
	struct rt_task t[90];
	double got[3] = {0};
	struct world w;

	(void)state;
	world_init(&w, "fair");
	w.candidates[0].parent = w.candidates[1].parent = &w.runs[0];
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		/* Run 0: 10 of candidate 0, 50 of candidate 1; run 1: 30. */
		task_init(&w, &t[k], k >= 60);
		t[k].q.kind = RT_LLM;
		t[k].q.tokens_out = 200;
		if (k < 60)
			t[k].candidate = &w.candidates[k >= 10];
		add(&w, &t[k]);
	}
	for (size_t k = 0; k < 40; k++) {
		const struct rt_task *x = serve(&w);

		got[x->run == &w.runs[1]	       ? 2
		    : x->candidate == &w.candidates[1] ? 1
						       : 0] += 200;
	}
	assert_true(fabs(got[0] + got[1] - got[2]) <= w.o.quantum_tokens + 200);
	assert_true(fabs(got[0] - got[1]) <= w.o.quantum_tokens + 200);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

static void fair_lends_what_is_idle_and_saves_nothing(void **state)
{
	struct rt_task t[300];
	double got[RUNS] = {0};
	struct world w;
	size_t k = 0;

	(void)state;
	world_init(&w, "fair");
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		task_init(&w, &t[i], i >= 200);
	/* Run 0 alone: nobody is there to be fair to. */
	for (; k < 200; k++)
		add(&w, &t[k]);
	serve_shares(&w, 100, got);
	assert_true(got[0] == 100);
	/* Run 1 comes: it has no claim to the 100 s that it did not want, and
	 * run 0 does not pay for them. */
	for (; k < 300; k++)
		add(&w, &t[k]);
	got[0] = 0;
	serve_shares(&w, 60, got);
	assert_true(fabs(got[0] - got[1]) <= w.o.quantum_s + 1);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

/* Among runs that always want more, one that asks for one thing at a time goes
 * first as long as it has not had more than they. */
static void fair_serves_who_asks_seldom_first(void **state)
{
	enum { GREEDY = 3, EACH = 100 };
	struct rt_task t[GREEDY * EACH], small;
	double got[RUNS] = {0};
	struct world w;

	(void)state;
	world_init(&w, "fair");
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], k % GREEDY);
		add(&w, &t[k]);
	}
	serve_shares(&w, 32, got);
	task_init(&w, &small, GREEDY);
	add(&w, &small);
	assert_ptr_equal(first(&w), &small);
	/* But coming again and again gives it no more than the others. */
	for (size_t i = 0; i < RUNS; i++)
		got[i] = 0;
	for (size_t k = 0; k < 160; k++) {
		struct rt_task *x = serve(&w);

		got[x->run - w.runs] += 1;
		if (x == &small) {
			task_init(&w, &small, GREEDY);
			add(&w, &small);
		}
	}
	for (size_t i = 0; i < GREEDY; i++)
		assert_true(fabs(got[i] - got[GREEDY]) <= w.o.quantum_s + 1);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

/* A run whose requests never wait owes nothing for them. */
static void fair_does_not_punish_use_that_nobody_missed(void **state)
{
	struct rt_task t[100], alone;
	double got[RUNS] = {0};
	struct world w;

	(void)state;
	world_init(&w, "fair");
	task_init(&w, &alone, 0);
	add(&w, &alone);
	begin(&w, &alone);
	use(&w, &alone, 500, 0);
	end(&w, &alone);
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], !(k % 2));
		add(&w, &t[k]);
	}
	serve_shares(&w, 40, got);
	assert_true(fabs(got[0] - got[1]) <= w.o.quantum_s + 1);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

/* Eight free places at once: what is under way counts. */
static void fair_counts_what_runs(void **state)
{
	struct rt_task t[32];
	size_t started[2] = {0};
	struct world w;

	(void)state;
	world_init(&w, "fair");
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], k >= 16);
		t[k].p50_s = 30;
		add(&w, &t[k]);
	}
	for (size_t k = 0; k < 8; k++) {
		struct rt_task *x = first(&w);

		started[x->run - w.runs]++;
		begin(&w, x);
	}
	assert_int_equal(started[0], 4);
	assert_int_equal(started[1], 4);
	/* Those of run 1 fail at once and cost nothing. */
	for (size_t k = 16; k < 20; k++)
		end(&w, &t[k]);
	assert_ptr_equal(first(&w)->run, &w.runs[1]);
	for (size_t k = 0; k < 4; k++)
		end(&w, &t[k]);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

/* Use of cores is no debt in tokens. */
static void fair_is_apart_for_tokens_and_cores(void **state)
{
	struct rt_task big, waits, t[40];
	double got[RUNS] = {0};
	struct world w;

	(void)state;
	world_init(&w, "fair");
	task_init(&w, &big, 0);
	task_init(&w, &waits, 1);
	big.p50_s = 500;
	add(&w, &big);
	add(&w, &waits);
	assert_ptr_equal(serve(&w), &big);
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		task_init(&w, &t[k], k % 2);
		t[k].q.kind = RT_LLM;
		t[k].q.tokens_out = 100;
		t[k].shape = &w.shapes[1];
		add(&w, &t[k]);
	}
	for (size_t k = 0; k < 20; k++) {
		struct rt_task *x = w.p->ops->first(w.p, &w.shapes[1], w.now);

		begin(&w, x);
		use(&w, x, 1, 100);
		end(&w, x);
		got[x->run - w.runs] += 100;
	}
	assert_true(fabs(got[0] - got[1]) <= 356);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

static void fair_yields_to_who_had_less(void **state)
{
	struct rt_task a, b, same, early[2];
	struct world w;

	(void)state;
	world_init(&w, "fair");
	/* Run 1 has had three quanta while run 0 waited, then run 0 one. */
	task_init(&w, &early[0], 1);
	early[0].p50_s = 3 * w.o.quantum_s;
	task_init(&w, &early[1], 0);
	early[1].p50_s = w.o.quantum_s;
	task_init(&w, &a, 0);
	task_init(&w, &same, 0);
	task_init(&w, &b, 1);
	add(&w, &early[0]);
	add(&w, &early[1]);
	a.p50_s = 20 * w.o.quantum_s;
	add(&w, &same);
	assert_ptr_equal(serve(&w), &early[0]);
	add(&w, &b);
	assert_ptr_equal(serve(&w), &early[1]);
	add(&w, &a);
	a.critical_s = 100; /* before same */
	w.p->ops->changed(w.p, &a, w.now);
	assert_ptr_equal(first(&w), &a);
	begin(&w, &a);
	/* A quantum: its run has had two then, and what it may yet use is not
	 * held against it. */
	use(&w, &a, w.o.quantum_s, 0);
	assert_false(yields(&w, &a, &b));
	use(&w, &a, 2.5 * w.o.quantum_s, 0);
	assert_true(yields(&w, &a, &b));
	assert_false(yields(&w, &a, &same));
	end(&w, &a);
	/* Now run 1 goes first; but whoever runs has its quantum. */
	take(&w, &same);
	add(&w, &same);
	begin(&w, &same);
	use(&w, &same, 0.5 * w.o.quantum_s, 0);
	assert_false(yields(&w, &same, &b));
	use(&w, &same, 0.5 * w.o.quantum_s, 0);
	assert_true(yields(&w, &same, &b));
	end(&w, &same);
	while (w.ready)
		serve(&w);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(ties_are_broken_alike),
		cmocka_unit_test(first_is_before_all),
		cmocka_unit_test(a_change_of_policy_keeps_all),
		cmocka_unit_test(many_are_no_burden),
		cmocka_unit_test(fifo_is_strictly_by_arrival),
		cmocka_unit_test(rr_takes_turns),
		cmocka_unit_test(priority_is_by_urgency_then_inherited),
		cmocka_unit_test(priority_remembers_earlier_waits),
		cmocka_unit_test(priority_starves_nobody),
		cmocka_unit_test(sjf_waits_least),
		cmocka_unit_test(sjf_stops_only_the_longer),
		cmocka_unit_test(mlfq_serves_short_runs_before_long),
		cmocka_unit_test(mlfq_quanta_double_and_boost_lifts),
		cmocka_unit_test(fair_gives_runs_the_same),
		cmocka_unit_test(fair_gives_candidates_the_same),
		cmocka_unit_test(fair_lends_what_is_idle_and_saves_nothing),
		cmocka_unit_test(fair_serves_who_asks_seldom_first),
		cmocka_unit_test(fair_does_not_punish_use_that_nobody_missed),
		cmocka_unit_test(fair_counts_what_runs),
		cmocka_unit_test(fair_is_apart_for_tokens_and_cores),
		cmocka_unit_test(fair_yields_to_who_had_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
