/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine over endpoints that limit, fail, break and fall silent, with
 * owners that cancel: whatever happens, everything ends, nothing spins, and
 * no limit is exceeded.
 */
#include "rt_fix.h"

#include "base/clock.h"
#include "rt/policy.h"

/* ---- limits ------------------------------------------------------------ */

/* Small ones come faster than the endpoint takes them; a big one among them,
 * which needs a bucket that is nearly full, has its turn all the same. */
static void big_one_has_its_turn_at_a_limit(void **state)
{
	const char *const policies[] = {"fifo", "fair", "rr", "priority"};

	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(policies); p++) {
		struct fix f;
		double started = INFINITY;
		char text[200], key[20];
		int n = 0;

		fix_init(&f, policies[p]);
		fix_worker(&f, "{'name':'e','kinds':['llm'],'capacity':"
			       "{'endpoint_slots':50},'tokens_in_min':600}");
		for (; n < 40; n++) {
			snprintf(text, sizeof(text),
				 "{'kind':'llm','run':'s','key':'s%d',"
				 "'tokens_in':20,'need':{'endpoint_slots':1}}",
				 n);
			fix_submit(&f, text);
		}
		fix_step(&f);
		fix_submit(&f, "{'kind':'llm','key':'big','tokens_in':500,"
			       "'need':{'endpoint_slots':1}}");
		for (int t = 1; t < 300 && started == INFINITY; t++) {
			fix_at(&f, t);
			if (fix_task(&f, "big")->state == RT_RUNNING)
				started = t;
			for (int i = 0; i < n; i++) {
				const struct rt_task *s;

				snprintf(key, sizeof(key), "s%d", i);
				s = fix_task(&f, key);
				if (s->state == RT_RUNNING) {
					struct rt_outcome o;

					rt_outcome_init(&o);
					o.used.tokens_in = 20;
					rt_done(f.r, s->lease.id, &o, f.now);
					rt_outcome_release(&o);
				}
			}
			snprintf(text, sizeof(text),
				 "{'kind':'llm','run':'s','key':'s%d',"
				 "'tokens_in':20,'need':{'endpoint_slots':1}}",
				 n++);
			fix_submit(&f, text);
		}
		assert_true(started <= 180);
		fix_release(&f);
	}
}

/* However often it is called before, for whatever reason. */
static void a_limit_is_looked_at_in_time(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fair");
	fix_worker(&f, "{'name':'e','kinds':['llm'],'requests_min':1,"
		       "'capacity':{'endpoint_slots':9}}");
	fix_submit(&f, "[{'kind':'llm','key':'a'},{'kind':'llm','key':'b'}]");
	fix_said(&f, " start a@e");
	for (f.now = 1; f.now < 60; f.now += 7) {
		fix_said(&f, f.now == 36 ? " ended a done" : "");
		assert_true(fabs(f.next - 60) < 1e-6);
		if (f.now == 29)
			fix_done(&f, "a");
	}
	f.now = f.next;
	fix_said(&f, " start b@e");
	fix_release(&f);
}

/* The one whose turn it is goes away: those behind it do not wait on. */
static void a_turn_that_is_given_up_is_the_next_ones(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'e','kinds':['llm'],'tokens_in_min':600,"
		       "'capacity':{'endpoint_slots':9}}");
	fix_submit(&f, "{'kind':'llm','key':'a','tokens_in':500}");
	fix_said(&f, " start a@e");
	fix_submit(&f, "{'kind':'llm','key':'big','tokens_in':600}");
	fix_submit(&f, "{'kind':'llm','key':'small','tokens_in':10}");
	fix_said(&f, "");
	assert_int_equal(rt_cancel(f.r, fix_task(&f, "big")->id, f.now), 1);
	fix_said(&f, " ended big cancelled start small@e");
	fix_release(&f);
}

/* Half-open, one is tried; it is cancelled, and the next one is tried. */
static void a_cancelled_try_lets_the_next_one_try(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'e','kinds':['llm'],"
		       "'capacity':{'endpoint_slots':9}}");
	fix_submit(&f, "{'kind':'llm','key':'x','attempts':1}");
	fix_said(&f, " start x@e");
	/* An account that is empty opens it at once. */
	fix_done_as(&f, fix_lease(&f, "x"), -EACCES, false);
	fix_said(&f, " ended x failed");
	fix_submit(&f, "[{'kind':'llm','key':'a'},{'kind':'llm','key':'b'}]");
	fix_said(&f, "");
	assert_true(isfinite(f.next));
	f.now = f.next;
	fix_said(&f, " start a@e");
	rt_cancel(f.r, fix_task(&f, "a")->id, f.now);
	fix_said(&f, " cancel a ended a cancelled start b@e");
	fix_done(&f, "b");
	fix_submit(&f, "[{'kind':'llm','key':'c'},{'kind':'llm','key':'d'}]");
	fix_said(&f, " ended b done start c@e start d@e");
	fix_release(&f);
}

