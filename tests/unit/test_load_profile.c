/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads from profiles: totals, distributions, who wakes and starts whom. */
#include <errno.h>
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
#include "sim/load.h"
#include "sim/load_profile.h"
#include "sim/load_spread.h"
#include "stats/hist.h"

static struct json *group(const char *name, double tasks, const struct hist *b,
			  const struct hist *s)
{
	struct json *g = json_object();

	json_set_string(g, "name", name);
	json_set_number(g, "tasks", tasks);
	json_set_number(g, "run_us", (double)b->sum / 1000);
	json_set_number(g, "wait_us", 0);
	json_set_number(g, "wakeups", (double)s->count);
	json_set_number(g, "weight", 1024);
	json_set(g, "burst_us", hist_json(b));
	json_set(g, "delay_us", hist_json(s));
	json_set(g, "sleep_us", hist_json(s));
	json_set(g, "wakers", json_array());
	return g;
}

static void woken_by(struct json *g, const char *by, double count)
{
	struct json *list = json_copy(json_get(g, "wakers")), *w;

	w = json_add(list, json_object());
	json_set_string(w, "group", by);
	json_set_number(w, "count", count);
	json_set(g, "wakers", list);
}

static struct json *body(const char *scope, const char *goal, double seconds)
{
	struct json *v = json_object(), *system;

	json_set_string(v, "scope", scope);
	json_set_string(v, "goal", goal);
	json_set_number(v, "duration_us", 1e6 * seconds);
	system = json_set(v, "system", json_object());
	json_set_number(system, "cpus", 2);
	json_set(v, "groups", json_array());
	json_set(v, "identities", json_array());
	return v;
}

static void has(struct json *v, const char *list, struct json *item)
{
	struct json *all = json_copy(json_get(v, list));

	json_add(all, item);
	json_set(v, list, all);
}

static struct json *identity(const char *name, const char *hash, double execs,
			     double run_us)
{
	struct json *v = json_object();

	json_set_string(v, "name", name);
	json_set_string(v, "hash", hash);
	json_set_number(v, "execs", execs);
	json_set_number(v, "run_us", run_us);
	json_set_number(v, "max_us", run_us / execs);
	return v;
}

static struct load *model(struct json *v)
{
	struct load *l;

	if (load_from_profile(v, &l))
		fail_msg("%s", err_text());
	assert_int_equal(load_check(l), 0);
	json_free(v);
	return l;
}

/* The work of one pass through a program, loops and forks followed. */
static double work_of(const struct load *l, uint32_t t)
{
	const struct load_task *task = &l->tasks[t];
	double sum[4096] = {0}, all = 0;

	assert_true(task->op_count < 4096);
	for (size_t i = 0; i < task->op_count; i++) {
		const struct load_op *op = &task->ops[i];

		if (op->what == LOAD_RUN)
			sum[i] = op->dist.table ? spread_table_mean(&op->dist)
						: (double)op->dist.ns;
		else if (op->what == LOAD_FORK)
			sum[i] = work_of(l, op->obj);
		for (size_t j = op->obj;
		     op->what == LOAD_LOOP && op->n && j < i; j++)
			sum[j] *= op->n;
	}
	for (size_t i = 0; i < task->op_count; i++)
		all += sum[i];
	return all;
}

static const struct load_op *first(const struct load_task *t,
				   enum load_what what)
{
	for (size_t i = 0; i < t->op_count; i++) {
		if (t->ops[i].what == what)
			return &t->ops[i];
	}
	return NULL;
}

static void fill(struct hist *h, unsigned n, double low, double high,
		 uint64_t seed)
{
	struct rng r;

	rng_init(&r, seed);
	for (unsigned i = 0; i < n; i++)
		hist_add(h, (uint64_t)(low * pow(high / low, rng_unit(&r))));
}

