/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: periodic threads of several periods, each with a short job that
 * should be done as soon as its time has come, beside housekeeping that
 * computes without end.
 *
 *   timers [THREADS [HOUSEKEEPING [SECONDS]]]      6 threads, 3, 2 seconds
 *
 * "late" is the time from when a period begins to when its job starts: the
 * jitter.  "done" is the time until the job is finished.  The optimum is known:
 * the jobs need a quarter of two CPUs at most, so that each of them can start
 * at once and be done after its own work.  The housekeeping's work is counted,
 * too: it has the rest.  In an emulated guest the worst percent is the host's
 * own pauses, with or without housekeeping; p90 is the scheduler's.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "work.h"

#define MAX_THREADS 64
#define MAX_SAMPLES 20000
#define PERIOD	    0.008 /* of the fastest; each next one a fifth more */
#define JOB_ROUNDS  200000
#define UNIT_ROUNDS 1000000
#define WARMUP	    0.3

struct timer {
	pthread_t thread;
	double period;
	double late[MAX_SAMPLES], done[MAX_SAMPLES];
	size_t count;
};

struct house {
	pthread_t thread;
	uint64_t done, sink;
};

static volatile bool stop;
static volatile uint64_t sink;
static double begin;

static void sleep_until(double at)
{
	struct timespec ts = {(time_t)at,
			      (long)((at - (double)(time_t)at) * 1e9)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *run_timer(void *arg)
{
	struct timer *t = arg;
	double next = now() + t->period;

	while (!stop) {
		double started, done;

		sleep_until(next);
		started = now();
		sink = compute(JOB_ROUNDS);
		done = now();
		if (started >= begin && t->count < MAX_SAMPLES) {
			t->late[t->count] = started - next;
			t->done[t->count++] = done - next;
		}
		/* Periods that went by while it waited are lost. */
		do
			next += t->period;
		while (next < done);
	}
	return NULL;
}

static void *keep_house(void *arg)
{
	struct house *h = arg;

	while (!stop) {
		h->sink ^= compute(UNIT_ROUNDS);
		if (now() >= begin)
			h->done++;
	}
	return NULL;
}

static void start(pthread_t *t, void *(*run)(void *), void *arg,
		  const char *name)
{
	if (pthread_create(t, NULL, run, arg)) {
		fputs("timers: no more threads\n", stderr);
		exit(1);
	}
	pthread_setname_np(*t, name);
}

static void print(const struct timer *t, long n, bool late)
{
	double *all = malloc(sizeof(double) * MAX_SAMPLES * (size_t)n);
	size_t count = 0;

	for (long i = 0; all && i < n; i++)
		for (size_t k = 0; k < t[i].count; k++)
			all[count++] = late ? t[i].late[k] : t[i].done[k];
	if (!count) {
		fputs("timers: no job was done\n", stderr);
		exit(1);
	}
	qsort(all, count, sizeof(*all), ascending);
	printf("%s p50 %.1f us, p90 %.1f us, p99 %.1f us, max %.1f us\n",
	       late ? "late" : "done", quantile(all, count, 0.5) * 1e6,
	       quantile(all, count, 0.9) * 1e6,
	       quantile(all, count, 0.99) * 1e6, all[count - 1] * 1e6);
	free(all);
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 6;
	long houses = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 2;
	static struct timer t[MAX_THREADS];
	static struct house h[MAX_THREADS];
	uint64_t units = 0;

	if (n < 1 || n > MAX_THREADS || houses < 0 || houses > MAX_THREADS ||
	    !(seconds > 0) || argc > 4) {
		fputs("usage: timers [THREADS [HOUSEKEEPING [SECONDS]]]\n",
		      stderr);
		return 2;
	}
	begin = now() + WARMUP;
	for (long i = 0; i < houses; i++)
		start(&h[i].thread, keep_house, &h[i], "housekeeping");
	for (long i = 0; i < n; i++) {
		t[i].period = PERIOD * (1 + 0.2 * (double)i);
		start(&t[i].thread, run_timer, &t[i], "timer");
	}
	usleep((useconds_t)((WARMUP + seconds) * 1e6));
	stop = true;
	seconds = now() - begin;
	for (long i = 0; i < n; i++)
		pthread_join(t[i].thread, NULL);
	for (long i = 0; i < houses; i++) {
		pthread_join(h[i].thread, NULL);
		units += h[i].done;
	}
	print(t, n, true);
	print(t, n, false);
	printf("housekeeping %.2f units/s\n", (double)units / seconds);
	return 0;
}
