/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs whose lengths differ, and could be known when they begin: not from the
 * thread that does them, for each does short ones and long ones, but from what
 * happened before.
 *
 *   foreseen pool    A job comes from one of four sources, each of which looks
 *                    at it first, and is done by the worker that has been idle
 *                    for longest: how long it will take says who woke it.
 *   foreseen frames  Streams of frames, each at a rate of its own: one frame is
 *                    large, those after it are small, as coders of video have
 *                    it.  What those before it took says which one is next.
 *   foreseen drain   Each works off what came while it slept: the longer it
 *                    slept, the longer it works.
 *
 * The same jobs come at the same times in every run.  Prints how many there
 * were, how long it took from a job's time to its end, and that by the job's
 * length: its slowdown, which is 1 for who need never wait.
 */
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "work.h"

#define MAX_THREADS 64
#define MAX_SAMPLES (1 << 14)
#define WARMUP	    0.5
#define SOURCES	    4
#define WORKERS	    48
#define STREAMS	    16
#define DRAINS	    14
#define STEP_ROUNDS 2000

static double seconds = 3, load = 1;
static double begin, end;

/* ---- work and time ---------------------------------------------------- */

/* Computes for so long on a CPU, however many others there are. */
static void burn(double s)
{
	struct timespec ts;
	double until = -1, at;
	static __thread volatile uint64_t sink __attribute__((unused));

	do {
		sink = compute(STEP_ROUNDS);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		at = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
		if (until < 0)
			until = at + s;
	} while (at < until);
}

