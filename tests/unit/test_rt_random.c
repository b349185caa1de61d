/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that can happen to the engine, in any order: what must hold after each
 * step holds, whatever was done to it.
 */
#include "base/clock.h"
#include "rt_fix.h"

#define EVENTS	3400
#define IDS	16384
#define HOLDERS 3

struct seen {
	uint64_t live[2]; /* leases whose carrier was told to start */
	bool ended, told, mine;
	uint64_t holder;
};

struct world {
	struct rt *r;
	struct rng rng;
	double now, next;
	struct seen *v; /* by id */
	uint64_t last;	/* id */
	uint64_t keys;
	size_t open; /* leases that are live */
};

static struct seen *seen(struct world *w, uint64_t id)
{
	assert_true(id && id < IDS);
	return &w->v[id];
}

static uint64_t below(struct world *w, uint64_t n)
{
	return rng_below(&w->rng, n);
}

/* ---- what the engine says ---------------------------------------------- */

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *l)
{
	struct world *w = arg;
	struct seen *s = seen(w, t->id);
	bool hedge = l == &t->hedge;

	assert_false(s->ended);
	assert_non_null(l->worker);
	if (hedge)
		assert_true(t->q.hedge && t->q.idempotent &&
			    t->q.kind == RT_LLM &&
			    l->worker != t->lease.worker);
	/* Told again only when it has grown. */
	for (int i = 0; i < 2; i++)
		if (s->live[i] == l->id) {
			assert_false(vec_equal(&t->q.need, &t->q.most));
			return;
		}
	/* Nothing runs twice at once, but what is hedged. */
	assert_true(!s->live[0] || (hedge && !s->live[1]));
	s->live[s->live[0] ? 1 : 0] = l->id;
	w->open++;
}

static bool no_longer(struct world *w, uint64_t id, uint64_t lease)
{
	struct seen *s = seen(w, id);

	for (int i = 0; i < 2; i++) {
		if (!lease || s->live[i] != lease)
			continue;
		s->live[i] = 0;
		if (!i) {
			s->live[0] = s->live[1];
			s->live[1] = 0;
		}
		w->open--;
		return true;
	}
	return false;
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *l)
{
	struct world *w = arg;

	assert_true(t->q.preemptible && t->state == RT_STOPPING);
	assert_int_equal(seen(w, t->id)->live[0], l->id);
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *l)
{
	assert_true(no_longer(arg, t->id, l->id));
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct world *w = arg;
	struct seen *s = seen(w, t->id);

	assert_true(s->ended && !s->told && t->outcome == o);
	assert_true((t->state == RT_DONE) == !o->error);
	assert_int_equal(s->live[0], 0);
	s->told = true;
	rt_delivered(w->r, t->id, w->now);
}

static void on_event(void *arg, const struct rt_event *e)
{
	struct world *w = arg;
	struct seen *s = seen(w, e->task->id);

	if (e->kind == RT_EV_SUBMITTED) {
		assert_false(s->mine);
		s->mine = true;
		s->holder = e->task->holder;
	}
	if (e->kind == RT_EV_ENDED) {
		assert_false(s->ended);
		s->ended = true;
	}
}

static const struct rt_ops ops = {
	.start = on_start,
	.suspend = on_suspend,
	.cancel = on_cancel,
	.ended = on_ended,
	.event = on_event,
};

/* ---- what is done to it ------------------------------------------------ */

static const char *const names[] = {"w0", "w1", "w2", "w3"};

static void add_worker(struct world *w, size_t i)
{
	struct rt_worker_spec s;

	rt_worker_spec_init(&s);
	free(s.name);
	s.name = mem_strdup(names[i]);
	s.kinds = i < 2 ? 1u << RT_SIM | 1u << RT_TOOL : 1u << RT_LLM;
	s.capacity.v[RES_CORES] = 4000;
	s.capacity.v[RES_MEMORY] = 1024;
	s.capacity.v[RES_SLOTS] = i < 2 ? 0 : 3;
	s.restart_s = i == 3 ? 0.5 : 0;
	s.beat_s = i == 1 ? 2 : 0;
	rt_worker_add(w->r, &s, i == 1 ? 100 : 0, w->now);
	rt_worker_spec_release(&s);
}