static void distributions_are_kept(void **state)
{
	struct hist b = {0}, s = {0};
	struct json *v = body("all", "latency", 10), *g;
	const struct load_op *run, *sleep;
	struct load *l;

	(void)state;
	fill(&b, 5000, 1e5, 1e7, 1);
	fill(&s, 5000, 1e6, 5e6, 2);
	g = group("server", 4, &b, &s);
	woken_by(g, "(interrupt)", 5000);
	has(v, "groups", g);
	l = model(v);
	assert_int_equal(l->task_count, 1);
	assert_int_equal(l->tasks[0].instances, 4);
	assert_int_equal(l->duration_ns, 10000000000ull);
	run = first(&l->tasks[0], LOAD_RUN);
	sleep = first(&l->tasks[0], LOAD_SLEEP);
	/* 5000 bursts of that mean are the recorded run time. */
	assert_true(fabs(spread_table_mean(&run->dist) * 5000 / (double)b.sum -
			 1) < 0.01);
	for (double q = 0.1; q < 0.95; q += 0.1) {
		assert_true(fabs((double)load_draw(&run->dist, q) /
					 (double)hist_quantile(&b, q) -
				 1) < 0.05);
		assert_true(fabs((double)load_draw(&sleep->dist, q) /
					 (double)hist_quantile(&s, q) -
				 1) < 0.05);
	}
	load_free(l);
}

static void jobs_do_the_work_recorded(void **state)
{
	struct hist b = {0}, s = {0}, root = {0};
	struct json *v = body("command", "makespan", 16), *g;
	double all = 0;
	struct load *l;

	(void)state;
	fill(&b, 53, 1e5, 2e9, 3);
	fill(&root, 56, 1e5, 5e7, 4);
	fill(&s, 40, 1e6, 4e7, 5);
	g = group("burn", 10, &b, &s);
	woken_by(g, "(other)", 43);
	has(v, "groups", g);
	g = group("longtail", 11, &root, &s);
	json_set_number(g, "forks", 10);
	has(v, "groups", g);
	for (int i = 0; i < 10; i++) {
		char hash[17] = "00000000000000a0";

		hash[15] = (char)('0' + i);
		has(v, "identities",
		    identity("burn", hash, 1,
			     (double)b.sum / 1000 * (i ? 0.05 : 0.55)));
	}
	l = model(v);
	assert_int_equal(l->task_count, 11);
	assert_int_equal(l->duration_ns, 0);
	for (uint32_t i = 0; i < l->task_count; i++)
		all += l->tasks[i].instances * work_of(l, i);
	assert_true(fabs(all / (double)(b.sum + root.sum) - 1) < 0.001);
	/* The long one knows what it is. */
	assert_int_equal(first(&l->tasks[0], LOAD_EXEC)->id, 0xa0);
	assert_true(fabs(work_of(l, 0) / (double)b.sum - 0.55) < 0.001);
	assert_int_equal(json_len(l->identities), 10);
	load_free(l);
}

static void many_jobs_start_as_others_end(void **state)
{
	struct hist b = {0}, s = {0}, root = {0};
	struct json *v = body("command", "makespan", 20), *g;
	struct load *l;

	(void)state;
	fill(&b, 1000, 7e7, 9e7, 3);
	fill(&root, 300, 1e5, 1e6, 4);
	g = group("cc1", 500, &b, &s);
	has(v, "groups", g);
	g = group("make", 1, &root, &s);
	json_set_number(g, "forks", 500);
	has(v, "groups", g);
	has(v, "identities",
	    identity("cc1", "00000000000000a1", 500, (double)b.sum / 1000));
	l = model(v);
	assert_int_equal(l->sems[first(&l->tasks[1], LOAD_WAIT)->obj].initial,
			 ceil((double)b.sum / 20e9));
	assert_true(fabs(work_of(l, 1) / (double)(b.sum + root.sum) - 1) <
		    0.001);
	load_free(l);
}

