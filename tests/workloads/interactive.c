/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interactive requests beside a batch that computes without end.
 *
 * A client asks, waits for the answer, thinks, and asks again.  A request goes
 * through a front thread and a back thread, each of which is woken, does a
 * short piece of work and hands on; the answer wakes the client.  There are as
 * many fronts and backs as clients, so that nobody waits for anything but a
 * CPU: not for a lock, and not for another request.
 *
 * How the machine is divided: clients ask for ROUNDS of work in every think
 * time and own work, which by default is a fifth of one CPU when they never
 * wait; the batch has all the rest.  The optimum therefore is known: every
 * thread that is woken runs at once, a request takes its own work, and the
 * batch loses what the clients use and nothing else.  Run without a batch
 * (--batch 0) it prints that optimum for the clients; run without clients
 * (--clients 0) that of the batch.
 *
 *   interactive [--clients N] [--batch N] [--seconds S] [--think MS]
 *               [--rounds N]
 */
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "work.h"

#define MAX_THREADS 64
#define MAX_SAMPLES (1 << 17)
#define UNIT_ROUNDS 1000000 /* of the batch's progress */
#define WARMUP	    0.3

static struct {
	int clients, batch;
	double seconds, think;
	long rounds; /* work of one request */
} cfg = {1, 16, 2.0, 0.004, 400000};

/* A letter box: whoever posts wakes who waits. */
struct box {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool full;
	double posted_at;
};

/* One client, its front and its back. */
struct client {
	pthread_t client, front, back;
	struct box to_front, to_back, answer;
	double *wakeups, *requests;
	size_t wakeup_count, request_count;
};

struct batch {
	pthread_t thread;
	uint64_t done, sink;
};

static volatile bool stop;
static volatile uint64_t sink;
static double begin;

static void box_init(struct box *b)
{
	pthread_mutex_init(&b->mutex, NULL);
	pthread_cond_init(&b->cond, NULL);
}

static void post(struct box *b)
{
	pthread_mutex_lock(&b->mutex);
	b->full = true;
	b->posted_at = now();
	pthread_mutex_unlock(&b->mutex);
	pthread_cond_signal(&b->cond);
}

/* How long it took from the post to here; below 0: the end. */
static double await(struct box *b)
{
	double took;

	pthread_mutex_lock(&b->mutex);
	while (!b->full && !stop)
		pthread_cond_wait(&b->cond, &b->mutex);
	took = b->full ? now() - b->posted_at : -1;
	b->full = false;
	pthread_mutex_unlock(&b->mutex);
	return took;
}

static void sample(double *list, size_t *n, double value)
{
	if (now() >= begin && *n < MAX_SAMPLES)
		list[(*n)++] = value;
}

static void *front(void *arg)
{
	struct client *c = arg;

	while (await(&c->to_front) >= 0) {
		sink = compute(cfg.rounds / 4);
		post(&c->to_back);
	}
	return NULL;
}

/* The hand-over in the middle is the one whose wakeups are counted: from one
 * running thread to another, and no timer takes part. */
static void *back(void *arg)
{
	struct client *c = arg;
	double took;

	while ((took = await(&c->to_back)) >= 0) {
		sample(c->wakeups, &c->wakeup_count, took);
		sink = compute(cfg.rounds / 4 * 3);
		post(&c->answer);
	}
	return NULL;
}

static void *client(void *arg)
{
	struct client *c = arg;

	while (!stop) {
		double asked_at;

		usleep((useconds_t)(cfg.think * 1e6));
		asked_at = now();
		post(&c->to_front);
		if (await(&c->answer) < 0)
			break;
		sample(c->requests, &c->request_count, now() - asked_at);
	}
	return NULL;
}

static void *batch(void *arg)
{
	struct batch *b = arg;

	while (!stop) {
		b->sink ^= compute(UNIT_ROUNDS);
		if (now() >= begin)
			b->done++;
	}
	return NULL;
}

/* ---- the whole -------------------------------------------------------- */

static void begin_thread(pthread_t *t, void *(*run)(void *), void *arg,
			 const char *name)
{
	if (pthread_create(t, NULL, run, arg)) {
		fputs("interactive: no more threads\n", stderr);
		exit(1);
	}
	pthread_setname_np(*t, name);
}