static void one_request(struct world *w, struct rt_request *q)
{
	static const enum rt_kind kinds[] = {RT_SIM, RT_TOOL, RT_LLM};

	rt_request_init(q);
	q->kind = kinds[below(w, 3)];
	free(q->run);
	q->run = mem_printf("run%d", (int)below(w, 3));
	free(q->key);
	q->key = mem_printf("k%llu", (unsigned long long)++w->keys);
	if (below(w, 2)) {
		free(q->candidate);
		q->candidate = mem_printf("c%d", (int)below(w, 3));
	}
	q->place = below(w, 2) ? RT_SELF : RT_WORKER;
	q->need.v[RES_CORES] = 500 * (int64_t)below(w, 9);
	q->need.v[RES_MEMORY] = 64 * (int64_t)below(w, 9);
	q->need.v[RES_SLOTS] = q->kind == RT_LLM ? 1 : 0;
	q->most = q->need;
	if (!below(w, 10) && q->need.v[RES_CORES] < 4000)
		q->most.v[RES_CORES] += 500;
	q->priority = (long)below(w, 256);
	q->predicted_s = below(w, 2) ? rng_unit(&w->rng) * 4 : -1;
	q->attempts = (long)below(w, 4);
	q->idempotent = below(w, 2);
	q->preemptible = below(w, 2);
	q->hedge = below(w, 2);
}

/* They wait for some that come before them, of the same run. */
static void submit(struct world *w)
{
	struct rt_request q[4];
	size_t n = 1 + below(w, 4);
	uint64_t ids[4];
	int rc;

	for (size_t i = 0; i < n; i++) {
		one_request(w, &q[i]);
		if (!i)
			continue;
		free(q[i].run);
		q[i].run = mem_strdup(q[0].run);
		q[i].deps = mem_zalloc(i, sizeof(*q[i].deps));
		for (size_t k = 0; k < i; k++)
			if (!below(w, 3))
				q[i].deps[q[i].dep_count++] = (struct rt_dep){
					mem_strdup(q[k].key),
					(enum rt_edge)below(w, 3)};
	}
	rc = rt_submit(w->r, q, n, 1 + below(w, HOLDERS), w->now, ids);
	/* A worker may be away. */
	assert_true(!rc || rc == -ENODEV || rc == -ERANGE);
	if (!rc)
		w->last = ids[n - 1];
	for (size_t i = 0; i < n; i++)
		rt_request_release(&q[i]);
}

/* One that runs, or NULL. */
static const struct rt_task *any_running(struct world *w)
{
	for (int i = 0; w->last && i < 30; i++) {
		uint64_t back = below(w, w->last < 200 ? w->last : 200);
		const struct rt_task *t = rt_find(w->r, w->last - back);

		if (t && seen(w, t->id)->live[0])
			return t;
	}
	return NULL;
}

static void answer(struct world *w)
{
	const struct rt_task *t = any_running(w);
	struct rt_outcome o;
	struct seen *s;
	uint64_t lease, id;

	if (!t)
		return;
	s = seen(w, t->id);
	id = t->id;
	lease = s->live[1] && below(w, 2) ? s->live[1] : s->live[0];
	if (t->state == RT_STOPPING && below(w, 3)) {
		struct rt_usage u = {.tokens_out = (long)below(w, 500)};

		assert_int_equal(rt_suspended(w->r, lease, "{}", &u, w->now),
				 0);
		assert_true(no_longer(w, id, lease));
		return;
	}
	rt_outcome_init(&o);
	o.error = below(w, 4) ? 0 : -EIO;
	o.again = below(w, 3);
	o.used.tokens_out = (long)below(w, 500);
	assert_true(no_longer(w, id, lease));
	assert_int_equal(rt_done(w->r, lease, &o, w->now), 0);
	assert_int_equal(rt_done(w->r, lease, &o, w->now), -ESTALE);
	rt_outcome_release(&o);
}

