/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner/search.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/simulator/hostile.h"
#include "agents/simulator/simulate.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/knobs.h"
#include "policy/object.h"

#define ROUNDS	    4
#define MAX_SEEDS   8
#define GUARD_SLACK 0.1 /* a tenth worse costs nothing */
#define LIMIT_NS    60000000000ull
#define MAX_EVENTS  5000000ull
#define ALIKE	    0.005 /* half a percent */
#define HOPELESS    (-1e9)
#define SPARED	    4 /* room for what protect() spares */
/* What the simulator says beside one measurement, and of all it says. */
#define SIM_WEIGHT     0.1
#define SIM_WEIGHT_ALL 3.0
#define WORST	       (-1.0) /* for the optimiser */
/* Costs are not believed to be further off; and where they hardly matter,
 * they are not why the kernel took longer. */
#define MAX_SCALE 4.0
#define MATTERS	  0.005

struct search {
	const struct json *profile, *identities;
	const struct features *f;
	struct search_opts o;
	struct search_result r;
	struct load *load;
	struct sim_opts sim;
	struct sim_policy *policy; /* set anew for every point */
	struct json *base;	   /* EEVDF's metrics */
	/* The living, best first after a round. */
	struct search_point *points;
	size_t count;
	struct rng rng;
};

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* ---- one point -------------------------------------------------------- */

static struct json *body_of(const struct search *s, const struct proposal *p)
{
	struct json *body = json_object();

	json_set_string(body, "form", p->knobs ? "knobs" : "params");
	if (p->knobs) {
		json_set(body, "knobs", json_copy(p->knobs));
		return body;
	}
	json_set(body, "params", policy_params_json(&p->params));
	if (p->params.classify == CLASSIFY_IDENTITY && s->identities)
		json_set(body, "identities", json_copy(s->identities));
	return body;
}

/* The goal's gain, less what others lose beyond the slack, as logarithms. */
static double score_of(const struct search *s, const struct json *metrics,
		       double ratio)
{
	static const char *const guards[] = {"wall", "request_rate",
					     "request_p99"};
	double score = log(ratio);

	/* In a batch somebody has to be last. */
	if (s->f->bound == BOUND_MAKESPAN)
		return score;
	for (size_t i = 0; i < ARRAY_LEN(guards); i++) {
		double other = simulate_ratio(s->base, metrics, guards[i]);

		if (other > 0 && log(other) < -GUARD_SLACK)
			score += 0.5 * (log(other) + GUARD_SLACK);
	}
	return score;
}

static void judge(struct search *s, struct search_point *p,
		  const struct simulated *m)
{
	p->seeds = m->runs;
	p->ratio = simulate_ratio(s->base, m->metrics, s->r.metric);
	p->score = HOPELESS;
	if (m->result.outcome == SIM_DONE && !simulate_has_defect(&m->result) &&
	    p->ratio > 0)
		p->score = score_of(s, m->metrics, p->ratio);
}

/* The kernel's own scheduler on a load that the knobs are set on. */
static int run_knobs(struct search *s, const struct json *body, size_t seeds,
		     struct simulated *m)
{
	struct load *l = NULL;
	struct knobs k;
	int rc = knobs_read(body, &k);

	if (!rc)
		rc = load_from_profile(s->profile, &l);
	if (!rc)
		rc = load_set_knobs(l, &k, s->sim.machine.cpus);
	if (!rc)
		rc = simulate(&s->sim, NULL, l, seeds, m);
	load_free(l);
	return rc;
}

static int run_params(struct search *s, const struct json *body, size_t seeds,
		      struct simulated *m)
{
	int rc = sim_policy_set(s->policy, body);

	return rc ? rc : simulate(&s->sim, s->policy, s->load, seeds, m);
}

static int try_point(struct search *s, struct search_point *p, size_t seeds)
{
	struct json *body = body_of(s, &p->p);
	struct simulated m;
	int rc = p->p.knobs ? run_knobs(s, body, seeds, &m)
			    : run_params(s, body, seeds, &m);

	if (!rc) {
		judge(s, p, &m);
		s->r.runs += (long)m.runs;
		s->r.events += m.events;
		simulated_release(&m);
	}
	json_free(body);
	return rc;
}

