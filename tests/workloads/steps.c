/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A computation in steps: every thread does its share, then all wait for the
 * last one.  With more threads than CPUs a step takes as long as the
 * scheduler lets the unluckiest thread wait.
 *
 *   steps [THREADS [STEPS [ROUNDS]]]     3 threads, 40 steps
 */
#include <pthread.h>
#include <stdio.h>

#include "work.h"

#define MAX_THREADS 64

static long threads = 3, steps = 40, rounds = 12000000;
static pthread_barrier_t all_done;
static volatile uint64_t sink;

static void *worker(void *unused)
{
	(void)unused;
	for (long i = 0; i < steps; i++) {
		sink = compute(rounds);
		pthread_barrier_wait(&all_done);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[MAX_THREADS];
	double begin = now();

	if (argc > 1)
		threads = strtol(argv[1], NULL, 10);
	if (argc > 2)
		steps = strtol(argv[2], NULL, 10);
	if (argc > 3)
		rounds = strtol(argv[3], NULL, 10);
	if (threads < 1 || threads > MAX_THREADS || steps < 1 || rounds < 1) {
		fputs("usage: steps [THREADS [STEPS [ROUNDS]]]\n", stderr);
		return 2;
	}
	pthread_barrier_init(&all_done, NULL, (unsigned)threads);
	for (long i = 0; i < threads; i++) {
		if (pthread_create(&thread[i], NULL, worker, NULL))
			return 1;
		pthread_setname_np(thread[i], "step");
	}
	for (long i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("%ld steps in %.3f s\n", steps, now() - begin);
	return 0;
}