static void tell_more(struct world *w)
{
	const struct rt_task *t = any_running(w);
	struct rt_usage u = {.tokens_out = 200 + (long)below(w, 300)};
	struct vec more = {{0}};
	uint64_t lease;

	if (!t)
		return;
	lease = seen(w, t->id)->live[0];
	if (below(w, 2)) {
		assert_int_equal(rt_progress(w->r, lease, &u, w->now), 0);
		return;
	}
	more.v[RES_CORES] = 500;
	rt_grow(w->r, lease, &more, w->now);
}

static void meddle(struct world *w)
{
	size_t i = below(w, ARRAY_LEN(names));
	char run[8], candidate[8];
	uint64_t holder;

	snprintf(run, sizeof(run), "run%d", (int)below(w, 3));
	snprintf(candidate, sizeof(candidate), "c%d", (int)below(w, 3));
	switch (below(w, 8)) {
	case 0:
		rt_cancel_group(w->r, run, below(w, 2) ? candidate : NULL,
				w->now);
		return;
	case 1:
		rt_worker_drop(w->r, names[i], below(w, 2), w->now);
		return;
	case 2:
		holder = 1 + below(w, HOLDERS);
		rt_holder_gone(w->r, holder, w->now);
		rt_adopt(w->r, run, 1 + below(w, HOLDERS), w->now);
		return;
	case 3:
		rt_holder_gone(w->r, 100, w->now);
		return;
	case 4:
		for (i = 0; rt_policies[i]; i++)
			;
		rt_policy_set(w->r, rt_policies[below(w, i)]->name, w->now);
		return;
	default:
		if (w->last)
			rt_cancel(w->r, 1 + below(w, w->last), w->now);
		return;
	}
}

static void pass_time(struct world *w)
{
	if (below(w, 3) && w->next < INFINITY && w->next < w->now + 10)
		w->now = fmax(w->now, w->next);
	else
		w->now += rng_unit(&w->rng) / 4;
}

/* ---- what must hold ---------------------------------------------------- */

struct sum {
	struct world *w;
	struct vec held[8];
	size_t running[8];
	size_t pending;
	const struct rt_task *ready[512];
	size_t n;
};

static void sum_lease(struct sum *s, const struct rt_lease *l)
{
	const struct rt_workers *all = rt_workers_of(s->w->r);

	if (!l->id)
		return;
	for (size_t i = 0; i < all->count; i++)
		if (all->v[i] == l->worker) {
			vec_add(&s->held[i], &l->held);
			s->running[i]++;
		}
}

static int sum_task(void *arg, const struct rt_task *t)
{
	struct sum *s = arg;

	sum_lease(s, &t->lease);
	sum_lease(s, &t->hedge);
	s->pending += t->state < RT_DONE;
	if (t->state == RT_READY && s->n < ARRAY_LEN(s->ready))
		s->ready[s->n++] = t;
	assert_true((t->state == RT_RUNNING || t->state == RT_STOPPING) ==
		    (t->lease.id > 0));
	return 0;
}

static bool fits(const struct rt_worker *x, const struct rt_task *t)
{
	struct vec left = x->spec.capacity;

	vec_sub(&left, &x->used);
	if (x->holder && t->q.place == RT_SELF)
		return false;
	return x->spec.kinds & 1u << t->q.kind && vec_fits(&t->q.need, &left);
}

static bool plain(const struct rt_task *t)
{
	return !t->checkpoint && vec_equal(&t->q.need, &t->q.most);
}

/* Whether t waits in vain: it fits on x, and nobody who does not was promised
 * anything of x. */