/* ---- rounds ----------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
	const struct search_point *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	/* A total order, whatever qsort() does with equals. */
	if (x->p.knobs)
		return (x->number > y->number) - (x->number < y->number);
	return memcmp(&x->p.params, &y->p.params, sizeof(x->p.params));
}

/* What a run that was cut short says of its point is nothing. */
static int check_cancel(const struct search *s)
{
	if (s->o.cancel && *s->o.cancel)
		return err_set(EINTR, "interrupted");
	return 0;
}

static int try_all(struct search *s, size_t seeds)
{
	int rc = check_cancel(s);
	double best = 0;

	for (size_t i = 0; i < s->count && !rc; i++) {
		struct search_point *p = &s->points[i];

		if (p->seeds < seeds)
			rc = try_point(s, p, seeds);
		if (p->score > HOPELESS && p->ratio > best)
			best = p->ratio;
		if (s->o.progress)
			s->o.progress(s->o.progress_arg, s->r.runs, s->o.runs,
				      best);
		if (!rc)
			rc = check_cancel(s);
	}
	qsort(s->points, s->count, sizeof(*s->points), by_score);
	return rc;
}

static bool is_among(const struct search_point *points, size_t n,
		     const struct policy_params *p)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&points[i].p.params, p, sizeof(*p)))
			return true;
	return false;
}

static bool step(struct search *s, size_t survivors, struct proposal *next)
{
	size_t a = rng_below(&s->rng, survivors);
	size_t b = rng_below(&s->rng, survivors);

	return rules_step(s->f, &s->rng, &s->points[a < b ? a : b].p, next);
}

static bool ask(struct search *s, struct proposal *next)
{
	*next = (struct proposal){.title = "an optimiser's point",
				  .source = SOURCE_OPTIMISER};
	optimiser_ask(s->o.optimiser, &s->rng, &next->params);
	snprintf(next->why, sizeof(next->why),
		 "likelier among what did well than among the rest");
	return next->params.classify != CLASSIFY_IDENTITY ||
	       s->f->identity_count > 0;
}

/* Steps away from the survivors, the better ones more often, and in turn what
 * the optimiser asks for. */
static void breed(struct search *s, size_t survivors, size_t want)
{
	if (!s->o.optimiser || !survivors)
		return;
	for (size_t tries = 0; s->count < want && tries < 50 * want; tries++) {
		struct search_point *next = &s->points[s->count];

		*next = (struct search_point){0};
		if (!(tries % 2 ? ask(s, &next->p)
				: step(s, survivors, &next->p)) ||
		    is_among(s->points, s->count, &next->p.params))
			continue;
		s->count++;
		s->r.tried++;
	}
}

static void tell(struct search *s)
{
	double weight = fmin(SIM_WEIGHT, SIM_WEIGHT_ALL / (double)s->count);

	for (size_t i = 0; s->o.optimiser && i < s->count; i++)
		optimiser_tell(s->o.optimiser, &s->points[i].p.params,
			       fmax(s->points[i].score, WORST), weight);
}

static void swap(struct search_point *a, struct search_point *b)
{
	struct search_point t = *a;

	*a = *b;
	*b = t;
}

/* The best of each source, and what is kept whatever its rank, are among those
 * that go on: in the stead of the last that are neither. */
static void protect(struct search *s, size_t keep)
{
	bool has[SOURCE_COUNT] = {false};
	bool *spared = mem_zalloc(s->count, sizeof(*spared));
	size_t last = keep;

	for (size_t i = 0; i < s->count; i++) {
		const struct search_point *p = &s->points[i];

		spared[i] =
			p->kept || (!has[p->p.source] && p->score > HOPELESS);
		has[p->p.source] = true;
	}
	for (size_t i = keep; i < s->count; i++) {
		if (!spared[i])
			continue;
		while (last > 0 && spared[last - 1])
			last--;
		if (last > 0)
			swap(&s->points[--last], &s->points[i]);
	}
	free(spared);
}

