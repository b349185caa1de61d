/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short periodic work beside work without end: "ticker" threads sleep a
 * moment and compute a little, over and over; "batch" threads only compute.
 * Prints how many ticks and how much batch work were done per second.
 *
 *   mix [TICKERS [BATCH [SECONDS]]]      3 tickers, 3 batch threads, 3 s
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "work.h"

#define MAX_THREADS 64
#define PAUSE_NS    4000000
#define TICK_ROUNDS 400000
#define UNIT_ROUNDS 1000000

static volatile bool stop;

struct worker {
	pthread_t thread;
	bool batch;
	uint64_t done, sink;
};

static void *work(void *arg)
{
	const struct timespec pause = {0, PAUSE_NS};
	struct worker *w = arg;

	while (!stop) {
		if (!w->batch)
			nanosleep(&pause, NULL);
		w->sink ^= compute(w->batch ? UNIT_ROUNDS : TICK_ROUNDS);
		w->done++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long tickers = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
	long batch = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
	long seconds = argc > 3 ? strtol(argv[3], NULL, 10) : 3;
	static struct worker w[MAX_THREADS];
	uint64_t ticks = 0, units = 0;

	if (tickers < 0 || batch < 0 || tickers + batch < 1 ||
	    tickers + batch > MAX_THREADS || seconds < 1) {
		fputs("usage: mix [TICKERS [BATCH [SECONDS]]]\n", stderr);
		return 2;
	}
	for (long i = 0; i < tickers + batch; i++) {
		w[i].batch = i >= tickers;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			return 1;
		pthread_setname_np(w[i].thread,
				   w[i].batch ? "batch" : "ticker");
	}
	nanosleep(&(struct timespec){seconds, 0}, NULL);
	stop = true;
	for (long i = 0; i < tickers + batch; i++) {
		pthread_join(w[i].thread, NULL);
		*(w[i].batch ? &units : &ticks) += w[i].done;
	}
	printf("%.1f ticks/s\n%.1f units/s\n", (double)ticks / (double)seconds,
	       (double)units / (double)seconds);
	return 0;
}
