/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers: which one is chosen, what they hold, whether they are well. */
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
#include "rt/worker.h"

#define SLOTS "\"kinds\":[\"llm\"],\"capacity\":{\"endpoint_slots\":4}"

struct world {
	struct rt_workers w;
	struct rt_task t;
	enum rt_refusal why;
	double when;
};

static int begin(void **state)
{
	struct world *x = mem_zalloc(1, sizeof(*x));

	rt_request_init(&x->t.q);
	x->t.q.kind = RT_LLM;
	x->t.q.need.v[RES_SLOTS] = 1;
	*state = x;
	return 0;
}

static int end(void **state)
{
	struct world *x = *state;

	rt_workers_release(&x->w);
	rt_request_release(&x->t.q);
	free(x);
	return 0;
}

static int read_spec(const char *text, struct rt_worker_spec *s)
{
	struct json *v = json_parse(text, strlen(text));
	int rc;

	assert_non_null(v);
	rc = rt_worker_spec_read(v, s);
	json_free(v);
	return rc;
}

/* NAME and the rest of its fields. */
static struct rt_worker *add(struct world *x, const char *name,
			     const char *fields)
{
	char *text = mem_printf("{\"name\":\"%s\",%s}", name, fields);
	struct rt_worker_spec s;
	struct rt_worker *w;

	assert_int_equal(read_spec(text, &s), 0);
	assert_int_equal(rt_workers_add(&x->w, &s, 0, 0, &w), 0);
	rt_worker_spec_release(&s);
	free(text);
	return w;
}

static struct rt_worker *choose(struct world *x, double now)
{
	return rt_workers_choose(&x->w, &x->t, RT_FIT_SCORE, NULL, now, &x->why,
				 &x->when);
}

static void set(char **field, const char *s)
{
	free(*field);
	*field = mem_strdup(s);
}

static const struct rt_limits_told nothing = {-1, -1, -1, -1, -1,
					      -1, -1, -1, -1};

static void learn(struct rt_worker *w, const struct world *x, int error,
		  double now)
{
	struct rt_outcome o = {.error = error, .limits = nothing};

	rt_worker_learn(w, &x->t, &o, now);
}

/* ---- specifications ---------------------------------------------------- */

static void spec_reads_back(void **state)
{
	const char *text =
		"{\"beat_s\":2.5,\"can\":[\"a\",\"b\"],"
		"\"capacity\":{\"cores\":1.5,\"tokens\":9},"
		"\"kinds\":[\"llm\",\"guest\"],\"name\":\"x\",\"order\":-3,"
		"\"requests_min\":60,\"restart_s\":0.25,"
		"\"tokens_in_min\":1000,\"tokens_out_min\":2000}";
	struct rt_worker_spec s;
	struct json *v;
	char *again;

	(void)state;
	assert_int_equal(read_spec(text, &s), 0);
	v = rt_worker_spec_json(&s);
	again = json_canonical(v);
	assert_string_equal(again, text);
	json_free(v);
	free(again);
	rt_worker_spec_release(&s);
}

