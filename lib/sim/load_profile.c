/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A statistical model of what was observed.
 *
 * Groups of the profile become groups of tasks with the same bursts and
 * sleeps.  Who woke whom becomes semaphores.  A profile does not say in which
 * order things went; what is assumed about that is in the load's notes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_profile.h"

/* Less of the run time, and of the wakeups, than this is left out. */
#define MIN_RUN	    0.005
#define MIN_WAKEUPS 0.05
/* Fewer wakeups by one group are no chain. */
#define MIN_CHAIN 10
/* Until forked threads wait. */
#define SETTLE_NS 5000000
/* From this share of wakeups by a holder on there is a lock, if the longest
 * bursts are so many times the shortest. */
#define MIN_HOLDER 0.05
#define MIN_SPREAD 2.5
#define MAX_VALUE  1e15
#define ASSUMED_NS 5e6

static double number(const struct json *v, const char *key)
{
	double x = json_as_number(json_get(v, key), 0);

	return x > 0 ? fmin(x, MAX_VALUE) : 0;
}

static double micros(const struct json *v, const char *key)
{
	return 1000 * fmin(number(v, key), MAX_VALUE / 1000);
}

/* The kernel's weights are 1024 * 1.25^-nice. */
static int nice_of(double weight)
{
	double step = 1024;
	int nice = 0;

	if (weight <= 0)
		return 0;
	for (; nice > -20 && step * 1.118 < weight; nice--)
		step *= 1.25;
	for (; nice < 19 && step > weight * 1.118; nice++)
		step /= 1.25;
	return nice;
}

/* From /proc there is only the run time. */
static void assume_bursts(struct profile *p, struct profile_group *g)
{
	double idle = p->duration_ns * g->tasks - g->run_ns - g->wait_ns;

	g->bursts = fmax(round(g->run_ns / ASSUMED_NS), 1);
	if (idle > 0.02 * p->duration_ns * g->tasks) {
		g->external = g->bursts;
		g->gap_ns = idle / g->bursts;
	}
	load_note(p->l, "bursts that were not observed are taken as of %d ms",
		  (int)(ASSUMED_NS / 1000000));
}

static int read_group(struct profile *p, const struct json *v)
{
	struct profile_group *g = &p->g[p->n++];
	int rc;

	*g = (struct profile_group){
		.v = v,
		.name = json_as_string(json_get(v, "name"), ""),
		.kernel = json_as_bool(json_get(v, "kernel"), false),
		.tasks = fmin(fmax(number(v, "tasks"), 1), 65536),
		.run_ns = micros(v, "run_us"),
		.wait_ns = micros(v, "wait_us"),
		.wakeups = number(v, "wakeups"),
		.forks = number(v, "forks"),
		.holder = number(v, "preempted_holder_wakes"),
		.preempted = number(v, "preemptions"),
		.nice = nice_of(number(v, "weight")),
		.nap_to = 1,
	};
	rc = spread_add(&g->burst, json_get(v, "burst_us"));
	if (!rc)
		rc = spread_add(&g->sleep, json_get(v, "sleep_us"));
	if (!rc)
		rc = spread_add(&g->sleep, json_get(v, "block_us"));
	if (rc)
		return err_prefix(rc, "group '%s'", g->name);
	p->run_ns += g->run_ns;
	if (g->burst.count > 0)
		g->bursts = fmax(fmin(g->burst.count, 1e9), 1);
	else
		assume_bursts(p, g);
	return 0;
}

static size_t find_group(const struct profile *p, const char *name)
{
	size_t i = 0;

	while (i < p->n && (!p->g[i].kept || strcmp(p->g[i].name, name)))
		i++;
	return i;
}

