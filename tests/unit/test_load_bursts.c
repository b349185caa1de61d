/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads from recordings of bursts: every burst, every sleep, who woke whom. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "burst/bursts.h"
#include "sim/sim.h"

#define SHELL 0xabc
#define MAKE  0xdef
#define EPOCH 1700000000000000000

static char path[64];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_load_bursts.XXXXXX");
	close(mkstemp(path));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* ---- recordings -------------------------------------------------------- */

struct tape {
	struct burst_record r[64];
	size_t n;
};

/* A burst whose task had bursts of `average` before; by an interrupt. */
static struct burst_record *put(struct tape *t, uint32_t tid, uint64_t at,
				uint64_t wait, uint64_t run, uint64_t sleep,
				int average)
{
	struct burst_record *r = &t->r[t->n++];

	*r = (struct burst_record){
		.at = at,
		.identity = SHELL,
		.cgroup = 1,
		.run_ns = run,
		.wait_ns = wait,
		.sleep_ns = sleep,
		.tid = tid,
		.tgid = tid < 20 ? 10 : tid,
	};
	r->features[FEATURE_KIND] =
		tid == r->tgid ? FEATURE_PROCESS : FEATURE_THREAD;
	r->features[FEATURE_WAKER] = FEATURE_BY_INTERRUPT;
	r->features[FEATURE_BURST_SLOW] = (int16_t)(average - 10);
	r->features[FEATURE_BURST_TREND] = 10;
	return r;
}

static void by(struct burst_record *r, enum feature_waker how, int average)
{
	r->features[FEATURE_WAKER] = (int16_t)how;
	r->features[FEATURE_WAKER_BURST] = (int16_t)average;
	if (how == FEATURE_BY_FORK)
		r->flags |= BURST_FORKED;
}

static void write_tape(const struct tape *t, uint32_t every, int64_t epoch)
{
	struct bursts_opts o = {
		.max_bytes = 1 << 30, .every = every, .epoch_ns = epoch};
	struct bursts_written sum;
	struct bursts_writer *w;

	assert_int_equal(bursts_append(path, &o, &w), 0);
	for (size_t i = 0; i < t->n; i++)
		bursts_put(w, &t->r[i]);
	assert_int_equal(bursts_finish(w, &sum), 0);
	bursts_writer_free(w);
}

static struct load *replay(const struct tape *t, double before)
{
	struct load *l;

	write_tape(t, 1, EPOCH);
	if (load_from_bursts(path, before, &l))
		fail_msg("%s", err_text());
	return l;
}

static void is_program(const struct load_task *t, const enum load_what *what,
		       size_t n)
{
	for (size_t i = 0; i < n && i < t->op_count; i++)
		assert_int_equal(t->ops[i].what, what[i]);
	assert_int_equal(t->op_count, n);
}

#define IS(t, ...)                                              \
	is_program(&(t), (const enum load_what[]){__VA_ARGS__}, \
		   ARRAY_LEN(((const enum load_what[]){__VA_ARGS__})))

static bool notes(const struct load *l, const char *words)
{
	json_each (n, l->notes) {
		if (strstr(json_as_string(n, ""), words))
			return true;
	}
	return false;
}

/* 10 forks its thread 11, sleeps, and wakes it in the middle of its second
 * burst; the first to be over comes first. */
static void story(struct tape *t)
{
	struct burst_record *r;

	*t = (struct tape){0};
	r = put(t, 11, 1200, 50, 300, 3450, 0);
	by(r, FEATURE_BY_FORK, 100);
	r = put(t, 10, 1000, 0, 500, 3000, 100);
	r = put(t, 11, 5000, 20, 400, 0, 7);
	by(r, FEATURE_BY_THREAD, 120);
	r->flags = BURST_EXITED;
	r = put(t, 10, 4500, 100, 1000, 0, 120);
	r->flags = BURST_ASLEEP;
}

/* ---- tests ------------------------------------------------------------- */