static void bad_specs_are_refused(void **state)
{
	const struct {
		const char *text, *says;
	} bad[] = {
		{"[]", "object"},
		{"{" SLOTS "}", "name"},
		{"{\"name\":\"\"," SLOTS "}", "name"},
		{"{\"name\":\"x\"}", "kinds"},
		{"{\"name\":\"x\",\"kinds\":[]}", "kinds"},
		{"{\"name\":\"x\",\"kinds\":\"llm\"}", "kinds"},
		{"{\"name\":\"x\",\"can\":[1]," SLOTS "}", "can"},
		{"{\"name\":\"x\",\"can\":\"y\"," SLOTS "}", "can"},
		{"{\"name\":\"x\",\"order\":0.5," SLOTS "}", "order"},
		{"{\"name\":\"x\",\"beat_s\":-1," SLOTS "}", "beat_s"},
		{"{\"name\":\"x\",\"beat_s\":\"1\"," SLOTS "}", "beat_s"},
		{"{\"name\":\"x\",\"requests_min\":1e300," SLOTS "}",
		 "requests_min"},
		{"{\"name\":\"x\",\"speed\":1," SLOTS "}", "speed"},
		{"{\"name\":\"x\",\"kinds\":[\"llm\"],"
		 "\"capacity\":{\"cores\":-1}}",
		 "capacity"},
		{"7", "object"},
		{"{\"name\":7," SLOTS "}", "name"},
		{"{\"name\":\"x\",\"kinds\":[\"llm\",\"disk\"]}", "disk"},
		{"{\"name\":\"x\",\"kinds\":[null]}", "kinds"},
		{"{\"name\":\"x\",\"can\":[\"a\",\"\"]," SLOTS "}", "can"},
		{"{\"name\":\"x\",\"order\":2e6," SLOTS "}", "order"},
		{"{\"name\":\"x\",\"order\":\"1\"," SLOTS "}", "order"},
		{"{\"name\":\"x\",\"restart_s\":1e13," SLOTS "}", "restart_s"},
		{"{\"name\":\"x\",\"kinds\":[\"llm\"],\"capacity\":4}",
		 "capacity"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rt_worker_spec s;

		assert_int_equal(read_spec(bad[i].text, &s), -EINVAL);
		assert_non_null(strstr(err_text(), bad[i].says));
		/* Nothing is left of it. */
		assert_null(s.name);
		rt_worker_spec_release(&s);
	}
}

/* Names of 128 bytes, 64 capabilities, and not one more. */
static void specs_have_their_most(void **state)
{
	char name[RT_NAME_MAX + 2] = {0};
	struct rt_worker_spec s;

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		int want = over ? -EINVAL : 0;
		struct json *v = json_object(), *list;

		memset(name, 'n', RT_NAME_MAX + over);
		json_set_string(v, "name", name);
		list = json_set(v, "kinds", json_array());
		json_add(list, json_string("sim"));
		assert_int_equal(rt_worker_spec_read(v, &s), want);
		rt_worker_spec_release(&s);
		json_set_string(v, "name", "x");
		list = json_set(v, "can", json_array());
		json_add(list, json_string(name));
		assert_int_equal(rt_worker_spec_read(v, &s), want);
		rt_worker_spec_release(&s);
		list = json_set(v, "can", json_array());
		for (size_t i = 0; i < 64 + over; i++)
			json_add(list, json_string("c"));
		assert_int_equal(rt_worker_spec_read(v, &s), want);
		rt_worker_spec_release(&s);
		json_free(v);
	}
}

static void names_are_unique(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS), *other;

	assert_int_equal(rt_workers_add(&x->w, &a->spec, 0, 0, &other),
			 -EEXIST);
	assert_ptr_equal(rt_workers_find(&x->w, "a"), a);
	assert_null(rt_workers_find(&x->w, "b"));
	rt_workers_remove(&x->w, a);
	assert_null(rt_workers_find(&x->w, "a"));
	assert_true(vec_zero(&x->w.most));
}

/* ---- whether it ever can ----------------------------------------------- */

static void infeasible(struct world *x, int error, const char *says)
{
	assert_int_equal(rt_workers_feasible(&x->w, &x->t.q), error);
	if (!strstr(err_text(), says))
		print_error("'%s' does not say '%s'\n", err_text(), says);
	assert_non_null(strstr(err_text(), says));
}

