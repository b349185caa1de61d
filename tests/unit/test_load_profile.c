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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