/* Two of one kind wake each other: the right to run is handed on. */
static void turns_are_handed_over(void **state)
{
	struct hist a = {0}, b = {0}, s = {0};
	struct json *v = body("all", "latency", 10), *g;
	struct load *l;

	(void)state;
	fill(&a, 1000, 9e6, 1e7, 1);
	fill(&b, 1000, 1e6, 2e6, 1);
	fill(&s, 1000, 1e6, 2e6, 1);
	g = group("client", 3, &a, &s);
	woken_by(g, "server", 1000);
	has(v, "groups", g);
	g = group("server", 2, &b, &s);
	woken_by(g, "client", 1000);
	has(v, "groups", g);
	l = model(v);
	/* One client is active, all others wait for it. */
	assert_string_equal(l->tasks[0].name, "client");
	assert_int_equal(l->tasks[0].instances, 1);
	assert_int_equal(l->tasks[1].instances, 2);
	assert_int_equal(l->tasks[1].ops[0].what, LOAD_WAIT);
	assert_int_equal(l->tasks[2].instances, 2);
	assert_int_equal(l->tasks[2].ops[0].what, LOAD_WAIT);
	assert_int_equal(first(&l->tasks[0], LOAD_POST)->obj,
			 l->tasks[2].ops[0].obj);
	load_free(l);
}

static void holders_of_locks_have_locks(void **state)
{
	struct hist b = {0}, s = {0};
	struct json *v = body("command", "throughput", 5), *g;
	const struct load_op *lock;
	struct load *l;

	(void)state;
	fill(&b, 1000, 1e4, 1e5, 1);
	fill(&b, 300, 2e7, 8e7, 2);
	fill(&s, 1000, 1e6, 2e6, 1);
	g = group("requests", 9, &b, &s);
	json_set_number(g, "preempted_holder_wakes", 400);
	woken_by(g, "(interrupt)", 600);
	has(v, "groups", g);
	l = model(v);
	lock = first(&l->tasks[0], LOAD_LOCK);
	assert_non_null(lock);
	assert_int_equal(lock->obj2, 2);
	assert_int_equal(l->lock_count, 2);
	assert_true(lock[1].dist.table[0] > 100000);
	assert_true(lock[1].dist.table[64] < 50000000);
	load_free(l);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *body, *says;
	} rows[] = {
		{"{}", "no duration_us"},
		{"{\"duration_us\":5}", "no groups"},
		{"{\"duration_us\":5,\"groups\":[]}", "nothing ran"},
		{"{\"duration_us\":5,\"groups\":[{\"name\":\"x\",\"run_us\":5,"
		 "\"burst_us\":{\"buckets\":[7]}}]}",
		 "group 'x': a bucket is not a pair"},
		{"{\"duration_us\":5,\"groups\":[{\"name\":\"x\",\"run_us\":5,"
		 "\"burst_us\":7}]}",
		 "without buckets"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = json_parse(rows[i].body, strlen(rows[i].body));
		struct load *l;

		assert_int_equal(load_from_profile(v, &l), -EINVAL);
		assert_non_null(strstr(err_text(), rows[i].says));
		json_free(v);
	}
}

/* From /proc there are no bursts. */
static void run_time_alone_is_enough(void **state)
{
	struct hist none = {0};
	struct json *v = body("all", "latency", 10), *g;
	struct load *l;

	(void)state;
	g = group("half", 1, &none, &none);
	json_set_number(g, "run_us", 5e6);
	json_remove(g, "sleep_us");
	has(v, "groups", g);
	l = model(v);
	assert_int_equal(first(&l->tasks[0], LOAD_RUN)->dist.ns,
			 first(&l->tasks[0], LOAD_SLEEP)->dist.ns);
	load_free(l);
}

/* ---- what is read off a document, before anything is made of it --------- */

static struct profile *sorted_out(struct json *v)
{
	struct profile *p = mem_zalloc(1, sizeof(*p));

	p->l = load_new("p");
	if (profile_read(p, v))
		fail_msg("%s", err_text());
	return p;
}

static void forget(struct profile *p, struct json *v)
{
	load_free(p->l);
	free(p);
	json_free(v);
}