static void infeasible_names_what_is_at_fault(void **state)
{
	struct world *x = *state;
	char *both[] = {(char *)"big", (char *)"fast", NULL};
	char *none[] = {(char *)"odd", NULL};
	struct vec *need = &x->t.q.need;

	infeasible(x, -ENODEV, "kind 'llm'");
	add(x, "a", SLOTS ",\"can\":[\"big\"]");
	add(x, "b",
	    "\"kinds\":[\"llm\",\"guest\"],\"can\":[\"fast\"],\"capacity\":"
	    "{\"endpoint_slots\":1,\"cores\":2.5,\"guest_slots\":1}");
	assert_int_equal(rt_workers_feasible(&x->w, &x->t.q), 0);
	need->v[RES_SLOTS] = 5;
	infeasible(x, -ERANGE,
		   "endpoint_slots: 5 wanted, the most any worker has is 4 "
		   "('a')");
	need->v[RES_SLOTS] = 2;
	need->v[RES_CORES] = 3500;
	infeasible(x, -ERANGE,
		   "cores: 3.5 wanted, the most any worker has is 2.5 ('b')");
	need->v[RES_CORES] = 1000;
	infeasible(x, -ERANGE, "together");
	x->t.q.wants = none;
	infeasible(x, -ENODEV, "'odd'");
	x->t.q.wants = both;
	infeasible(x, -ENODEV, "no single worker");
	x->t.q.wants = NULL;
	set(&x->t.q.worker, "c");
	infeasible(x, -ENODEV, "'c'");
	set(&x->t.q.worker, "");
	*need = (struct vec){0};
	x->t.q.most.v[RES_SLOTS] = 9;
	infeasible(x, -ERANGE, "endpoint_slots: 9 wanted");
	x->t.q.kind = RT_TOOL;
	infeasible(x, -ENODEV, "kind 'tool'");
}

/* ---- choice ------------------------------------------------------------ */

static void load_is_spread(void **state)
{
	struct world *x = *state;
	struct rt_lease lease[8] = {0};
	struct rt_balance b;

	add(x, "a", SLOTS);
	add(x, "b", SLOTS);
	for (int i = 0; i < 8; i++) {
		struct rt_worker *w = choose(x, 0);

		assert_non_null(w);
		rt_worker_take(w, &x->t, 0, &lease[i]);
		rt_workers_balance(&x->w, RT_LLM, &b);
		assert_int_equal(b.workers, 2);
		if (i % 2)
			assert_true(b.gini == 0 && b.jain == 1);
		else
			assert_true(b.gini > 0 && b.jain < 1);
	}
	assert_null(choose(x, 0));
	assert_true(x->why == RT_FULL && x->when == INFINITY);
	for (int i = 0; i < 8; i++)
		rt_worker_give(lease[i].worker, &lease[i], NULL, 0);
	for (size_t i = 0; i < 2; i++)
		assert_true(vec_zero(&x->w.v[i]->used) && !x->w.v[i]->running);
}

static void unable_ones_are_left_out(void **state)
{
	struct world *x = *state;
	char *wants[] = {(char *)"big", NULL};
	struct rt_worker *a = add(x, "a", SLOTS),
			 *b = add(x, "b", SLOTS ",\"can\":[\"x\",\"big\"]"),
			 *c = add(x, "c",
				  "\"kinds\":[\"tool\"],\"can\":[\"big\"],"
				  "\"capacity\":{\"endpoint_slots\":9}");

	assert_ptr_equal(choose(x, 0), a);
	x->t.q.wants = wants;
	assert_ptr_equal(choose(x, 0), b);
	x->t.q.kind = RT_TOOL;
	assert_ptr_equal(choose(x, 0), c);
	x->t.q.wants = NULL;
	x->t.q.kind = RT_LLM;
	set(&x->t.q.worker, "b");
	assert_ptr_equal(choose(x, 0), b);
	set(&x->t.q.worker, "");
	assert_ptr_equal(rt_workers_choose(&x->w, &x->t, RT_FIT_SCORE, a, 0,
					   &x->why, &x->when),
			 b);
	a->draining = true;
	assert_ptr_equal(choose(x, 0), b);
	b->health = RT_SUSPECT;
	assert_null(choose(x, 0));
	assert_int_equal(x->why, RT_GONE);
}

static void fallback_is_in_order(void **state)
{
	struct world *x = *state;
	struct rt_worker *second = add(x, "second", SLOTS ",\"order\":1"),
			 *first = add(x, "first",
				      "\"kinds\":[\"llm\"],\"capacity\":"
				      "{\"endpoint_slots\":1}"),
			 *third = add(x, "third", SLOTS ",\"order\":2");
	struct rt_lease lease = {0};

	assert_ptr_equal(choose(x, 0), first);
	rt_worker_take(first, &x->t, 0, &lease);
	assert_ptr_equal(choose(x, 0), second);
	rt_limit_block(&second->limit, 10);
	assert_ptr_equal(choose(x, 0), third);
	third->health = RT_DOWN;
	assert_null(choose(x, 0));
	assert_true(x->why == RT_LIMITED && x->when == 10);
	assert_ptr_equal(choose(x, 10), second);
	rt_worker_give(first, &lease, NULL, 0);
	assert_ptr_equal(choose(x, 10), first);
}