static void sleep_until(double at)
{
	struct timespec ts = {(time_t)at, 0};

	ts.tv_nsec = (long)((at - (double)ts.tv_sec) * 1e9);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Of a mean of 1, and never far from what is usual: no single job decides on
 * the result. */
static double spaced(unsigned *seed)
{
	double u = (rand_r(seed) + 0.5) / (RAND_MAX + 1.0);

	return u > 0.02 ? -log(u) : -log(0.02);
}

/* ---- threads and their samples ---------------------------------------- */

/* Its own samples: no thread waits for another one. */
struct runner {
	pthread_t thread;
	unsigned n;
	struct sample {
		double took, slowdown;
	} * samples;
	size_t count;
};

static struct runner runners[MAX_THREADS];

static void done(struct runner *r, double since, double length)
{
	double took = now() - since;

	if (since >= begin && since < end && r->count < MAX_SAMPLES)
		r->samples[r->count++] = (struct sample){took, took / length};
}

static void start(struct runner *r, unsigned n, void *(*run)(void *))
{
	r->n = n;
	r->samples = malloc(sizeof(*r->samples) * MAX_SAMPLES);
	if (!r->samples || pthread_create(&r->thread, NULL, run, r)) {
		fputs("foreseen: no more threads\n", stderr);
		exit(1);
	}
}

/* ---- pool ------------------------------------------------------------- */

struct worker {
	sem_t wanted;
	struct worker *next;
	double since, length; /* of its job; length 0: there will be none */
};

static struct {
	pthread_mutex_t mutex; /* held for a moment, and never by who waits */
	struct worker all[WORKERS];
	struct worker *first, **last; /* idle … */
	sem_t idle;		      /* … so many */
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void rest(struct worker *w)
{
	pthread_mutex_lock(&pool.mutex);
	w->next = NULL;
	*pool.last = w;
	pool.last = &w->next;
	pthread_mutex_unlock(&pool.mutex);
	sem_post(&pool.idle);
}

static void *work(void *arg)
{
	struct runner *r = arg;
	struct worker *w = &pool.all[r->n];

	for (;;) {
		while (sem_wait(&w->wanted))
			;
		if (w->length <= 0)
			return NULL;
		burn(w->length);
		done(r, w->since, w->length);
		rest(w);
	}
}

/* There are more than are ever busy, where the machine has time for it all. */
static struct worker *idle_worker(void)
{
	struct worker *w;

	while (sem_wait(&pool.idle))
		;
	pthread_mutex_lock(&pool.mutex);
	w = pool.first;
	pool.first = w->next;
	if (!pool.first)
		pool.last = &pool.first;
	pthread_mutex_unlock(&pool.mutex);
	return w;
}

/* Every source brings as much work as any other: 2 ms at a time, 5, 12.5 or
 * 31 ms. */
static void *source(void *arg)
{
	struct runner *r = arg;
	unsigned seed = 7 + r->n;
	double length = 0.002 * pow(2.5, r->n), at = begin - WARMUP;
	double gap = length / 0.4 / load;
	struct worker *w;

	for (;;) {
		at += gap * spaced(&seed);
		if (at >= end)
			return NULL;
		sleep_until(at);
		burn(length / 25);
		w = idle_worker();
		w->since = at;
		w->length = length;
		sem_post(&w->wanted);
	}
}

static unsigned run_pool(void)
{
	struct runner *sources = runners + WORKERS;

	sem_init(&pool.idle, 0, 0);
	pool.last = &pool.first;
	for (unsigned i = 0; i < WORKERS; i++) {
		sem_init(&pool.all[i].wanted, 0, 0);
		rest(&pool.all[i]);
		start(&runners[i], i, work);
	}
	for (unsigned i = 0; i < SOURCES; i++)
		start(&sources[i], i, source);
	for (unsigned i = 0; i < SOURCES; i++)
		pthread_join(sources[i].thread, NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *w = idle_worker();

		w->length = 0;
		sem_post(&w->wanted);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(runners[i].thread, NULL);
	return WORKERS;
}

/* ---- frames ----------------------------------------------------------- */

static void *stream(void *arg)
{
	static const double ms[] = {36, 12, 6, 3};
	struct runner *r = arg;
	unsigned frame = r->n;
	/* No two have the same rate: how they meet is always another way. */
	double period = (0.1 + 0.003 * r->n) / load, at;

	at = begin - WARMUP + period * r->n / STREAMS;
	for (; at < end; at += period, frame++) {
		sleep_until(at);
		burn(ms[frame % 4] / 1e3);
		done(r, at, ms[frame % 4] / 1e3);
	}
	return NULL;
}

/* ---- drain ------------------------------------------------------------ */

static void *drain(void *arg)
{
	struct runner *r = arg;
	unsigned seed = 11 + r->n;
	double at = now(), slept;

	while (at < end) {
		slept = 0.07 * spaced(&seed) / load;
		at += slept;
		sleep_until(at);
		burn(slept / 5);
		done(r, at, slept / 5);
		at = now();
	}
	return NULL;
}

static unsigned run(void *(*each)(void *), unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		start(&runners[i], i, each);
	for (unsigned i = 0; i < n; i++)
		pthread_join(runners[i].thread, NULL);
	return n;
}

/* ---- the whole -------------------------------------------------------- */

static int report(unsigned threads)
{
	double *took = malloc(sizeof(*took) * MAX_SAMPLES * threads);
	double sum = 0, slowdown = 0;
	size_t n = 0;

	for (unsigned i = 0; took && i < threads; i++) {
		for (size_t k = 0; k < runners[i].count; k++) {
			took[n++] = runners[i].samples[k].took;
			sum += runners[i].samples[k].took;
			slowdown += runners[i].samples[k].slowdown;
		}
	}
	if (!n) {
		fputs("foreseen: no job was done in time\n", stderr);
		return 1;
	}
	qsort(took, n, sizeof(*took), ascending);
	printf("%zu jobs, slowdown mean %.3f, response mean %.3f ms, p99 %.3f "
	       "ms\n",
	       n, slowdown / (double)n, sum / (double)n * 1e3,
	       quantile(took, n, 0.99) * 1e3);
	free(took);
	return 0;
}

static void usage(void)
{
	fputs("usage: foreseen {pool | frames | drain} [--seconds S] "
	      "[--load FACTOR]\n",
	      stderr);
	exit(2);
}

static const char *options(int argc, char **argv)
{
	static const struct option rows[] = {
		{"seconds", required_argument, NULL, 's'},
		{"load", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (o == 's')
			seconds = atof(optarg);
		else if (o == 'l')
			load = atof(optarg);
		else
			usage();
	}
	if (optind + 1 != argc || seconds <= 0 || load <= 0)
		usage();
	return argv[optind];
}

int main(int argc, char **argv)
{
	const char *kind = options(argc, argv);
	unsigned threads = 0;

	begin = now() + WARMUP;
	end = begin + seconds;
	if (!strcmp(kind, "pool"))
		threads = run_pool();
	else if (!strcmp(kind, "frames"))
		threads = run(stream, STREAMS);
	else if (!strcmp(kind, "drain"))
		threads = run(drain, DRAINS);
	else
		usage();
	return report(threads);
}