static void read_wakers(struct profile *p, size_t whom)
{
	struct profile_group *g = &p->g[whom];
	double all = 0, woken, most;

	json_each (w, json_get(g->v, "wakers")) {
		double count = number(w, "count");
		size_t by =
			find_group(p, json_as_string(json_get(w, "group"), ""));

		all += count;
		/* What happened a few times only is no chain: waiting for it
		 * to happen again could take for ever. */
		if (by < p->n && !g->passing && !p->g[by].passing &&
		    count >= MIN_CHAIN)
			p->open[by][whom] += count;
		else if (by == p->n || !g->passing)
			g->external += count;
	}
	/* Nobody knows who woke them: nobody did. */
	if (all <= 0 && g->sleep.count > 0)
		g->external = fmin(g->sleep.count, g->bursts);
	woken = g->external;
	for (size_t by = 0; by < p->n; by++)
		woken += p->open[by][whom];
	/* No burst ends in more than one sleep, and what was woken only when
	 * it began has not slept. */
	most = json_get(g->v, "sleep_us") ? fmin(g->sleep.count, g->bursts)
					  : g->bursts;
	if (woken <= most)
		return;
	g->external *= most / woken;
	for (size_t by = 0; by < p->n; by++)
		p->open[by][whom] *= most / woken;
}

/* What goes to and fro is handed over; what goes in circles otherwise would
 * end once all wait, so time takes its place. */
static void sort_wakeups(struct profile *p)
{
	static _Thread_local bool reach[PROFILE_MAX_GROUPS][PROFILE_MAX_GROUPS];
	size_t n = p->n;

	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b <= a; b++) {
			double both = fmin(p->open[a][b], p->open[b][a]);

			p->hand[a][b] = p->hand[b][a] = both;
			p->open[a][b] -= both;
			if (a != b)
				p->open[b][a] -= both;
		}
	}
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			reach[a][b] = p->open[a][b] > 0;
	for (size_t k = 0; k < n; k++)
		for (size_t a = 0; a < n; a++)
			for (size_t b = 0; b < n; b++)
				reach[a][b] |= reach[a][k] && reach[k][b];
	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b < n; b++) {
			if (p->open[a][b] <= 0 || !reach[b][a])
				continue;
			p->g[b].external += p->open[a][b];
			p->open[a][b] = 0;
			load_note(p->l,
				  "'%s' waking '%s' is taken as time "
				  "going by",
				  p->g[a].name, p->g[b].name);
		}
	}
}

/* Sleeps that interrupts end are timers for the most part, and alike. */
static void find_naps(struct profile_group *g)
{
	double share;

	if (g->sleep.count <= 0)
		return;
	share = fmin(g->external / g->sleep.count, 1);
	if (share > 0 && share < 1)
		spread_densest(&g->sleep, share, &g->nap_from, &g->nap_to);
	for (int i = 0; i < 64 && share > 0; i++)
		g->nap_ns += spread_quantile(&g->sleep,
					     g->nap_from +
						     (g->nap_to - g->nap_from) *
							     (i + 0.5) / 64) *
			     share * g->sleep.count / 64;
}

static void find_lock(struct profile *p, struct profile_group *g)
{
	double low, high;

	if (g->holder < MIN_HOLDER * g->wakeups || g->holder < 1 || p->finite)
		return;
	g->split = spread_split(&g->burst);
	/* Whoever waits running has bursts of all lengths. */
	low = spread_quantile(&g->burst, g->split + 0.1 * (1 - g->split));
	high = spread_quantile(&g->burst, g->split + 0.9 * (1 - g->split));
	if (high < MIN_SPREAD * low)
		return;
	g->locks = true;
	g->lock = (uint32_t)p->l->lock_count;
	p->l->lock_count += p->cpus;
	load_note(
		p->l,
		"'%s': preempted tasks kept others waiting: its %sbursts "
		"are taken to hold a lock that belongs to their CPU, for "
		"which others wait running; what is above the shortest eighth is "
		"taken as such waiting",
		g->name, g->split > 0 ? "long " : "");
}

double profile_active(const struct profile *p, const struct profile_group *g)
{
	return (g->run_ns + g->wait_ns + g->nap_ns) / p->duration_ns;
}

/* The run time of what was executed under a group's name. */
static void read_identities(struct profile *p)
{
	json_each (v, json_get(p->body, "identities")) {
		size_t i =
			find_group(p, json_as_string(json_get(v, "name"), ""));

		if (i == p->n)
			continue;
		p->g[i].known_ns += micros(v, "run_us");
		p->g[i].execs += number(v, "execs");
		if (!p->g[i].identity)
			p->g[i].identity = strtoull(
				json_as_string(json_get(v, "hash"), ""), NULL,
				16);
	}
}