/* So many bursts of 1 ms, so many sleeps of 1 ms; seconds observed: 10. */
static struct json *plain(const char *name, unsigned bursts, unsigned sleeps)
{
	struct hist b = {0}, s = {0};

	hist_add_many(&b, 1000000, bursts);
	hist_add_many(&s, 1000000, sleeps);
	return group(name, 1, &b, &s);
}

/* Linux's sched_prio_to_weight. */
static void weights_are_nice_values(void **state)
{
	static const int weights[] = {
		88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705,
		14949, 11916, 9548,  7620,  6100,  4904,  3906,	 3121,
		2501,  1991,  1586,  1277,  1024,  820,	  655,	 526,
		423,   335,   272,   215,   172,   137,	  110,	 87,
		70,    56,    45,    36,    29,	   23,	  18,	 15};

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct json *v = body("all", "latency", 10);
		struct json *g = plain("g", 10, 10);
		struct profile *p;

		json_set_number(g, "weight", weights[i]);
		has(v, "groups", g);
		p = sorted_out(v);
		assert_int_equal(p->g[0].nice, i - 20);
		forget(p, v);
	}
}

static void near(double x, double want)
{
	if (fabs(x - want) > 1e-9 * fmax(1, fabs(want)))
		fail_msg("%.12g is not %.12g", x, want);
}

/* 4 tasks of 10 s that ran for 10 s and waited for 5: bursts of 5 ms, and 25 s
 * between them. */
static void bursts_that_were_not_seen(void **state)
{
	static const double waited[] = {5e6, 29e6, 29.3e6};
	struct hist none = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waited); i++) {
		struct json *v = body("all", "latency", 10);
		struct json *g = group("g", 4, &none, &none);
		struct profile *p;

		json_set_number(g, "run_us", 10e6);
		json_set_number(g, "wait_us", waited[i]);
		json_remove(g, "sleep_us");
		has(v, "groups", g);
		p = sorted_out(v);
		near(p->g[0].bursts, 2000);
		/* Below 2 % of 40 s it is never idle. */
		near(p->g[0].external, i < 2 ? 2000 : 0);
		near(p->g[0].gap_ns,
		     i < 2 ? (30e9 - 1000 * waited[i]) / 2000 : 0);
		near(profile_active(p, &p->g[0]), (10e6 + waited[i]) / 10e6);
		assert_int_equal(json_len(p->l->notes), 1);
		forget(p, v);
	}
}

