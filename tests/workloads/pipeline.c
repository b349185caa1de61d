/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Producers and consumers: items go through a chain of stages, from one
 * bounded queue to the next, and a stage's threads sleep where there is
 * nothing to take or no room to put it.
 *
 *   pipeline [ITEMS [ROUNDS [STAGES [THREADS]]]]
 *                           8000 items, 120000 rounds, 3 stages of 2 threads
 *
 * Every stage does its share of an item's work.  The optimum keeps every CPU
 * at work from the first item to the last: "bound" is the work of all items,
 * measured by one thread alone, divided by the CPUs.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

#include "work.h"

#define MAX_STAGES  8
#define MAX_THREADS 16 /* of a stage */
#define ROOM	    4

struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t more, less;
	long held, seen; /* now; ever */
};

static long items = 8000, rounds = 120000, stages = 3, threads = 2;
static struct queue queues[MAX_STAGES + 1];
static volatile uint64_t sink;

static void put(struct queue *q)
{
	pthread_mutex_lock(&q->mutex);
	while (q->held == ROOM)
		pthread_cond_wait(&q->less, &q->mutex);
	q->held++;
	q->seen++;
	pthread_cond_signal(&q->more);
	if (q->seen == items)
		pthread_cond_broadcast(&q->more);
	pthread_mutex_unlock(&q->mutex);
}

/* False: all have come through. */
static bool take(struct queue *q)
{
	bool got;

	pthread_mutex_lock(&q->mutex);
	while (!q->held && q->seen < items)
		pthread_cond_wait(&q->more, &q->mutex);
	got = q->held > 0;
	if (got) {
		q->held--;
		pthread_cond_signal(&q->less);
	}
	pthread_mutex_unlock(&q->mutex);
	return got;
}

static void *stage(void *arg)
{
	struct queue *in = arg;

	while (take(in)) {
		sink = compute(rounds / stages);
		put(in + 1);
	}
	return NULL;
}

static void *produce(void *unused)
{
	(void)unused;
	for (long i = 0; i < items; i++)
		put(&queues[0]);
	return NULL;
}

/* How long one CPU needs for an item: the best of a few. */
static double alone(void)
{
	double best = 1e9;

	for (int i = 0; i < 5; i++) {
		double begin = now();

		sink = compute(rounds);
		if (now() - begin < best)
			best = now() - begin;
	}
	return best;
}

static void start(pthread_t *t, void *(*run)(void *), void *arg,
		  const char *name)
{
	if (pthread_create(t, NULL, run, arg)) {
		fputs("pipeline: no more threads\n", stderr);
		exit(1);
	}
	pthread_setname_np(*t, name);
}

int main(int argc, char **argv)
{
	long *const args[] = {&items, &rounds, &stages, &threads};
	pthread_t t[MAX_STAGES * MAX_THREADS + 1];
	double begin, bound, took;
	cpu_set_t cpus;
	int n = 0;

	for (int i = 1; i < argc && i <= 4; i++)
		*args[i - 1] = strtol(argv[i], NULL, 10);
	if (items < 1 || rounds < 1 || stages < 1 || stages > MAX_STAGES ||
	    threads < 1 || threads > MAX_THREADS || argc > 5) {
		fputs("usage: pipeline [ITEMS [ROUNDS [STAGES [THREADS]]]]\n",
		      stderr);
		return 2;
	}
	sched_getaffinity(0, sizeof(cpus), &cpus);
	bound = alone() * (double)items / CPU_COUNT(&cpus);
	for (long i = 0; i <= stages; i++) {
		pthread_mutex_init(&queues[i].mutex, NULL);
		pthread_cond_init(&queues[i].more, NULL);
		pthread_cond_init(&queues[i].less, NULL);
	}
	begin = now();
	start(&t[n++], produce, NULL, "producer");
	for (long i = 0; i < stages; i++)
		for (long k = 0; k < threads; k++)
			start(&t[n++], stage, &queues[i], "stage");
	while (take(&queues[stages]))
		;
	took = now() - begin;
	while (n > 0)
		pthread_join(t[--n], NULL);
	printf("bound %.2f\n%.2f items/s\n", (double)items / bound,
	       (double)items / took);
	return 0;
}