static void every_burst_again(void **state)
{
	struct load_task *t;
	struct load *l;
	struct tape tape;

	(void)state;
	story(&tape);
	l = replay(&tape, 0);
	assert_int_equal(l->task_count, 2);
	t = l->tasks;
	IS(t[0], LOAD_BEGIN, LOAD_EXEC, LOAD_RUN, LOAD_FORK, LOAD_RUN,
	   LOAD_DONE, LOAD_SLEEP, LOAD_BEGIN, LOAD_RUN, LOAD_POST, LOAD_RUN,
	   LOAD_DONE, LOAD_EXIT);
	IS(t[1], LOAD_BEGIN, LOAD_RUN, LOAD_DONE, LOAD_WAIT, LOAD_BEGIN,
	   LOAD_RUN, LOAD_DONE, LOAD_EXIT);
	assert_int_equal(t[0].ops[1].id, SHELL);
	assert_int_equal(t[0].ops[2].dist.ns, 200);
	assert_int_equal(t[0].ops[3].obj, 1);
	assert_int_equal(t[0].ops[4].dist.ns, 300);
	assert_int_equal(t[0].ops[6].dist.ns, 3000);
	assert_int_equal(t[0].ops[7].n, 1);
	/* It waited for 100 first. */
	assert_int_equal(t[0].ops[8].dist.ns, 400);
	assert_int_equal(t[0].ops[10].dist.ns, 600);
	assert_int_equal(t[0].ops[9].obj, t[1].ops[3].obj);
	assert_int_equal(t[1].ops[1].dist.ns, 300);
	assert_int_equal(t[0].instances, 1);
	assert_int_equal(t[1].instances, 0);
	/* Threads of one process. */
	assert_int_equal(t[0].process, t[1].process);
	assert_true(t[0].leader && !t[1].leader);
	assert_string_equal(t[0].name, "0000000000000abc");
	assert_true(notes(l, "of 2 sleeps 1 end"));
	load_free(l);
}

static size_t count(const struct load *l, enum load_what what)
{
	size_t n = 0;

	for (size_t i = 0; i < l->task_count; i++)
		for (size_t k = 0; k < l->tasks[i].op_count; k++)
			n += l->tasks[i].ops[k].what == what;
	return n;
}

/* Somebody else who runs then and had the same bursts might have been it. */
static void who_woke_must_be_clear(void **state)
{
	static const struct {
		uint32_t tid;
		uint64_t at, wait;
		int average;
		bool clear;
	} others[] = {
		{12, 4600, 0, 120, false},
		{12, 4600, 0, 119, false}, /* as two are rounded down */
		{12, 4600, 0, 121, true},
		{12, 4600, 3000, 120, true}, /* it waits for a CPU then */
		{12, 5000, 0, 120, true},    /* its burst begins no earlier */
		{30, 4600, 0, 120, true},    /* of another process */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct load *l;
		struct tape tape;

		story(&tape);
		put(&tape, others[i].tid, others[i].at, others[i].wait, 2000, 0,
		    others[i].average);
		unlink(path);
		l = replay(&tape, 0);
		assert_int_equal(count(l, LOAD_WAIT), others[i].clear);
		assert_int_equal(count(l, LOAD_SLEEP), 2 - others[i].clear);
		load_free(l);
	}
}

static void only_the_end_is_measured(void **state)
{
	struct load *l;
	struct tape tape;

	(void)state;
	story(&tape);
	l = replay(&tape, 0.875); /* 1000 to 5000 */
	assert_int_equal(count(l, LOAD_BEGIN), 2);
	assert_int_equal(count(l, LOAD_DONE), 2);
	load_free(l);
	unlink(path);
	l = replay(&tape, 1);
	assert_int_equal(count(l, LOAD_BEGIN), 1);
	load_free(l);
}

