/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs of a profile's tasks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim/load_profile.h"

/* Work that has an end is cut into so many bursts, one of each quantile. */
#define STRATA 32
/* What a task posts when it ends: nobody waits for it any more. */
#define FOR_EVER 32768
/* Jobs in such rounds, so that kinds of which there are many mix. */
#define ROUNDS 64
/* As many jobs to one that is active: they start as others end. */
#define QUEUED	  2.5
#define MAX_JOBS  65536
#define MAX_KINDS 4096
#define MIN_BURST 100.0

static size_t index_of(const struct profile *p, const struct profile_group *g)
{
	return (size_t)(g - p->g);
}

static size_t here(const struct profile *p, uint32_t t)
{
	return p->l->tasks[t].op_count;
}

static struct load_op *add(struct profile *p, uint32_t t, enum load_what what)
{
	return load_add_op(p->l, t, what);
}

static void post(struct profile *p, uint32_t t, uint32_t sem, int32_t n)
{
	struct load_op *op = add(p, t, LOAD_POST);

	op->obj = sem;
	op->n = n;
}

static size_t skip(struct profile *p, uint32_t t, double chance, int32_t n)
{
	struct load_op *op = add(p, t, LOAD_SKIP);

	op->p = (float)chance;
	op->n = n;
	return here(p, t) - 1;
}

static uint32_t add_task(struct profile *p, const struct profile_group *g,
			 uint32_t instances)
{
	uint32_t t = load_add_task(p->l, g->name, g->group);
	struct load_task *task = &p->l->tasks[t];

	task->instances = instances;
	task->nice = g->nice;
	task->kernel = g->kernel;
	task->background = g->kernel;
	return t;
}

/* ---- bursts ------------------------------------------------------------ */

static void begin(struct profile *p, const struct profile_group *g, uint32_t t)
{
	uint32_t metric[] = {g->metric, p->request};
	size_t n = index_of(p, g) == p->main ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		struct load_op *op = add(p, t, LOAD_BEGIN);

		op->obj = metric[i];
		op->n = 1;
	}
}

static void done(struct profile *p, const struct profile_group *g, uint32_t t)
{
	load_op_obj(p->l, t, LOAD_DONE, g->metric);
	if (index_of(p, g) == p->main)
		load_op_obj(p->l, t, LOAD_DONE, p->request);
}

static void run_table(struct profile *p, const struct profile_group *g,
		      uint32_t t, double from, double to, double mean)
{
	struct load_dist d = {.ns = load_ns(fmax(mean, MIN_BURST))};

	if (g->burst.n)
		d = spread_table(&g->burst, from, to, mean);
	add(p, t, LOAD_RUN)->dist = d;
}

/* The lower part of the bursts: nobody was in the way then. */
static void run_locked(struct profile *p, const struct profile_group *g,
		       uint32_t t)
{
	enum load_what ends[] = {LOAD_LOCK, LOAD_UNLOCK};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct load_op *op = add(p, t, ends[i]);

		op->obj = g->lock;
		op->obj2 = p->cpus;
		op->n = 1;
		if (!i)
			run_table(p, g, t, g->split,
				  g->split + LOCK_FREE * (1 - g->split), 0);
	}
	done(p, g, t);
}

static void burst(struct profile *p, const struct profile_group *g, uint32_t t)
{
	size_t over;

	if (!g->locks) {
		run_table(p, g, t, 0, 1,
			  fmax(g->run_ns / g->bursts, MIN_BURST));
		done(p, g, t);
		return;
	}
	if (g->split <= 0) {
		run_locked(p, g, t);
		return;
	}
	over = skip(p, t, g->split, 0);
	run_locked(p, g, t);
	skip(p, t, 1, 1);
	p->l->tasks[t].ops[over].n = (int32_t)(here(p, t) - over - 1);
	run_table(p, g, t, 0, g->split, 0);
}

/* ---- wakeups and sleeps ------------------------------------------------ */