/* 0.5 % of the run time, or a part of it and 5 % of the wakeups. */
static void groups_that_count(void **state)
{
	static const struct {
		double run_us, wakeups;
		bool kept;
	} rows[] = {
		{5000, 0, true},   {4999, 0, false}, {4999, 50, true},
		{4999, 49, false}, {1, 50, true},    {0, 500, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = body("all", "latency", 10), *g;
		struct profile *p;

		g = plain("main", 100, 100);
		json_set_number(g, "run_us", 1e6 - rows[i].run_us);
		json_set_number(g, "wakeups", 1000 - rows[i].wakeups);
		has(v, "groups", g);
		g = plain("other", 100, 100);
		json_set_number(g, "run_us", rows[i].run_us);
		json_set_number(g, "wakeups", rows[i].wakeups);
		has(v, "groups", g);
		p = sorted_out(v);
		assert_true(p->g[0].kept);
		assert_int_equal(p->g[1].kept, rows[i].kept);
		assert_int_equal(json_len(p->l->notes), !rows[i].kept);
		forget(p, v);
	}
}

static void who_woke_whom(void **state)
{
	struct json *v = body("all", "latency", 10), *a, *b, *c;
	struct profile *p;

	(void)state;
	a = plain("a", 1000, 1000);
	woken_by(a, "b", 600);
	woken_by(a, "(interrupt)", 300);
	woken_by(a, "c", 9); /* too seldom for a chain */
	has(v, "groups", a);
	b = plain("b", 1000, 1000);
	woken_by(b, "a", 400);
	woken_by(b, "c", 10);
	has(v, "groups", b);
	c = plain("c", 1000, 700);
	woken_by(c, "c", 50);
	has(v, "groups", c);
	p = sorted_out(v);
	/* To and fro 400 times, the rest one way. */
	near(p->hand[0][1], 400);
	near(p->hand[1][0], 400);
	near(p->open[1][0], 200);
	near(p->open[0][1], 0);
	near(p->open[2][1], 10);
	near(p->hand[2][2], 50);
	near(p->open[2][2], 0);
	near(p->g[0].external, 309);
	near(p->g[1].external, 0);
	near(p->g[2].external, 0);
	assert_int_equal(json_len(p->l->notes), 0);
	forget(p, v);
}

/* More wakeups than sleeps, or than bursts: all are less in proportion. */
static void no_more_wakeups_than_sleeps(void **state)
{
	static const struct {
		unsigned bursts, sleeps;
		double part;
	} rows[] = {{1000, 1000, 1},
		    {800, 1000, 1},
		    {1000, 400, .5},
		    {200, 400, .25},
		    {799, 900, 799 / 800.}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = body("all", "latency", 10), *g;
		struct profile *p;

		g = plain("a", rows[i].bursts, rows[i].sleeps);
		woken_by(g, "b", 600);
		woken_by(g, "(interrupt)", 200);
		has(v, "groups", g);
		/* Nobody is known to have woken this one: nobody did. */
		has(v, "groups", plain("b", rows[i].bursts, rows[i].sleeps));
		p = sorted_out(v);
		near(p->g[0].external, 200 * rows[i].part);
		near(p->open[1][0], 600 * rows[i].part);
		near(p->g[1].external, fmin(rows[i].bursts, rows[i].sleeps));
		forget(p, v);
	}
}

/* In a circle of three nobody would ever begin: time passes instead. */
static void circles_are_cut(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct json *v = body("all", "latency", 10), *g;
	struct profile *p;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		g = plain(names[i], 1000, 1000);
		woken_by(g, names[(i + 2) % 3], 100 + (double)i);
		has(v, "groups", g);
	}
	g = plain("d", 1000, 1000);
	woken_by(g, "a", 300);
	has(v, "groups", g);
	p = sorted_out(v);
	for (size_t i = 0; i < 3; i++) {
		near(p->g[i].external, 100 + (double)i);
		for (size_t k = 0; k < 3; k++)
			near(p->open[i][k], 0);
	}
	/* What leads out of it stays. */
	near(p->open[0][3], 300);
	near(p->g[3].external, 0);
	assert_int_equal(json_len(p->l->notes), 3);
	forget(p, v);
}