/* What a task was and becomes: nice, weight, kernel thread, program. */
static void what_tasks_are(void **state)
{
	struct burst_record *r;
	struct load *l;
	struct tape tape = {0};

	(void)state;
	r = put(&tape, 20, 1000, 0, 500, 1000, 0);
	by(r, FEATURE_BY_FORK, 0);
	r->flags |= BURST_EXECUTED;
	r->features[FEATURE_NICE] = 5;
	r->cgroup = 77;
	r->features[FEATURE_WEIGHT] = 256;
	r = put(&tape, 20, 2500, 0, 500, 1000, 0);
	r->identity = MAKE;
	r->features[FEATURE_NICE] = 7;
	r->flags = BURST_EXECUTED | BURST_EXITED;
	/* The number comes again. */
	r = put(&tape, 20, 9000, 0, 100, 0, 0);
	r->identity = 0;
	r = put(&tape, 30, 9100, 0, 100, 0, 0);
	r->features[FEATURE_KIND] = FEATURE_KERNEL;
	l = replay(&tape, 0);
	assert_int_equal(l->task_count, 3);
	IS(l->tasks[0], LOAD_BEGIN, LOAD_EXEC, LOAD_EXEC, LOAD_RUN, LOAD_DONE,
	   LOAD_SLEEP, LOAD_NICE, LOAD_BEGIN, LOAD_EXEC, LOAD_RUN, LOAD_DONE,
	   LOAD_EXIT);
	assert_int_equal(l->tasks[0].ops[2].id, MAKE);
	assert_int_equal(l->tasks[0].ops[6].n, 7);
	assert_int_equal(l->tasks[0].nice, 5);
	assert_int_equal(l->cgroups[l->tasks[0].cgroup].weight, 200);
	assert_string_equal(l->cgroups[l->tasks[0].cgroup].name, "77");
	assert_int_equal(l->tasks[1].cgroup, 0);
	assert_int_equal(l->tasks[1].start_ns, 8000);
	assert_string_equal(l->groups[l->tasks[0].group].name,
			    "0000000000000def");
	assert_string_equal(l->groups[l->tasks[1].group].name, "unknown");
	assert_string_equal(l->groups[l->tasks[2].group].name, "kernel");
	assert_true(l->tasks[2].kernel);
	assert_true(notes(l, "1 times it is not known what"));
	load_free(l);
}

static void many_programs_are_others(void **state)
{
	struct load *l;
	struct tape tape = {0};

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		put(&tape, 100 + i, 1000 + i, 0, 1000 + i, 0, 0)->identity =
			1000 + i;
	l = replay(&tape, 0);
	assert_int_equal(l->group_count, 16);
	assert_string_equal(l->groups[0].name, "00000000000003fb");
	assert_string_equal(l->groups[15].name, "others");
	assert_int_equal(l->tasks[0].group, 15);
	assert_int_equal(l->tasks[19].group, 0);
	load_free(l);
}

static void gaps_are_slept(void **state)
{
	struct load *l;
	struct tape tape = {0};

	(void)state;
	put(&tape, 20, 1000, 0, 500, 2000000, 0);
	put(&tape, 20, 2001500, 0, 500, 100, 0);
	put(&tape, 20, 9000000, 0, 500, 100, 0);
	l = replay(&tape, 0);
	assert_int_equal(l->tasks[0].ops[4].dist.ns, 2000000);
	assert_int_equal(l->tasks[0].ops[8].dist.ns, 9000000 - 2002000);
	assert_true(notes(l, "1 times a task sleeps where"));
	load_free(l);
}

static void fails(int rc, const char *words)
{
	struct load *l;

	assert_int_equal(load_from_bursts(path, 0, &l), rc);
	assert_null(l);
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in: %s", words, err_text());
}

static void what_is_wrong_is_named(void **state)
{
	struct tape tape, none = {0};

	(void)state;
	fails(-EINVAL, "not a file of sched-observe --bursts");
	unlink(path);
	fails(-ENOENT, path);
	write_tape(&none, 1, EPOCH);
	fails(-EINVAL, "there is no burst in it");
	story(&tape);
	write_tape(&tape, 3, EPOCH);
	fails(-ENOTSUP, "only one of 3 bursts was recorded");
	unlink(path);
	write_tape(&tape, 1, EPOCH);
	write_tape(&tape, 1, EPOCH + 3600 * 1000000000ll);
	fails(-ENOTSUP, "continued after a boot");
	unlink(path);
	tape.r[1].features[FEATURE_NICE] = 20;
	write_tape(&tape, 1, EPOCH);
	fails(-EINVAL, "burst 2: its nice value");
	unlink(path);
	tape.r[1].features[FEATURE_NICE] = 0;
	tape.r[2].run_ns = 1ull << 60;
	write_tape(&tape, 1, EPOCH);
	fails(-EINVAL, "burst 3: its times");
}

