/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests handed to workers, more than the CPUs can serve.
 *
 * Dispatchers hand a request to each worker that is free, at once.  A worker
 * waits for two short pieces of input, takes the spin lock of the shard that
 * belongs to its CPU (as per-CPU allocators and caches have them), computes,
 * and gives the lock back.  Where the holder is preempted, whoever comes to
 * that shard spins in vain until the holder runs again: that is where
 * schedulers differ.  With --no-lock the workers share nothing, and no
 * scheduler can gain anything in rate.
 *
 * Prints requests per second and quantiles of the time from hand-over to
 * completion.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "work.h"

#define MAX_CPUS    512
#define MAX_SAMPLES (1 << 18)
#define INPUT_US    100

static struct {
	int dispatchers, workers; /* workers: of each dispatcher */
	double seconds, warmup;
	long rounds; /* work of one request */
	bool lock;
} cfg = {2, 3, 5.0, 0.5, 7500000, true};

struct worker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct dispatcher *owner;
	struct worker *next; /* in the owner's list of free workers */
	bool handed;
	double handed_at;
	double *samples;
	size_t count;
};

struct dispatcher {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct worker *free;
	struct worker *workers;
};

static pthread_mutex_t shards[MAX_CPUS];
static volatile bool stop;
static double begin;
static volatile uint64_t sink;

/* The shard of the CPU this thread is on once it holds it. */
static pthread_mutex_t *lock_shard(void)
{
	for (;;) {
		int cpu = sched_getcpu();
		pthread_mutex_t *shard = &shards[cpu < 0 ? 0 : cpu % MAX_CPUS];

		while (pthread_mutex_trylock(shard))
			;
		if (cpu == sched_getcpu())
			return shard;
		pthread_mutex_unlock(shard);
	}
}

static void serve(void)
{
	pthread_mutex_t *shard;

	usleep(INPUT_US);
	usleep(INPUT_US);
	shard = cfg.lock ? lock_shard() : NULL;
	sink = compute(cfg.rounds);
	if (shard)
		pthread_mutex_unlock(shard);
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	struct dispatcher *d = w->owner;

	while (!stop) {
		pthread_mutex_lock(&d->mutex);
		w->next = d->free;
		d->free = w;
		pthread_cond_signal(&d->cond);
		pthread_mutex_unlock(&d->mutex);

		pthread_mutex_lock(&w->mutex);
		while (!w->handed && !stop)
			pthread_cond_wait(&w->cond, &w->mutex);
		w->handed = false;
		pthread_mutex_unlock(&w->mutex);
		if (stop)
			break;
		serve();
		if (now() >= begin && w->count < MAX_SAMPLES)
			w->samples[w->count++] = now() - w->handed_at;
	}
	return NULL;
}

static void hand_over(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	w->handed = true;
	w->handed_at = now();
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

static void *dispatcher(void *arg)
{
	struct dispatcher *d = arg;

	pthread_mutex_lock(&d->mutex);
	while (!stop) {
		struct worker *list = d->free, *next;

		if (!list) {
			pthread_cond_wait(&d->cond, &d->mutex);
			continue;
		}
		d->free = NULL;
		pthread_mutex_unlock(&d->mutex);
		for (; list; list = next) {
			next = list->next;
			hand_over(list);
		}
		pthread_mutex_lock(&d->mutex);
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

static void wake_all(struct dispatcher *d)
{
	pthread_mutex_lock(&d->mutex);
	pthread_cond_broadcast(&d->cond);
	pthread_mutex_unlock(&d->mutex);
	for (int i = 0; i < cfg.workers; i++) {
		pthread_mutex_lock(&d->workers[i].mutex);
		pthread_cond_broadcast(&d->workers[i].cond);
		pthread_mutex_unlock(&d->workers[i].mutex);
	}
}

static void report(struct dispatcher *d, double seconds)
{
	double *all = malloc(sizeof(*all) * MAX_SAMPLES);
	size_t n = 0;

	for (int i = 0; i < cfg.dispatchers; i++)
		for (int j = 0; j < cfg.workers; j++)
			for (size_t k = 0; k < d[i].workers[j].count; k++)
				if (n < MAX_SAMPLES)
					all[n++] = d[i].workers[j].samples[k];
	if (!n) {
		fprintf(stderr, "requests: no request was completed\n");
		exit(1);
	}
	qsort(all, n, sizeof(*all), ascending);
	printf("%.2f requests/s, p50 %.2f ms, p99 %.2f ms, max %.2f ms\n",
	       n / seconds, all[n / 2] * 1e3, quantile(all, n, 0.99) * 1e3,
	       all[n - 1] * 1e3);
	free(all);
}

static void start(struct dispatcher *d)
{
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->cond, NULL);
	d->workers = calloc(cfg.workers, sizeof(*d->workers));
	for (int i = 0; i < cfg.workers; i++) {
		struct worker *w = &d->workers[i];

		w->owner = d;
		w->samples = malloc(sizeof(double) * MAX_SAMPLES);
		pthread_mutex_init(&w->mutex, NULL);
		pthread_cond_init(&w->cond, NULL);
		pthread_create(&w->thread, NULL, worker, w);
	}
	pthread_create(&d->thread, NULL, dispatcher, d);
}

static void options(int argc, char **argv)
{
	static const struct option rows[] = {
		{"dispatchers", required_argument, NULL, 'm'},
		{"workers", required_argument, NULL, 't'},
		{"seconds", required_argument, NULL, 's'},
		{"rounds", required_argument, NULL, 'r'},
		{"no-lock", no_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "m:t:s:r:n", rows, NULL)) != -1) {
		if (c == 'm')
			cfg.dispatchers = atoi(optarg);
		else if (c == 't')
			cfg.workers = atoi(optarg);
		else if (c == 's')
			cfg.seconds = atof(optarg);
		else if (c == 'r')
			cfg.rounds = atol(optarg);
		else if (c == 'n')
			cfg.lock = false;
		else
			exit(2);
	}
	if (cfg.dispatchers < 1 || cfg.workers < 1 || cfg.seconds <= 0 ||
	    cfg.rounds < 1 || optind < argc) {
		fprintf(stderr, "requests: numbers must be above 0\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct dispatcher *d;
	double seconds;

	options(argc, argv);
	for (int i = 0; i < MAX_CPUS; i++)
		pthread_mutex_init(&shards[i], NULL);
	d = calloc(cfg.dispatchers, sizeof(*d));
	begin = now() + cfg.warmup;
	for (int i = 0; i < cfg.dispatchers; i++)
		start(&d[i]);
	usleep((cfg.warmup + cfg.seconds) * 1e6);
	stop = true;
	seconds = now() - begin;
	for (int i = 0; i < cfg.dispatchers; i++) {
		wake_all(&d[i]);
		pthread_join(d[i].thread, NULL);
		for (int j = 0; j < cfg.workers; j++)
			pthread_join(d[i].workers[j].thread, NULL);
	}
	report(d, seconds);
	return 0;
}