static void drop(struct search *s, size_t keep)
{
	if (keep >= s->count)
		return;
	protect(s, keep);
	s->count = keep;
	qsort(s->points, s->count, sizeof(*s->points), by_score);
}

/* Every round has half the points of the one before, on twice the seeds. */
static int halve(struct search *s, size_t n)
{
	size_t width = s->count, seeds = 1;
	int rc = 0;

	for (int round = 0; round < ROUNDS && !rc; round++) {
		rc = try_all(s, seeds);
		if (rc || round == ROUNDS - 1)
			break;
		tell(s);
		width = most(width / 2, 2 * n);
		drop(s, most(width / 2, most(n, SPARED)));
		breed(s, s->count, width);
		if (seeds < MAX_SEEDS)
			seeds *= 2;
	}
	return rc;
}

/* ---- those that go on ------------------------------------------------- */

static bool alike(const struct search_point *a, const struct search_point *b)
{
	return fabs(a->score - b->score) < ALIKE;
}

/* What the simulator cannot tell apart is represented by one: a lesson's or a
 * rule's own word rather than a step away from it. */
static size_t represent(const struct search *s, size_t i)
{
	size_t best = i;

	for (size_t j = i; j < s->count && alike(&s->points[i], &s->points[j]);
	     j++)
		if (s->points[best].p.source == SOURCE_OPTIMISER &&
		    s->points[j].p.source != SOURCE_OPTIMISER)
			best = j;
	return best;
}

static void mark_likes(struct search *s)
{
	size_t i = 0, end;

	while (i < s->count) {
		size_t chosen = represent(s, i);

		for (end = i;
		     end < s->count && alike(&s->points[i], &s->points[end]);)
			s->points[end++].like = true;
		s->points[chosen].like = false;
		i = end;
	}
}

bool search_survives(struct search *s, const struct proposal *p)
{
	struct json *body = body_of(s, p);
	struct hostile h;
	bool ok;

	hostile_init(&h, s->policy, body, s->o.seed, s->o.cancel);
	ok = !sim_policy_set(s->policy, body) && hostile_survives(&h);
	json_free(body);
	return ok;
}

/* ---- the baseline ----------------------------------------------------- */

/* The metric of the model that stands for the profile's goal. */
static const char *goal_of(const struct search *s)
{
	const char *name = bound_metrics[s->f->bound];

	/* Nothing of the kind is counted in this one. */
	if (simulate_ratio(s->base, s->base, name) <= 0)
		name = "wall";
	return name;
}

static int open_template(struct search *s)
{
	char *path = policy_object_path(NULL);
	int rc = sim_policy_open(path, NULL, 0, &s->policy);

	free(path);
	return rc;
}

static double value_of(const struct json *metrics, const char *name)
{
	json_each (m, metrics)
		if (!strcmp(json_text_at(m, "name"), name))
			return json_as_number(json_get(m, "value"), 0);
	return 0;
}

/* EEVDF's metrics with the costs as they are; the caller's. */
static int run_base(struct search *s, struct json **out)
{
	struct simulated base;
	int rc = simulate(&s->sim, NULL, s->load, MAX_SEEDS, &base);

	if (rc)
		return rc;
	*out = base.metrics;
	base.metrics = NULL;
	simulated_release(&base);
	return 0;
}

/* ---- what things cost ------------------------------------------------- */

static void scale_costs(struct sim_costs *c, double k)
{
	uint64_t *const at[] = {
		&c->switch_ns,	     &c->idle_switch_ns, &c->wake_ns,
		&c->wake_remote_ns,  &c->migrate_ns,	 &c->migrate_llc_ns,
		&c->migrate_node_ns, &c->fork_ns,	 &c->exec_ns,
		&c->exit_ns,	     &c->tick_ns,
	};

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		*at[i] = (uint64_t)((double)*at[i] * k);
}