/* ---- all at once ------------------------------------------------------- */

#define CALLS	  256
#define ENDPOINTS 3

/* A lease that was started, and what will become of it. */
struct call {
	uint64_t lease, id; /* lease 0: free */
	size_t at;
	double end;
	long in, out;
	bool suspend;
};

/* What an endpoint counts, which knows at the start what will be used. */
struct meter {
	double rate, size, level, at, worst;
};

struct world {
	struct rt *r;
	struct rng rng;
	double now;
	struct call call[CALLS];
	struct meter in[ENDPOINTS];
	double down_until[ENDPOINTS], silent_until[ENDPOINTS];
	size_t started, ended;
};

static double some(struct world *w, double most)
{
	return most * rng_unit(&w->rng);
}

static size_t endpoint_of(const struct rt_worker *x)
{
	return (size_t)(x->spec.name[0] - 'a');
}

static struct call *call_of(struct world *w, uint64_t lease)
{
	for (size_t i = 0; i < CALLS; i++)
		if (w->call[i].lease == lease)
			return &w->call[i];
	return NULL;
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *l)
{
	struct world *w = arg;
	struct call *c = call_of(w, 0);
	struct meter *m;

	assert_non_null(c);
	*c = (struct call){.lease = l->id,
			   .id = t->id,
			   .at = endpoint_of(l->worker),
			   .end = w->now + some(w, 20)};
	c->in = (long)some(w, (double)t->q.tokens_in + 1);
	c->out = (long)some(w, (double)t->q.tokens_out + 1);
	assert_true(l->worker->health == RT_UP);
	/* What is cancelled may have been counted or not: the engine takes it
	 * that it was not, if nothing was told of it. */
	m = &w->in[c->at];
	m->level = fmin(m->size, m->level + (w->now - m->at) * m->rate);
	m->at = w->now;
	m->level -= (double)c->in;
	m->worst = fmin(m->worst, m->level);
	w->started++;
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *l)
{
	struct world *w = arg;
	struct call *c = call_of(w, l->id);

	(void)t;
	assert_non_null(c);
	c->suspend = true;
	c->end = fmin(c->end, w->now + some(w, 1));
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *l)
{
	struct world *w = arg;
	struct call *c = call_of(w, l->id);

	(void)t;
	if (!c)
		return;
	w->in[c->at].level += (double)c->in;
	c->lease = 0;
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct world *w = arg;

	(void)o;
	w->ended++;
	rt_delivered(w->r, t->id, w->now);
}

static const struct rt_ops ops = {.start = on_start,
				  .suspend = on_suspend,
				  .cancel = on_cancel,
				  .ended = on_ended};

static int fault(struct world *w, size_t at)
{
	static const int errors[] = {-EAGAIN, -EIO,	-ETIMEDOUT,
				     -EBUSY,  -EBADMSG, -EINVAL};

	if (w->now < w->down_until[at])
		return -ECONNREFUSED;
	return rng_below(&w->rng, 8)
		       ? 0
		       : errors[rng_below(&w->rng, ARRAY_LEN(errors))];
}

static void finish(struct world *w, struct call *c)
{
	struct rt_usage used = {.tokens_in = c->in, .tokens_out = c->out};
	struct rt_outcome o;
	int rc;

	if (c->suspend && rng_below(&w->rng, 4)) {
		rc = rt_suspended(w->r, c->lease, "{}", &used, w->now);
	} else {
		rt_outcome_init(&o);
		o.error = fault(w, c->at);
		o.again = o.error && o.error != -EINVAL;
		o.after_s = o.error == -EAGAIN ? some(w, 30) : 0;
		o.used = used;
		rc = rt_done(w->r, c->lease, &o, w->now);
		rt_outcome_release(&o);
	}
	assert_int_equal(rc, 0);
	c->lease = 0;
}

static void submit(struct world *w)
{
	struct rt_request q;
	char name[20];
	uint64_t id;

	rt_request_init(&q);
	snprintf(name, sizeof(name), "run %d", (int)rng_below(&w->rng, 4));
	free(q.run);
	q.run = mem_strdup(name);
	q.need.v[RES_SLOTS] = 1 + (int64_t)rng_below(&w->rng, 3);
	q.tokens_in = (long)exp(some(w, log(2500)));
	q.tokens_out = (long)exp(some(w, log(500)));
	q.features[0] = (double)q.tokens_in;
	q.idempotent = rng_below(&w->rng, 2);
	q.hedge = rng_below(&w->rng, 2);
	q.preemptible = rng_below(&w->rng, 2);
	q.priority = (long)rng_below(&w->rng, 256);
	assert_int_equal(rt_submit(w->r, &q, 1, 1, w->now, &id), 0);
	rt_request_release(&q);
}