/* Wakes others as often as it did. */
static void wake_others(struct profile *p, const struct profile_group *g,
			uint32_t t)
{
	size_t self = index_of(p, g);

	for (size_t j = 0; j < p->n; j++) {
		double each = p->open[self][j] / g->bursts;
		double whole = floor(each);

		if (each <= 0)
			continue;
		if (whole >= 1)
			post(p, t, p->g[j].open, (int32_t)fmin(whole, 1024));
		if (each > whole) {
			skip(p, t, 1 - (each - whole), 1);
			post(p, t, p->g[j].open, 1);
		}
	}
}

static void nap(struct profile *p, const struct profile_group *g, uint32_t t)
{
	struct load_dist d = {.ns = load_ns(g->gap_ns)};

	if (g->sleep.n)
		d = spread_table(&g->sleep, g->nap_from, g->nap_to, 0);
	add(p, t, LOAD_SLEEP)->dist = d;
}

#define MAX_WAYS (PROFILE_MAX_GROUPS + 2)

/* One of several ways to end a burst, each with a chance of its own; what is
 * left over goes on without a sleep. */
static void rest(struct profile *p, const struct profile_group *g, uint32_t t)
{
	double chance[MAX_WAYS] = {g->external / g->bursts}, left = 1;
	size_t self = index_of(p, g), out[MAX_WAYS], outs = 0;

	for (size_t j = 0; j < p->n; j++) {
		chance[1] += p->open[j][self] / g->bursts;
		chance[2 + j] = p->hand[self][j] / g->bursts;
	}
	for (size_t way = 0; way < 2 + p->n; way++) {
		double share = left > 0 ? fmin(chance[way] / left, 1) : 0;

		if (share <= 0)
			continue;
		if (share < 1)
			skip(p, t, 1 - share, way < 2 ? 2 : 3);
		if (way == 0) {
			nap(p, g, t);
		} else if (way == 1) {
			load_op_obj(p->l, t, LOAD_WAIT, g->open);
		} else {
			post(p, t, p->g[way - 2].turn, 1);
			load_op_obj(p->l, t, LOAD_WAIT, g->turn);
		}
		out[outs++] = skip(p, t, 1, 0);
		left -= chance[way];
	}
	for (size_t i = 0; i < outs; i++)
		p->l->tasks[t].ops[out[i]].n =
			(int32_t)(here(p, t) - out[i] - 1);
}

/* ---- work with an end -------------------------------------------------- */

/* `count` bursts of total_ns together: one of each quantile, in an order of
 * their own, as often as it takes. */
static void work(struct profile *p, const struct profile_group *g, uint32_t t,
		 double count, double total_ns)
{
	size_t n = (size_t)fmin(fmax(round(count), 1), STRATA),
	       top = here(p, t);
	double v[STRATA], sum = 0, loops = fmax(round(count / (double)n), 1);
	struct rng rng;

	rng_init(&rng, t);
	loops = fmin(loops, 1e9);
	for (size_t i = 0; i < n; i++) {
		v[i] = g->burst.n
			       ? spread_quantile(&g->burst,
						 ((double)i + 0.5) / (double)n)
			       : 1;
		v[i] = fmax(v[i], 1);
		sum += v[i];
	}
	for (size_t i = n; i > 0; i--) {
		size_t at = (size_t)rng_below(&rng, i);
		double ns = v[at] * total_ns / (sum * loops);

		v[at] = v[i - 1];
		load_op_ns(p->l, t, LOAD_RUN, load_ns(round(ns)));
		wake_others(p, g, t);
		rest(p, g, t);
	}
	if (loops > 1)
		load_op_loop(p->l, t, top, (int32_t)loops);
}

/* Whoever waits for a task that has ended would wait for ever. */
static void release(struct profile *p, const struct profile_group *g,
		    uint32_t t)
{
	size_t self = index_of(p, g);

	for (size_t j = 0; j < p->n; j++) {
		if (p->hand[self][j] > 0)
			post(p, t, p->g[j].turn, FOR_EVER);
		if (p->open[self][j] > 0)
			post(p, t, p->g[j].open, FOR_EVER);
	}
}