static bool in_vain(const struct sum *s, const struct rt_worker *x,
		    const struct rt_task *t)
{
	if (!fits(x, t) || !plain(t) || x->draining || x->health != RT_UP ||
	    rt_breaker_worst(&x->breaker, s->w->now) != RT_CLOSED)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (x->spec.kinds & 1u << s->ready[i]->q.kind &&
		    !(x->holder && s->ready[i]->q.place == RT_SELF) &&
		    (!fits(x, s->ready[i]) || !plain(s->ready[i])))
			return false;
	return true;
}

static int grows_on(void *arg, const struct rt_task *t)
{
	return t->lease.id && t->lease.worker == arg && !plain(t);
}

static void check(struct world *w)
{
	const struct rt_workers *all = rt_workers_of(w->r);
	struct sum s = {.w = w};

	rt_each(w->r, sum_task, &s);
	assert_int_equal(s.pending, rt_pending(w->r));
	for (size_t i = 0; i < all->count; i++) {
		struct rt_worker *x = all->v[i];

		assert_true(vec_equal(&x->used, &s.held[i]));
		assert_true(vec_fits(&x->used, &x->spec.capacity));
		assert_int_equal(x->running, s.running[i]);
		if (rt_each(w->r, grows_on, x))
			continue;
		for (size_t k = 0; k < s.n; k++)
			assert_false(in_vain(&s, x, s.ready[k]));
	}
}

/* ---- the test ---------------------------------------------------------- */

static void live(struct world *w)
{
	for (int i = 0; i < EVENTS; i++) {
		uint64_t what = below(w, 100);

		if (what < 25 && w->last + 8 < IDS)
			submit(w);
		else if (what < 65)
			answer(w);
		else if (what < 75)
			tell_more(w);
		else if (what < 78)
			meddle(w);
		else if (what < 80)
			add_worker(w, below(w, ARRAY_LEN(names)));
		else if (what < 83)
			rt_worker_beat(w->r, "w1", w->now);
		else
			pass_time(w);
		w->next = rt_step(w->r, w->now);
		assert_true(w->next > w->now);
		check(w);
	}
}

static void the_end(struct world *w)
{
	for (int run = 0; run < 3; run++) {
		char name[8];

		snprintf(name, sizeof(name), "run%d", run);
		rt_cancel_group(w->r, name, NULL, w->now);
	}
	rt_step(w->r, w->now);
	check(w);
	assert_int_equal(rt_pending(w->r), 0);
	assert_int_equal(w->open, 0);
	for (uint64_t id = 1; id <= w->last; id++)
		assert_true(w->v[id].ended && w->v[id].mine);
}

static const char *const figures[] = {
	"ended.done", "ended.failed", "ended.cancelled", "ended.skipped",
	"hedges",     "preemptions",  "migrations",	 "retries",
};

static void whatever_happens(const char *policy, uint64_t seed, double *sums)
{
	struct world w = {0};
	struct json *v;
	struct rt_opts o;

	w.v = mem_zalloc(IDS, sizeof(*w.v));
	rng_init(&w.rng, seed);
	rt_opts_init(&o);
	o.policy = policy;
	o.hedge_pct = 50;
	o.keep_ended = 20;
	o.ops = &ops;
	o.arg = &w;
	assert_int_equal(rt_new(&o, &w.r), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		add_worker(&w, i);
	live(&w);
	the_end(&w);
	v = rt_stats(w.r, w.now);
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		sums[i] += json_as_number(json_path(v, figures[i]), 0);
	json_free(v);
	rt_free(w.r);
	free(w.v);
}

static void under_every_policy(void **state)
{
	const char *more = getenv("RT_SEED");
	uint64_t seed = more ? strtoull(more, NULL, 10) : 1;
	double sums[ARRAY_LEN(figures)] = {0};

	(void)state;
	for (size_t i = 0; rt_policies[i]; i++)
		whatever_happens(rt_policies[i]->name, seed + i, sums);
	/* All of it has happened, and more than once. */
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		if (sums[i] < 5)
			fail_msg("%s: %g", figures[i], sums[i]);
	if (more)
		for (size_t i = 0; i < ARRAY_LEN(figures); i++)
			print_message("%s: %g\n", figures[i], sums[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_every_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