static void fits_are_those_of_the_seed(void **state)
{
	struct world *x = *state;
	const char *cores = "\"kinds\":[\"llm\"],\"capacity\":{\"cores\":%d}";
	const int n[] = {2, 8, 4};
	struct rt_worker *w[3];

	for (size_t i = 0; i < 3; i++) {
		char *fields = mem_printf(cores, n[i]);

		w[i] = add(x, (const char *[]){"a", "b", "c"}[i], fields);
		free(fields);
	}
	x->t.q.need = (struct vec){{[RES_CORES] = 3000}};
	assert_ptr_equal(rt_workers_choose(&x->w, &x->t, RT_FIT_FIRST, NULL, 0,
					   &x->why, &x->when),
			 w[1]);
	assert_ptr_equal(rt_workers_choose(&x->w, &x->t, RT_FIT_BEST, NULL, 0,
					   &x->why, &x->when),
			 w[2]);
	assert_ptr_equal(choose(x, 0), w[1]);
}

static void exclusive_means_one_at_a_time(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS);
	struct rt_lease lease = {0};

	x->w.exclusive = true;
	rt_worker_take(a, &x->t, 0, &lease);
	assert_null(choose(x, 0));
	assert_int_equal(x->why, RT_FULL);
	rt_worker_give(a, &lease, NULL, 0);
	assert_ptr_equal(choose(x, 0), a);
}

/* One more of four slots is a quarter: as much as a prefix is worth. */
static void prefix_is_kept_until_load_outweighs_it(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a",
				  "\"kinds\":[\"llm\"],\"capacity\":"
				  "{\"endpoint_slots\":16}");
	struct rt_worker *b = add(x, "b",
				  "\"kinds\":[\"llm\"],\"capacity\":"
				  "{\"endpoint_slots\":16}");
	struct rt_lease lease[16] = {0};
	int kept = 0;

	set(&x->t.q.prefix, "d1");
	learn(b, x, 0, 0);
	while (choose(x, 1) == b)
		rt_worker_take(b, &x->t, 1, &lease[kept++]);
	assert_ptr_equal(choose(x, 1), a);
	assert_in_range(kept, 3, 5);
	rt_worker_give(b, &lease[0], NULL, 1);
	assert_ptr_equal(choose(x, 1), b);
	/* The vendor forgets it, too. */
	assert_ptr_equal(choose(x, 1000), a);
	/* What failed did not leave a prefix there. */
	set(&x->t.q.prefix, "d2");
	learn(b, x, -EINVAL, 1000);
	rt_worker_give(b, &lease[1], NULL, 1);
	rt_worker_give(b, &lease[2], NULL, 1);
	assert_ptr_equal(choose(x, 1000), a);
}

static void latest_prefixes_are_kept(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS), *b = add(x, "b", SLOTS);
	char name[20];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "digest %d", i);
		set(&x->t.q.prefix, name);
		learn(b, x, 0, i);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "digest %d", i);
		set(&x->t.q.prefix, name);
		assert_ptr_equal(choose(x, 100), i < 68 ? a : b);
	}
}

static void recent_failures_count_and_decay(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS), *b = add(x, "b", SLOTS);

	learn(a, x, -EIO, 0);
	assert_ptr_equal(choose(x, 0), b);
	/* A quarter more of load is not worth it any more after a while. */
	rt_worker_take(b, &x->t, 0, &x->t.lease);
	learn(a, x, -EIO, 1);
	learn(a, x, -EIO, 2);
	assert_ptr_equal(choose(x, 2), b);
	assert_ptr_equal(choose(x, 300), a);
	assert_int_equal(a->failed, 3);
	/* Nor does the asker's own fault count at all. */
	rt_worker_give(b, &x->t.lease, NULL, 300);
	for (int i = 0; i < 100; i++)
		learn(a, x, -EINVAL, 5000);
	assert_ptr_equal(choose(x, 5000), a);
}