/* Who starts the others, and whose bursts count. */
static void roots_and_main_groups(void **state)
{
	static const struct {
		const char *scope;
		double forks[3], wakeups[3];
		bool kernel; /* the first one is */
		size_t root, main;
	} rows[] = {
		/* Goes on: no root; of those that are woken most. */
		{"all", {5, 0, 0}, {10, 30, 20}, false, 3, 1},
		{"all", {5, 0, 0}, {30, 30, 20}, false, 3, 0},
		{"all", {0, 0, 0}, {90, 20, 30}, true, 3, 2},
		/* Ends: the first; the root is who forks most, of equal ones
		 * the first. */
		{"command", {0, 5, 7}, {10, 30, 20}, false, 2, 0},
		{"command", {0, 5, 5}, {10, 30, 20}, false, 1, 0},
		{"command", {0, 0, 0}, {10, 30, 20}, false, 3, 0},
		{"command", {0, 0, 7}, {10, 30, 20}, true, 2, 1},
		/* One that does the work is no root. */
		{"command", {9, 5, 7}, {10, 30, 20}, false, 3, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = body(rows[i].scope, "makespan", 10), *g;
		struct profile *p;

		for (size_t k = 0; k < 3; k++) {
			g = plain((const char *[]){"x", "y", "z"}[k], 100, 100);
			json_set_number(g, "forks", rows[i].forks[k]);
			json_set_number(g, "wakeups", rows[i].wakeups[k]);
			if (rows[i].kernel && !k)
				json_set(g, "kernel", json_bool(true));
			has(v, "groups", g);
		}
		p = sorted_out(v);
		if (p->root != rows[i].root || p->main != rows[i].main)
			fail_msg("row %zu: root %zu, main %zu", i, p->root,
				 p->main);
		forget(p, v);
	}
}

static void identities_add_up(void **state)
{
	struct json *v = body("all", "latency", 10);
	struct profile *p;

	(void)state;
	has(v, "groups", plain("a", 100, 100));
	has(v, "groups", plain("b", 100, 100));
	has(v, "identities", identity("a", "00000000000000a1", 3, 500));
	has(v, "identities", identity("a", "00000000000000a2", 4, 700));
	has(v, "identities", identity("c", "00000000000000c1", 1, 900));
	p = sorted_out(v);
	near(p->g[0].known_ns, 1200000);
	near(p->g[0].execs, 7);
	assert_int_equal(p->g[0].identity, 0xa1);
	near(p->g[1].known_ns, 0);
	assert_int_equal(p->g[1].identity, 0);
	forget(p, v);
}

/* ---- distributions ------------------------------------------------------ */

static struct spread spread_of(const char *buckets)
{
	struct spread s = {.n = 0};
	struct json *v = json_parse(buckets, strlen(buckets));

	assert_non_null(v);
	if (spread_add(&s, v))
		fail_msg("%s", err_text());
	json_free(v);
	return s;
}

/* From 1024 to 1280 ns, and from 4096 to 5120 ns. */
#define TWO "{\"sum\":9,\"buckets\":[[1.024,10],[4.096,30]]}"

static void quantiles_of_buckets(void **state)
{
	static const struct {
		double q, ns;
	} rows[] = {{0, 1024},		 {.125, 1152}, {.25, 1280},
		    {.3, 4164.26666667}, {.625, 4608}, {1, 5120},
		    {1.5, 5120}};
	struct spread s = spread_of(TWO), none = {.n = 0};
	struct load_dist d;

	(void)state;
	assert_int_equal(s.n, 2);
	near(s.count, 40);
	near(s.sum_ns, 9000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(fabs(spread_quantile(&s, rows[i].q) - rows[i].ns) <
			    1e-6);
	assert_true(spread_quantile(&none, .5) == 0);
	assert_int_equal(spread_add(&none, NULL), 0);
	assert_int_equal(none.n, 0);
	d = spread_table(&s, .25, 1, 0);
	assert_int_equal(d.table[0], 1280);
	assert_int_equal(d.table[32], 4608);
	assert_int_equal(d.table[LOAD_QUANTILES - 1], 5120);
	free(d.table);
	/* The longest is known: no bucket reaches further. */
	s = spread_of("{\"max\":4.5,\"buckets\":[[1.024,10],[4.096,30]]}");
	near(spread_quantile(&s, 1), 4500);
	near(spread_quantile(&s, .25), 1280);
}

/* Whatever the order, and twice the same bucket is one. */
static void buckets_are_put_in_order(void **state)
{
	static const char *const orders[] = {
		"{\"buckets\":[[1.024,1],[4.096,2],[65.536,4],[4.096,8]]}",
		"{\"buckets\":[[65.536,4],[4.096,10],[1.024,1],[8.192,0]]}",
		"{\"buckets\":[[4.096,10],[1.024,0.5],[65.536,4],[1.024,0.5]]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct spread s = spread_of(orders[i]);

		assert_int_equal(s.n, 3);
		near(s.count, 15);
		near(s.b[0].low, 1024);
		near(s.b[0].high, 1280);
		near(s.b[0].count, 1);
		near(s.b[1].low, 4096);
		near(s.b[1].high, 5120);
		near(s.b[1].count, 10);
		near(s.b[2].low, 65536);
		near(s.b[2].high, 81920);
		near(s.b[2].count, 4);
	}
}

static void tables_have_the_mean(void **state)
{
	struct spread s = spread_of(TWO);
	struct load_dist plain_one = spread_table(&s, 0, 1, 0);
	double natural = spread_table_mean(&plain_one);

	(void)state;
	/* The trapezoid rule, written out. */
	{
		double sum = (double)(plain_one.table[0] + plain_one.table[64]);

		for (size_t i = 1; i < 64; i++)
			sum += 2 * (double)plain_one.table[i];
		near(natural, sum / 128);
	}
	for (double by = 0.25; by < 3; by += 0.25) {
		struct load_dist d = spread_table(&s, 0, 1, natural * by);

		assert_true(fabs(spread_table_mean(&d) - natural * by) < 1);
		for (size_t i = 0; i < 64; i++) {
			assert_true(d.table[i] <= d.table[i + 1]);
			/* What is too long is the longest, if at all. */
			if (by >= 1)
				assert_int_equal(d.table[i],
						 plain_one.table[i]);
		}
		free(d.table);
	}
	free(plain_one.table);
}

static void short_and_long_part(void **state)
{
	static const struct {
		const char *buckets;
		double at;
	} rows[] = {
		{"{\"buckets\":[]}", 0},
		{"{\"buckets\":[[1.024,10]]}", 0},
		{"{\"buckets\":[[1.024,10],[65.536,30]]}", .25},
		{"{\"buckets\":[[1.024,30],[65.536,10]]}", .75},
		{"{\"buckets\":[[1.024,10],[1.28,10],[65.536,30]]}", .4},
		{"{\"buckets\":[[1.024,20],[65.536,10],[81.92,20]]}", .4},
		/* Less than a factor of four apart. */
		{"{\"buckets\":[[1.024,10],[2.048,30]]}", 0},
		{"{\"buckets\":[[1.024,10],[3.584,30]]}", 0},
		{"{\"buckets\":[[1.024,10],[5.12,30]]}", .25},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spread s = spread_of(rows[i].buckets);

		near(spread_split(&s), rows[i].at);
	}
}

/* The narrowest range, as a factor, that holds a share. */
static void the_densest_part(void **state)
{
	static const struct {
		double share, from, to;
	} rows[] = {
		/* 10 of each of the first two, 20 of the last. */
		{.5, .5, 1},	  {.4, .55, .95}, {.25, 0, .25},
		{.1, .075, .175}, {.75, .25, 1},  {1, 0, 1},
	};
	struct spread s =
		spread_of("{\"buckets\":[[1.792,10],[4.096,10],[65.536,20]]}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double from, to;

		spread_densest(&s, rows[i].share, &from, &to);
		near(from, rows[i].from);
		near(to, rows[i].to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distributions_are_kept),
		cmocka_unit_test(jobs_do_the_work_recorded),
		cmocka_unit_test(many_jobs_start_as_others_end),
		cmocka_unit_test(turns_are_handed_over),
		cmocka_unit_test(holders_of_locks_have_locks),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(run_time_alone_is_enough),
		cmocka_unit_test(weights_are_nice_values),
		cmocka_unit_test(bursts_that_were_not_seen),
		cmocka_unit_test(groups_that_count),
		cmocka_unit_test(who_woke_whom),
		cmocka_unit_test(no_more_wakeups_than_sleeps),
		cmocka_unit_test(circles_are_cut),
		cmocka_unit_test(roots_and_main_groups),
		cmocka_unit_test(identities_add_up),
		cmocka_unit_test(quantiles_of_buckets),
		cmocka_unit_test(buckets_are_put_in_order),
		cmocka_unit_test(tables_have_the_mean),
		cmocka_unit_test(short_and_long_part),
		cmocka_unit_test(the_densest_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