/* ---- tasks that live all the time -------------------------------------- */

static void add_lasting(struct profile *p, struct profile_group *g,
			uint32_t instances, bool active)
{
	uint32_t t;
	size_t top;

	if (!instances)
		return;
	t = add_task(p, g, instances);
	/* Threads execute nothing themselves. */
	if (g->execs > 0.5 * g->tasks)
		p->l->tasks[t].identity = g->identity;
	if (!active)
		load_op_obj(p->l, t, LOAD_WAIT, g->turn);
	top = here(p, t);
	begin(p, g, t);
	if (p->finite) {
		work(p, g, t, g->bursts / g->tasks, g->run_ns / g->tasks);
		done(p, g, t);
		release(p, g, t);
		add(p, t, LOAD_EXIT);
		return;
	}
	burst(p, g, t);
	wake_others(p, g, t);
	rest(p, g, t);
	load_op_loop(p->l, t, top, 0);
}

/* How many do not begin by waiting for their turn. */
static double active_of(const struct profile *p, const struct profile_group *g)
{
	size_t self = index_of(p, g);
	double active = profile_active(p, g), others = 0, hands = 0;

	for (size_t j = 0; j < p->n; j++) {
		hands += p->hand[self][j];
		if (j != self && p->hand[self][j] > 0)
			others = fmax(others, profile_active(p, &p->g[j]));
	}
	if (hands <= 0)
		return g->tasks;
	active = fmin(round(active),
		      p->hand[self][self] > 0 ? g->tasks - 1 : g->tasks);
	return others >= 0.5 ? active : fmax(active, 1);
}

void profile_add_lasting(struct profile *p, struct profile_group *g)
{
	uint32_t tasks = (uint32_t)g->tasks;
	double most = active_of(p, g);
	uint32_t active = most < g->tasks ? (uint32_t)fmax(most, 0) : tasks;

	add_lasting(p, g, active, true);
	add_lasting(p, g, tasks - active, false);
}

/* ---- jobs -------------------------------------------------------------- */

struct job {
	uint64_t identity;
	uint32_t count, task;
};

struct jobs {
	struct job *v;
	size_t n;
	double count, active;
	uint32_t slots; /* semaphore */
	bool queued;	/* jobs start when others end */
};

static void add_job(struct profile *p, struct profile_group *g, struct jobs *j,
		    uint64_t identity, double count, double run_ns)
{
	double bursts = g->bursts * run_ns / g->run_ns;
	struct job job = {
		.identity = identity,
		.count = (uint32_t)fmin(fmax(round(count), 1), MAX_JOBS)};

	job.task = add_task(p, g, 0);
	if (identity)
		add(p, job.task, LOAD_EXEC)->id = identity;
	begin(p, g, job.task);
	work(p, g, job.task, bursts / job.count, run_ns / job.count);
	done(p, g, job.task);
	if (j->queued)
		post(p, job.task, j->slots, 1);
	add(p, job.task, LOAD_EXIT);
	j->v = mem_realloc(j->v, j->n + 1, sizeof(*j->v));
	j->v[j->n++] = job;
}

static double positive(const struct json *v, const char *key)
{
	return fmin(fmax(json_as_number(json_get(v, key), 0), 0), 1e12);
}

static uint64_t hash_of(const struct json *v)
{
	return strtoull(json_as_string(json_get(v, "hash"), ""), NULL, 16);
}

/* A job for each thing executed under the group's name, else for each task. */
static void add_jobs(struct profile *p, struct profile_group *g, struct jobs *j)
{
	if (g->known_ns <= 0)
		add_job(p, g, j, 0, g->tasks, g->run_ns);
	json_each (v, json_get(p->body, "identities")) {
		double run = 1000 * positive(v, "run_us");

		if (run <= 0 || j->n == MAX_KINDS ||
		    strcmp(json_as_string(json_get(v, "name"), ""), g->name))
			continue;
		add_job(p, g, j, hash_of(v), positive(v, "execs"),
			run * g->run_ns / g->known_ns);
	}
}