/* Against a choice by looking at all of them. */
static void choice_is_the_best_by_chance(void **state)
{
	struct world *x = *state;
	struct rt_lease lease[500] = {0};
	struct rng rng;
	char name[20];

	rng_init(&rng, 1);
	for (int i = 0; i < 40; i++) {
		char *fields = mem_printf(
			"\"kinds\":[\"llm\"],\"order\":%d,\"capacity\":{"
			"\"endpoint_slots\":%d}",
			(int)rng_below(&rng, 3), 1 + (int)rng_below(&rng, 8));

		snprintf(name, sizeof(name), "w%d", i);
		add(x, name, fields);
		free(fields);
	}
	for (int i = 0; i < 20000; i++) {
		struct rt_lease *l = &lease[rng_below(&rng, 500)];
		struct rt_worker *w, *best = NULL;
		double least = INFINITY;

		if (l->id) {
			rt_worker_give(l->worker, l, NULL, i);
			l->id = 0;
			continue;
		}
		for (size_t k = 0; k < x->w.count; k++) {
			struct rt_worker *c = x->w.v[k];
			double share = (double)(c->used.v[RES_SLOTS] + 1) /
				       (double)c->spec.capacity.v[RES_SLOTS];
			double s = (double)c->spec.order * 10 + share;

			if (share <= 1 && s < least - 1e-9) {
				least = s;
				best = c;
			}
		}
		w = choose(x, i);
		assert_ptr_equal(w, best);
		if (w) {
			rt_worker_take(w, &x->t, i, l);
			l->id = 1;
		}
	}
}

/* ---- leases ------------------------------------------------------------ */

static void leases_give_back_what_they_hold(void **state)
{
	struct world *x = *state;
	struct rt_worker *a =
		add(x, "a",
		    "\"kinds\":[\"llm\"],\"capacity\":{\"cores\":4},"
		    "\"tokens_in_min\":100,\"tokens_out_min\":100,"
		    "\"requests_min\":10");
	struct rt_usage used = {.tokens_in = 30, .tokens_out = 10};
	struct vec more = {{[RES_CORES] = 500}};
	struct rt_lease lease = {.id = 7};

	x->t.q.need = (struct vec){{[RES_CORES] = 1000}};
	x->t.q.tokens_in = 40;
	x->t.q.tokens_out = 50;
	rt_worker_take(a, &x->t, 0, &lease);
	assert_int_equal(lease.id, 7);
	assert_ptr_equal(lease.worker, a);
	rt_worker_grow(a, &lease, &more, 10);
	assert_int_equal(a->used.v[RES_CORES], 1500);
	rt_worker_give(a, &lease, &used, 20);
	assert_true(vec_zero(&a->used) && vec_zero(&lease.held));
	assert_int_equal(a->running, 0);
	/* A quarter for ten seconds, and three eighths for ten. */
	assert_true(fabs(a->busy_s - 6.25) < 1e-9);
	assert_true(a->limit.in.reserved == 0 && a->limit.out.reserved == 0);
	/* 40 taken, 10 given back: full again after 20 s. */
	assert_true(fabs(a->limit.in.level - 100) < 1e-9);
	assert_true(fabs(a->limit.out.level - 100) < 1e-9);
	assert_true(fabs(a->limit.requests.level - 10) < 1e-9);
}

static void limits_say_when(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS ",\"requests_min\":2"),
			 *b = add(x, "b", SLOTS ",\"requests_min\":1");
	struct rt_usage used = {0};

	for (int i = 0; i < 3; i++) {
		struct rt_worker *w = choose(x, 0);

		assert_non_null(w);
		rt_worker_take(w, &x->t, 0, &x->t.lease);
		rt_worker_give(w, &x->t.lease, &used, 0);
	}
	assert_null(choose(x, 0));
	assert_int_equal(x->why, RT_LIMITED);
	assert_true(fabs(x->when - 30) < 1e-6);
	assert_ptr_equal(choose(x, x->when), a);
	assert_ptr_equal(choose(x, 60), a);
	rt_limit_block(&a->limit, 100);
	assert_ptr_equal(choose(x, 60.001), b);
}