static void open_world(struct world *w, const char *policy, uint64_t seed)
{
	struct rt_opts o;

	*w = (struct world){0};
	rng_init(&w->rng, seed);
	rt_opts_init(&o);
	o.policy = policy;
	o.policy_opts.quantum_s = 3;
	o.ops = &ops;
	o.arg = w;
	o.hedge_pct = 20;
	assert_int_equal(rt_new(&o, &w->r), 0);
	for (size_t i = 0; i < ENDPOINTS; i++) {
		char name[] = {(char)('a' + i), '\0'};
		struct rt_worker_spec s;

		rt_worker_spec_init(&s);
		free(s.name);
		s.name = mem_strdup(name);
		s.kinds = 1u << RT_LLM;
		s.capacity.v[RES_SLOTS] = 3 + (int64_t)rng_below(&w->rng, 6);
		s.order = (long)rng_below(&w->rng, 2);
		s.beat_s = 5;
		s.requests_min = 60;
		s.tokens_in_min = 3000 + some(w, 20000);
		s.tokens_out_min = 3000;
		s.restart_s = 0.5;
		w->in[i] = (struct meter){s.tokens_in_min / 60, s.tokens_in_min,
					  s.tokens_in_min, 0, 0};
		assert_int_equal(rt_worker_add(w->r, &s, 0, 0), 0);
		rt_worker_spec_release(&s);
	}
}

/* What the outside does of itself; returns when it does the next thing. */
static double outside(struct world *w, double *beat, bool over)
{
	double next = INFINITY;

	for (size_t i = 0; i < CALLS; i++)
		if (w->call[i].lease && w->call[i].end <= w->now)
			finish(w, &w->call[i]);
	if (*beat <= w->now) {
		*beat = w->now + 4;
		for (size_t i = 0; i < ENDPOINTS; i++) {
			char name[] = {(char)('a' + i), '\0'};

			if (!over && !rng_below(&w->rng, 20))
				w->down_until[i] = w->now + some(w, 60);
			if (!over && !rng_below(&w->rng, 30))
				w->silent_until[i] = w->now + some(w, 60);
			if (w->now >= w->silent_until[i])
				assert_int_equal(
					rt_worker_beat(w->r, name, w->now), 0);
		}
	}
	for (size_t i = 0; i < CALLS; i++)
		if (w->call[i].lease)
			next = fmin(next, w->call[i].end);
	return fmin(next, *beat);
}

static void one_world(const char *policy, uint64_t seed)
{
	double beat = 0, arrival = 0, next, was = -1;
	size_t submitted = 0, same = 0;
	const struct rt_workers *all;
	struct world w;

	open_world(&w, policy, seed);
	while (submitted < 300 || rt_pending(w.r)) {
		next = fmin(outside(&w, &beat, submitted == 300),
			    rt_step(w.r, w.now));
		if (submitted < 300 && arrival <= w.now) {
			submit(&w);
			submitted++;
			arrival = w.now + some(&w, 3);
			if (!rng_below(&w.rng, 10))
				rt_cancel(w.r, 1 + rng_below(&w.rng, submitted),
					  w.now);
		}
		next = fmin(next, rt_step(w.r, w.now));
		if (submitted < 300)
			next = fmin(next, arrival);
		/* Nothing is looked at again and again at one time. */
		same = w.now == was ? same + 1 : 0;
		assert_in_range(same, 0, 100);
		was = w.now;
		w.now = fmax(w.now, next);
		/* Nor does anything wait for ever. */
		assert_true(w.now < 20000);
	}
	rt_step(w.r, w.now);
	assert_int_equal(w.ended, 300);
	all = rt_workers_of(w.r);
	for (size_t i = 0; i < ENDPOINTS; i++) {
		const struct rt_worker *x = all->v[i];

		assert_true(vec_zero(&x->used) && !x->running);
		assert_true(x->limit.in.reserved == 0);
		assert_true(w.in[i].worst >= -1e-3);
	}
	rt_free(w.r);
}

static void everything_ends_and_no_limit_is_exceeded(void **state)
{
	(void)state;
	for (size_t i = 0; rt_policies[i]; i++)
		for (uint64_t seed = 1; seed <= 8; seed++)
			one_world(rt_policies[i]->name, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(big_one_has_its_turn_at_a_limit),
		cmocka_unit_test(a_limit_is_looked_at_in_time),
		cmocka_unit_test(a_turn_that_is_given_up_is_the_next_ones),
		cmocka_unit_test(a_cancelled_try_lets_the_next_one_try),
		cmocka_unit_test(everything_ends_and_no_limit_is_exceeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