static void start(struct client *c)
{
	box_init(&c->to_front);
	box_init(&c->to_back);
	box_init(&c->answer);
	c->wakeups = malloc(sizeof(double) * MAX_SAMPLES);
	c->requests = malloc(sizeof(double) * MAX_SAMPLES);
	if (!c->wakeups || !c->requests)
		exit(1);
	begin_thread(&c->front, front, c, "front");
	begin_thread(&c->back, back, c, "back");
	begin_thread(&c->client, client, c, "client");
}

static void end(struct client *c)
{
	struct box *all[] = {&c->to_front, &c->to_back, &c->answer};

	for (size_t i = 0; i < 3; i++) {
		pthread_mutex_lock(&all[i]->mutex);
		pthread_cond_broadcast(&all[i]->cond);
		pthread_mutex_unlock(&all[i]->mutex);
	}
	pthread_join(c->client, NULL);
	pthread_join(c->front, NULL);
	pthread_join(c->back, NULL);
}

/* All clients' samples in one sorted list; *n may be 0. */
static double *gather(struct client *c, bool requests, size_t *n)
{
	double *all = malloc(sizeof(double) * MAX_SAMPLES * MAX_THREADS);

	*n = 0;
	for (int i = 0; all && i < cfg.clients; i++) {
		const double *list = requests ? c[i].requests : c[i].wakeups;
		size_t count =
			requests ? c[i].request_count : c[i].wakeup_count;

		for (size_t k = 0; k < count; k++)
			all[(*n)++] = list[k];
	}
	if (*n)
		qsort(all, *n, sizeof(*all), ascending);
	return all;
}

static int report(struct client *c, struct batch *b, double seconds)
{
	uint64_t units = 0;
	double *requests, *wakeups;
	size_t n, m;

	for (int i = 0; i < cfg.batch; i++)
		units += b[i].done;
	requests = gather(c, true, &n);
	wakeups = gather(c, false, &m);
	if (cfg.clients && (!n || !m)) {
		fputs("interactive: no request was answered\n", stderr);
		return 1;
	}
	if (n)
		printf("%.2f requests/s\n"
		       "wakeup p50 %.1f us, p99 %.1f us, max %.1f us\n"
		       "request p50 %.3f ms, p99 %.3f ms, max %.3f ms\n",
		       (double)n / seconds, quantile(wakeups, m, 0.5) * 1e6,
		       quantile(wakeups, m, 0.99) * 1e6, wakeups[m - 1] * 1e6,
		       quantile(requests, n, 0.5) * 1e3,
		       quantile(requests, n, 0.99) * 1e3,
		       requests[n - 1] * 1e3);
	printf("batch %.2f units/s\n", (double)units / seconds);
	free(requests);
	free(wakeups);
	return 0;
}

static void usage(void)
{
	fputs("usage: interactive [--clients N] [--batch N] [--seconds S] "
	      "[--think MS] [--rounds N]\n",
	      stderr);
	exit(2);
}

static void options(int argc, char **argv)
{
	static const struct option rows[] = {
		{"clients", required_argument, NULL, 'c'},
		{"batch", required_argument, NULL, 'b'},
		{"seconds", required_argument, NULL, 's'},
		{"think", required_argument, NULL, 't'},
		{"rounds", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (o == 'c')
			cfg.clients = atoi(optarg);
		else if (o == 'b')
			cfg.batch = atoi(optarg);
		else if (o == 's')
			cfg.seconds = atof(optarg);
		else if (o == 't')
			cfg.think = atof(optarg) / 1e3;
		else if (o == 'r')
			cfg.rounds = atol(optarg);
		else
			usage();
	}
	if (cfg.clients < 0 || cfg.clients > MAX_THREADS || cfg.batch < 0 ||
	    cfg.batch > MAX_THREADS || cfg.clients + cfg.batch < 1 ||
	    cfg.seconds <= 0 || cfg.think < 0 || cfg.rounds < 4 ||
	    optind < argc)
		usage();
}

int main(int argc, char **argv)
{
	static struct client c[MAX_THREADS];
	static struct batch b[MAX_THREADS];
	double seconds;

	options(argc, argv);
	begin = now() + WARMUP;
	for (int i = 0; i < cfg.batch; i++)
		begin_thread(&b[i].thread, batch, &b[i], "batch");
	for (int i = 0; i < cfg.clients; i++)
		start(&c[i]);
	usleep((useconds_t)((WARMUP + cfg.seconds) * 1e6));
	stop = true;
	seconds = now() - begin;
	for (int i = 0; i < cfg.clients; i++)
		end(&c[i]);
	for (int i = 0; i < cfg.batch; i++)
		pthread_join(b[i].thread, NULL);
	return report(c, b, seconds);
}