/* ---- faults ------------------------------------------------------------ */

static void breaker_tries_once_and_never_wedges(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS);
	struct rt_lease trial = {0}, moved;
	double now;

	for (int i = 0; i < 3; i++)
		learn(a, x, -ECONNREFUSED, 0);
	assert_null(choose(x, 0));
	assert_int_equal(x->why, RT_BROKEN);
	assert_true(isfinite(x->when));
	now = x->when;
	assert_ptr_equal(choose(x, now), a);
	rt_worker_take(a, &x->t, now, &trial);
	assert_null(choose(x, now + 1e6));
	assert_true(x->why == RT_BROKEN && x->when == INFINITY);
	/* A lease that stands elsewhere by now is still the same. */
	moved = trial;
	rt_worker_give(a, &moved, NULL, now);
	assert_ptr_equal(choose(x, now), a);
	rt_worker_take(a, &x->t, now, &trial);
	learn(a, x, 0, now);
	rt_worker_give(a, &trial, NULL, now);
	assert_int_equal(rt_breaker_worst(&a->breaker, now), RT_CLOSED);
	/* Give first and tell then does the same. */
	for (int i = 0; i < 3; i++)
		learn(a, x, -ECONNREFUSED, now);
	assert_null(choose(x, now));
	now = x->when;
	rt_worker_take(a, &x->t, now, &trial);
	rt_worker_give(a, &trial, NULL, now);
	learn(a, x, -ECONNREFUSED, now);
	assert_null(choose(x, now));
	assert_true(fabs(x->when - now - 2) < 1e-6);
}

static void what_was_not_tried_says_nothing(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS);
	const int errors[] = {-ECANCELED, -EINTR, -EDQUOT, -ENODATA};

	for (int i = 0; i < 100; i++)
		learn(a, x, errors[i % 4], 0);
	assert_int_equal(a->failed, 0);
	assert_ptr_equal(choose(x, 0), a);
}

/* A program that cannot be started is no fault of the machine. */
static void host_has_no_breaker(void **state)
{
	struct world *x = *state;
	struct rt_worker *a =
		add(x, "host",
		    "\"kinds\":[\"tool\"],\"capacity\":{\"endpoint_slots\":1}");

	x->t.q.kind = RT_TOOL;
	for (int i = 0; i < 100; i++) {
		learn(a, x, -EACCES, 0);
		learn(a, x, -ETIMEDOUT, 0);
		learn(a, x, -EIO, 0);
	}
	assert_ptr_equal(choose(x, 0), a);
	assert_int_equal(a->failed, 300);
	/* One that others serve may break; who is denied something may not
	 * break it. */
	a->holder = 5;
	for (int i = 0; i < 100; i++)
		learn(a, x, -EACCES, 0);
	assert_ptr_equal(choose(x, 0), a);
	for (int i = 0; i < 3; i++)
		learn(a, x, -EPIPE, 0);
	assert_null(choose(x, 0));
}

static void retry_after_blocks(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS);
	struct rt_outcome o = {
		.error = -EAGAIN, .after_s = 12, .limits = nothing};

	rt_worker_learn(a, &x->t, &o, 100);
	assert_null(choose(x, 100));
	assert_true(x->why == RT_LIMITED && x->when == 112);
	assert_ptr_equal(choose(x, 112), a);
	/* That is what limits are for: it takes many to break it. */
	for (int i = 0; i < 5; i++)
		rt_worker_learn(a, &x->t, &o, 100);
	assert_ptr_equal(choose(x, 112), a);
	o.after_s = INFINITY;
	rt_worker_learn(a, &x->t, &o, 200);
	assert_null(choose(x, 200));
	assert_true(isfinite(x->when));
}

/* ---- health ------------------------------------------------------------ */