/* By how much, if the time goes with the costs in a straight line. */
static int find_scale(struct search *s, double *scale)
{
	const struct sim_costs recorded = s->sim.costs;
	double once = value_of(s->base, "wall"), slope;
	struct json *twice;
	int rc;

	*scale = 1;
	scale_costs(&s->sim.costs, 2);
	rc = run_base(s, &twice);
	s->sim.costs = recorded;
	if (rc)
		return rc;
	slope = value_of(twice, "wall") - once;
	json_free(twice);
	if (once > 0 && slope > MATTERS * once)
		*scale = 1 + (s->o.slowness - 1) * once / slope;
	*scale = fmin(fmax(*scale, 1 / MAX_SCALE), MAX_SCALE);
	return 0;
}

static int correct_costs(struct search *s)
{
	int rc;

	s->r.cost_scale = 1;
	if (s->o.slowness <= 0 || s->o.slowness == 1)
		return 0;
	rc = find_scale(s, &s->r.cost_scale);
	if (rc || s->r.cost_scale == 1)
		return rc;
	scale_costs(&s->sim.costs, s->r.cost_scale);
	json_free(s->base);
	s->base = NULL;
	return run_base(s, &s->base);
}

/* ---- opening and closing ---------------------------------------------- */

static int begin(struct search *s)
{
	int rc = load_from_profile(s->profile, &s->load);

	if (!rc)
		rc = open_template(s);
	if (rc)
		return rc;
	s->sim = (struct sim_opts){.seed = s->o.seed,
				   .limit_ns = LIMIT_NS,
				   .max_events = MAX_EVENTS,
				   .cancel = s->o.cancel};
	simulate_machine(s->profile, &s->sim.machine);
	simulate_costs(s->load, &s->sim.costs);
	rc = run_base(s, &s->base);
	if (rc)
		return rc;
	s->r.metric = goal_of(s);
	s->r.baseline = value_of(s->base, s->r.metric);
	return correct_costs(s);
}

int search_open(const struct json *profile, const struct features *f,
		const struct json *identities, const struct search_opts *o,
		struct search **out)
{
	struct search *s = mem_zalloc(1, sizeof(*s));
	int rc;

	s->profile = profile;
	s->identities = identities;
	s->f = f;
	s->o = *o;
	rng_init(&s->rng, o->seed);
	rc = begin(s);
	if (rc) {
		search_close(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

void search_close(struct search *s)
{
	if (!s)
		return;
	json_free(s->base);
	sim_policy_free(s->policy);
	load_free(s->load);
	free(s->points);
	free(s);
}

const struct search_result *search_result(const struct search *s)
{
	return &s->r;
}

/* ---- the whole -------------------------------------------------------- */

/* The runs of all rounds are about 3.5 times those of the first. */
size_t search_width(long runs, size_t n)
{
	return most((size_t)runs * 2 / 7, n);
}

static void take(struct search *s, const struct search_point *first, size_t n,
		 size_t room)
{
	free(s->points);
	/* One more is being made while there is room. */
	s->points = mem_zalloc(room + 1, sizeof(*s->points));
	memcpy(s->points, first, n * sizeof(*first));
	for (size_t i = 0; i < n; i++)
		s->points[i].number = i;
	s->count = n;
	s->r.tried += (long)n;
}

int search_run(struct search *s, const struct search_point *first,
	       size_t n_first, size_t n, struct search_point **out)
{
	int rc;

	/* Later rounds are of twice n at least. */
	take(s, first, n_first, most(n_first, 2 * n));
	rc = halve(s, n);
	if (rc)
		return rc;
	mark_likes(s);
	*out = s->points;
	s->points = NULL;
	return (int)s->count;
}

int search_score(struct search *s, struct search_point *points, size_t n)
{
	size_t seeds = n ? (size_t)s->o.runs / n : 0;
	int rc = check_cancel(s);

	if (seeds < 1)
		seeds = 1;
	if (seeds > MAX_SEEDS)
		seeds = MAX_SEEDS;
	s->r.tried += (long)n;
	for (size_t i = 0; i < n && !rc; i++) {
		rc = try_point(s, &points[i], seeds);
		if (s->o.progress)
			s->o.progress(s->o.progress_arg, s->r.runs, s->o.runs,
				      points[i].ratio);
		if (!rc)
			rc = check_cancel(s);
	}
	return rc;
}