/* Threads of a program that runs all along, or jobs that come and go? */
static bool passes(const struct profile *p, size_t i)
{
	const struct profile_group *g = &p->g[i];
	double life = (g->run_ns + g->wait_ns + g->sleep.sum_ns) / g->tasks;
	double forks = 0;

	for (size_t j = 0; j < p->n; j++)
		forks += p->g[j].forks;
	if (i == p->root || g->kernel || !forks)
		return false;
	return (forks > g->forks && g->execs > 0.5 * g->tasks) ||
	       life < 0.5 * p->duration_ns;
}

/*
 * Whose bursts are the units of work: where there is an end, of those with the
 * most run time; else of those that are woken most, as work comes to them.
 */
static bool is_rather_main(const struct profile *p, size_t i)
{
	const struct profile_group *g = &p->g[i];

	if (g->kernel)
		return false;
	if (p->main == p->n)
		return true;
	return !p->finite && g->wakeups > p->g[p->main].wakeups;
}

static void find_roots(struct profile *p)
{
	p->main = p->root = p->n;
	for (size_t i = 0; i < p->n; i++) {
		if (!p->g[i].kept)
			continue;
		if (is_rather_main(p, i))
			p->main = i;
		if (p->finite && p->g[i].forks > 0 &&
		    (p->root == p->n || p->g[i].forks > p->g[p->root].forks))
			p->root = i;
	}
	/* A program whose threads do the work is no starter of jobs. */
	if (p->root < p->n && p->root == p->main)
		p->root = p->n;
}

static void find_passing(struct profile *p)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		p->g[i].passing = p->g[i].kept && passes(p, i);
		any |= p->g[i].passing;
	}
	if (!any)
		p->root = p->n;
}

static void keep_groups(struct profile *p)
{
	double wakeups = 0, left = 0;
	size_t dropped = 0;

	for (size_t i = 0; i < p->n; i++)
		wakeups += p->g[i].wakeups;
	for (size_t i = 0; i < p->n; i++) {
		struct profile_group *g = &p->g[i];

		g->kept = g->run_ns >= MIN_RUN * p->run_ns ||
			  (g->run_ns > 0 &&
			   g->wakeups >= MIN_WAKEUPS * wakeups) ||
			  (p->finite && g->run_ns > 0 && g->forks > 0);
		if (g->kept)
			continue;
		left += g->run_ns;
		dropped++;
	}
	if (dropped)
		load_note(
			p->l,
			"%zu groups with %.2f %% of the run time are left out",
			dropped, p->run_ns > 0 ? 100 * left / p->run_ns : 0);
}

int profile_read(struct profile *p, const struct json *body)
{
	const char *scope = json_as_string(json_get(body, "scope"), "");
	const char *goal = json_as_string(json_get(body, "goal"), "");
	int rc = 0;

	p->body = body;
	p->duration_ns = micros(body, "duration_us");
	p->cpus = (uint32_t)fmin(
		fmax(number(json_get(body, "system"), "cpus"), 1),
		LOAD_MAX_CPUS);
	p->finite = !strcmp(scope, "command") && !strcmp(goal, "makespan");
	if (p->duration_ns < 1)
		return err_set(EINVAL, "the profile has no duration_us");
	if (json_type(json_get(body, "groups")) != JSON_ARRAY)
		return err_set(EINVAL, "the profile has no groups");
	json_each (v, json_get(body, "groups")) {
		if (p->n == PROFILE_MAX_GROUPS)
			break;
		rc = read_group(p, v);
		if (rc)
			return rc;
	}
	if (p->run_ns <= 0)
		return err_set(EINVAL, "nothing ran while it was observed");
	keep_groups(p);
	find_roots(p);
	read_identities(p);
	find_passing(p);
	for (size_t i = 0; i < p->n; i++) {
		if (p->g[i].kept)
			read_wakers(p, i);
	}
	sort_wakeups(p);
	for (size_t i = 0; i < p->n; i++) {
		find_naps(&p->g[i]);
		if (p->g[i].kept)
			find_lock(p, &p->g[i]);
	}
	return 0;
}