/* By what was executed: in no order that a scheduler could gain from. */
static int job_order(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return x->identity < y->identity ? -1 : x->identity > y->identity;
}

static void start_all(struct profile *p, struct jobs *j)
{
	struct profile_group *g = p->root < p->n ? &p->g[p->root] : NULL;
	double each = g ? g->run_ns / (j->count + 1) : 0;
	uint32_t t = g ? add_task(p, g, 1)
		       : load_add_task(p->l, "start",
				       load_add_group(p->l, "(start)"));

	json_each (v, json_get(p->body, "identities")) {
		if (g &&
		    !strcmp(json_as_string(json_get(v, "name"), ""), g->name)) {
			add(p, t, LOAD_EXEC)->id = hash_of(v);
			break;
		}
	}
	qsort(j->v, j->n, sizeof(*j->v), job_order);
	for (uint64_t round = 0; round < ROUNDS * j->n; round++) {
		const struct job *job = &j->v[round % j->n];
		uint64_t at = round / j->n;
		uint64_t times = (at + 1) * job->count / ROUNDS -
				 at * job->count / ROUNDS;
		size_t top = here(p, t);

		if (!times)
			continue;
		if (j->queued)
			load_op_obj(p->l, t, LOAD_WAIT, j->slots);
		load_op_ns(p->l, t, LOAD_RUN, load_ns(each));
		load_op_obj(p->l, t, LOAD_FORK, job->task);
		if (times > 1)
			load_op_loop(p->l, t, top, (int32_t)times);
	}
	load_op_ns(p->l, t, LOAD_RUN, load_ns(each));
	add(p, t, LOAD_JOIN);
	add(p, t, LOAD_EXIT);
}

/* One after the other, at random, for as long as it lasts. */
static void arrive(struct profile *p, struct jobs *j)
{
	uint32_t group = load_add_group(p->l, "(arrivals)");

	for (size_t i = 0; i < j->n; i++) {
		uint32_t t = load_add_task(p->l, "arrivals", group);
		struct load_op *op = add(p, t, LOAD_SLEEP);

		op->dist.kind = DIST_EXP;
		op->dist.ns = load_ns(fmax(p->duration_ns / j->v[i].count, 1));
		load_op_obj(p->l, t, LOAD_FORK, j->v[i].task);
		load_op_loop(p->l, t, 0, 0);
		p->l->tasks[t].background = true;
	}
}

static void count_jobs(const struct profile *p, struct jobs *j)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct profile_group *g = &p->g[i];

		if (!g->passing)
			continue;
		j->active += profile_active(p, g);
		if (g->known_ns <= 0)
			j->count += g->tasks;
		json_each (v, json_get(p->body, "identities")) {
			if (!strcmp(json_as_string(json_get(v, "name"), ""),
				    g->name))
				j->count +=
					fmin(positive(v, "execs"), MAX_JOBS);
		}
	}
}

void profile_add_passing(struct profile *p)
{
	struct jobs j = {0};

	count_jobs(p, &j);
	if (j.count <= 0)
		return;
	if (p->finite && j.count > QUEUED * j.active) {
		double slots = fmin(fmax(ceil(j.active), 1), MAX_JOBS);

		j.queued = true;
		j.slots = load_add_sem(p->l, (uint32_t)slots, false);
		load_note(p->l,
			  "%.0f jobs are started %.0f at a time, as many "
			  "as were active",
			  j.count, slots);
	} else if (p->finite) {
		load_note(p->l,
			  "%.0f jobs are started one right after the "
			  "other",
			  j.count);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (p->g[i].passing)
			add_jobs(p, &p->g[i], &j);
	}
	if (p->finite)
		start_all(p, &j);
	else
		arrive(p, &j);
	free(j.v);
}
