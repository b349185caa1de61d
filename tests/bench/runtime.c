/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request costs that does nothing: submitted, started, done, delivered,
 * in one process, with so many others in the queue; for each policy.
 *   runtime [SECONDS [POLICY]]
 * It is the process's CPU time that counts: it never waits, and what else the
 * machine does is not its concern.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "rt/rt.h"

static double cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench {
	struct rt *r;
	double now;
	uint64_t started[16]; /* leases */
	size_t running;
	size_t ended;
};

static void start(void *arg, const struct rt_task *t, const struct rt_lease *l)
{
	struct bench *b = arg;

	(void)t;
	b->started[b->running++] = l->id;
}

static void nothing(void *arg, const struct rt_task *t,
		    const struct rt_lease *l)
{
	(void)arg, (void)t, (void)l;
}

static void ended(void *arg, const struct rt_task *t,
		  const struct rt_outcome *o)
{
	struct bench *b = arg;

	(void)o;
	b->ended++;
	rt_delivered(b->r, t->id, b->now);
}

static const struct rt_ops ops = {
	.start = start,
	.suspend = nothing,
	.cancel = nothing,
	.ended = ended,
};

static void add_workers(struct bench *b)
{
	struct rt_worker_spec s;

	rt_worker_spec_init(&s);
	free(s.name);
	s.name = mem_strdup("cpu");
	s.kinds = 1u << RT_TOOL;
	s.capacity.v[RES_CORES] = 2000;
	rt_worker_add(b->r, &s, 0, 0);
	free(s.name);
	s.name = mem_strdup("busy");
	s.kinds = 1u << RT_SIM;
	s.capacity.v[RES_CORES] = 1000;
	rt_worker_add(b->r, &s, 0, 0);
	rt_worker_spec_release(&s);
}

/* Eight runs, each of so many shapes. */
static void submit(struct bench *b, struct rt_request *q, size_t i,
		   size_t shapes)
{
	static char runs[][2] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	uint64_t id;

	q->run = runs[i % ARRAY_LEN(runs)];
	q->need.v[RES_CORES] = 1000 - (int64_t)(i / 8 % shapes);
	q->most = q->need;
	if (rt_submit(b->r, q, 1, 1, b->now, &id)) {
		fprintf(stderr, "runtime: a request was refused\n");
		exit(3);
	}
}

/* What was started is done, and as much is submitted anew. */
static void turn(struct bench *b, struct rt_request *q, size_t shapes)
{
	struct rt_outcome o;

	b->now += 1e-5;
	rt_step(b->r, b->now);
	rt_outcome_init(&o);
	while (b->running) {
		rt_done(b->r, b->started[--b->running], &o, b->now);
		submit(b, q, b->ended + b->running, shapes);
	}
	rt_outcome_release(&o);
}

/* Requests a second that pass a queue of so many. */
static double measure(const char *policy, size_t queued, size_t shapes,
		      double seconds)
{
	struct bench b = {0};
	struct rt_request q;
	struct rt_opts o;
	double begin, took;
	char *run;

	rt_opts_init(&o);
	o.policy = policy;
	o.ops = &ops;
	o.arg = &b;
	if (rt_new(&o, &b.r))
		exit(3);
	add_workers(&b);
	rt_request_init(&q);
	run = q.run;
	q.kind = RT_TOOL;
	for (size_t i = 0; i < queued; i++)
		submit(&b, &q, i, shapes);
	begin = cpu_time();
	do {
		for (int i = 0; i < 256; i++)
			turn(&b, &q, shapes);
		took = cpu_time() - begin;
	} while (took < seconds);
	q.run = run;
	rt_request_release(&q);
	rt_free(b.r);
	return (double)b.ended / took;
}

static void table(const char *policy, double seconds)
{
	static const size_t queued[] = {1, 1000, 100000}, shapes[] = {1, 100};

	for (size_t s = 0; s < ARRAY_LEN(shapes); s++)
		for (size_t i = 0; i < ARRAY_LEN(queued); i++)
			printf("%-10s %7zu %7zu %12.0f\n", policy, shapes[s],
			       queued[i],
			       measure(policy, queued[i], shapes[s], seconds));
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;

	printf("%-10s %7s %7s %12s\n", "policy", "shapes", "queued",
	       "requests/s");
	for (size_t p = 0; rt_policies[p]; p++)
		if (argc < 3 || !strcmp(argv[2], rt_policies[p]->name))
			table(rt_policies[p]->name, seconds);
	return 0;
}