/* As policies are given them: what one execution took. */
static struct json *expectations(const struct json *body)
{
	struct json *list = json_array(), *row;

	json_each (v, json_get(body, "identities")) {
		double execs = fmax(number(v, "execs"), 1);

		row = json_add(list, json_object());
		json_set_string(row, "hash",
				json_as_string(json_get(v, "hash"), ""));
		json_set_number(row, "expect_us",
				floor(number(v, "run_us") / execs));
	}
	return list;
}

/* The program whose threads most of the run time went to; NULL: none. */
static const struct json *program_of(const struct profile *p)
{
	const struct json *found = NULL;
	double most = 0.5e-3 * p->run_ns;

	json_each (v, json_get(p->body, "identities")) {
		if (number(v, "run_us") <= most || number(v, "execs") > 1)
			continue;
		most = number(v, "run_us");
		found = v;
	}
	return found;
}

/* Forks the threads that begin by waiting, or the others. */
static size_t fork_threads(struct profile *p, uint32_t program, bool waiting)
{
	size_t forked = 0;

	for (uint32_t i = 0; i < program; i++) {
		struct load_task *thread = &p->l->tasks[i];
		size_t top = p->l->tasks[program].op_count;
		uint32_t instances = thread->instances;

		if (!instances || thread->identity || thread->kernel ||
		    (thread->ops[0].what == LOAD_WAIT) != waiting)
			continue;
		thread->instances = 0;
		load_op_obj(p->l, program, LOAD_FORK, i);
		if (instances > 1)
			load_op_loop(p->l, program, top, (int32_t)instances);
		forked += instances;
	}
	return forked;
}

/*
 * Threads are forked by what was executed, and a policy may let them inherit
 * what it knows of that.  Those that wait are there first: else the others
 * would find nobody to hand anything to.
 */
static void add_program(struct profile *p)
{
	const struct json *program = program_of(p);
	const char *hash;
	uint32_t t;

	if (!program || p->main == p->n)
		return;
	t = load_add_task(p->l, json_as_string(json_get(program, "name"), ""),
			  p->g[p->main].group);
	hash = json_as_string(json_get(program, "hash"), "");
	load_add_op(p->l, t, LOAD_EXEC)->id = strtoull(hash, NULL, 16);
	if (fork_threads(p, t, true))
		load_op_ns(p->l, t, LOAD_SLEEP, SETTLE_NS);
	fork_threads(p, t, false);
	load_add_op(p->l, t, LOAD_EXIT);
	p->l->tasks[t].instances = 1;
}

static void build(struct profile *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct profile_group *g = &p->g[i];

		if (!g->kept)
			continue;
		g->group = load_add_group(p->l, g->name);
		g->metric = load_add_metric(p->l, g->name);
		g->turn = load_add_sem(p->l, 0, false);
		g->open = load_add_sem(p->l, 0, false);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (p->g[i].kept && !p->g[i].passing && i != p->root)
			profile_add_lasting(p, &p->g[i]);
	}
	if (p->root == p->n)
		add_program(p);
	profile_add_passing(p);
	p->l->cpus = p->cpus;
	p->l->identities = expectations(p->body);
	if (json_get(p->body, "costs"))
		p->l->costs = json_copy(json_get(p->body, "costs"));
	if (!p->finite)
		p->l->duration_ns = load_ns(p->duration_ns);
	load_note(p->l, "bursts and sleeps follow the recorded distributions, "
			"in no particular order");
}

int load_from_profile(const struct json *body, struct load **out)
{
	struct profile *p = mem_zalloc(1, sizeof(*p));
	const char *name =
		json_as_string(json_path(body, "workload.name"), "profile");
	int rc;

	*out = NULL;
	p->l = load_new(name);
	rc = profile_read(p, body);
	if (!rc) {
		p->request = load_add_metric(p->l, "request");
		build(p);
		rc = load_check(p->l);
	}
	if (rc)
		load_free(p->l);
	else
		*out = p->l;
	free(p);
	return rc ? err_prefix(rc, "profile") : 0;
}