static void a_torn_end_is_left_out(void **state)
{
	struct tape tape;
	struct load *l;
	FILE *f;

	(void)state;
	story(&tape);
	write_tape(&tape, 1, EPOCH);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs("SBLK and no more", f);
	fclose(f);
	if (load_open(path, &l))
		fail_msg("%s", err_text());
	assert_int_equal(l->task_count, 2);
	assert_true(notes(l, "16 bytes at its end"));
	load_free(l);
}

/* ---- and run ----------------------------------------------------------- */

static void run(const struct load *l, struct sim_result *r)
{
	struct sim_opts o = {.seed = 1};

	sim_machine_parse("2", &o.machine);
	sim_costs_default(&o.costs);
	assert_int_equal(sim_costs_read(l->costs, &o.costs), 0);
	if (sim_run(&o, NULL, l, r))
		fail_msg("%s", err_text());
}

static void it_runs_as_it_did(void **state)
{
	struct sim_result r = {0};
	struct load *l;
	struct tape tape = {0};

	(void)state;
	/* What a switch costs is part of 2 ms; waiting for another is not. */
	put(&tape, 20, 1000, 0, 2000000, 1000000, 0);
	put(&tape, 20, 3001000, 0, 2000000, 1000000, 0);
	l = replay(&tape, 0);
	run(l, &r);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(r.metrics[0].count, 2);
	assert_in_range(r.groups[0].run_ns, 4000000, 4004000);
	assert_in_range(r.end_ns, 5000000, 5010000);
	assert_in_range(r.metrics[0].slowdown.sum, 2000, 2010);
	assert_in_range(r.metrics[0].slowdown_log, 5102, 5106);
	sim_result_release(&r);
	load_free(l);
}

/* Random records: a load that can be run, or a message. */
static void anything_is_a_load_or_refused(void **state)
{
	struct rng rng;
	unsigned good = 0;

	(void)state;
	rng_init(&rng, 7);
	for (int round = 0; round < 300; round++) {
		struct sim_result r = {0};
		struct load *l;
		struct tape tape = {0};
		size_t n = 1 + rng_below(&rng, 60);

		for (size_t i = 0; i < n; i++) {
			struct burst_record *b = put(
				&tape, 10 + (uint32_t)rng_below(&rng, 14),
				rng_below(&rng, 1u << 20),
				rng_below(&rng, 4000), rng_below(&rng, 20000),
				rng_below(&rng, 20000), 100);

			b->features[FEATURE_WAKER] =
				(int16_t)rng_below(&rng, 6);
			b->features[FEATURE_WAKER_BURST] =
				(int16_t)(99 + rng_below(&rng, 3));
			b->flags = (uint32_t)rng_below(&rng, 64);
			b->preempted = (uint32_t)rng_below(&rng, 2);
			b->cgroup = rng_below(&rng, 3);
			b->features[FEATURE_WEIGHT] = (int16_t)rng_next(&rng);
			if (!rng_below(&rng, 400))
				b->at = rng_next(&rng) | 1ull << 63;
		}
		unlink(path);
		write_tape(&tape, 1, EPOCH);
		if (load_from_bursts(path, 0.5, &l)) {
			assert_true(*err_text());
			continue;
		}
		run(l, &r);
		/* Nobody waits for ever. */
		assert_int_equal(r.outcome, SIM_DONE);
		assert_int_equal(r.unfinished, 0);
		good++;
		sim_result_release(&r);
		load_free(l);
	}
	assert_in_range(good, 200, 299);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_burst_again),
		TEST(who_woke_must_be_clear),
		TEST(only_the_end_is_measured),
		TEST(what_tasks_are),
		TEST(many_programs_are_others),
		TEST(gaps_are_slept),
		TEST(what_is_wrong_is_named),
		TEST(a_torn_end_is_left_out),
		TEST(it_runs_as_it_did),
		TEST(anything_is_a_load_or_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