static void silence_makes_suspect_and_then_down(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS ",\"beat_s\":5");
	double next;

	assert_false(rt_worker_check(a, 9.9, &next));
	assert_true(a->health == RT_UP && next == 10);
	assert_true(rt_worker_check(a, next, &next));
	assert_true(a->health == RT_SUSPECT && next == 20);
	rt_worker_heard(a, 12);
	assert_true(rt_worker_check(a, 12, &next));
	assert_true(a->health == RT_UP && next == 22);
	assert_true(rt_worker_check(a, 100, &next));
	assert_true(a->health == RT_DOWN && next == INFINITY);
	assert_false(rt_worker_check(a, 101, &next));
	rt_worker_heard(a, 102);
	assert_true(rt_worker_check(a, 102, &next));
	assert_int_equal(a->health, RT_UP);
	/* One whose holder went is not up for having been heard just now. */
	a->health = RT_DOWN;
	assert_false(rt_worker_check(a, 103, &next));
	assert_true(a->health == RT_DOWN && next == INFINITY);
	for (int h = RT_UP; h <= RT_DOWN; h++)
		assert_true(*rt_health_name((enum rt_health)h));
}

static void who_never_beats_is_never_missed(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS);
	double next;

	assert_false(rt_worker_check(a, 1e9, &next));
	assert_true(a->health == RT_UP && next == INFINITY);
}

/* Looked at when it says, it is never to be looked at again at once. */
static void check_never_spins(void **state)
{
	struct world *x = *state;
	struct rt_worker *a = add(x, "a", SLOTS ",\"beat_s\":0.1");
	struct rng rng;
	double now = 0, next;

	rng_init(&rng, 2);
	for (int i = 0; i < 10000; i++) {
		now += rng_unit(&rng) * 1e5;
		rt_worker_heard(a, now);
		for (int n = 0; n < 4; n++) {
			rt_worker_check(a, now, &next);
			assert_true(next > now);
			if (next == INFINITY)
				break;
			now = next;
		}
		assert_int_equal(a->health, RT_DOWN);
	}
}

/* ---- balance ----------------------------------------------------------- */

static void indices_are_those_of_their_definitions(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 9);
	for (int run = 0; run < 500; run++) {
		size_t n = 1 + rng_below(&rng, 60);
		double x[60], sum = 0, apart = 0, squares = 0;

		for (size_t i = 0; i < n; i++) {
			x[i] = rng_below(&rng, 3) ? rng_unit(&rng) : 0;
			sum += x[i];
			squares += x[i] * x[i];
		}
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				apart += fabs(x[i] - x[j]);
		if (sum == 0) {
			assert_true(rt_gini(x, n) == 0 && rt_jain(x, n) == 1);
			continue;
		}
		assert_true(fabs(rt_gini(x, n) -
				 apart / (2 * (double)n * sum)) < 1e-9);
		assert_true(fabs(rt_jain(x, n) -
				 sum * sum / ((double)n * squares)) < 1e-9);
	}
	assert_true(rt_gini(NULL, 0) == 0 && rt_jain(NULL, 0) == 1);
}

#define FRESH(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spec_reads_back),
		cmocka_unit_test(bad_specs_are_refused),
		cmocka_unit_test(specs_have_their_most),
		FRESH(names_are_unique),
		FRESH(infeasible_names_what_is_at_fault),
		FRESH(load_is_spread),
		FRESH(unable_ones_are_left_out),
		FRESH(fallback_is_in_order),
		FRESH(fits_are_those_of_the_seed),
		FRESH(exclusive_means_one_at_a_time),
		FRESH(prefix_is_kept_until_load_outweighs_it),
		FRESH(latest_prefixes_are_kept),
		FRESH(recent_failures_count_and_decay),
		FRESH(choice_is_the_best_by_chance),
		FRESH(leases_give_back_what_they_hold),
		FRESH(limits_say_when),
		FRESH(breaker_tries_once_and_never_wedges),
		FRESH(what_was_not_tried_says_nothing),
		FRESH(host_has_no_breaker),
		FRESH(retry_after_blocks),
		FRESH(silence_makes_suspect_and_then_down),
		FRESH(who_never_beats_is_never_missed),
		FRESH(check_never_spins),
		cmocka_unit_test(indices_are_those_of_their_definitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
