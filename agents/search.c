/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/search.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/hostile.h"
#include "agents/simulate.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/object.h"

#define ROUNDS	    4
#define MAX_SEEDS   8
#define GUARD_SLACK 0.1 /* a tenth worse costs nothing */
#define LIMIT_NS    60000000000ull
#define MAX_EVENTS  5000000ull
#define ALIKE	    0.005 /* half a percent */
#define HOPELESS    (-1e9)

struct point {
	struct proposal p;
	double ratio, score;
	size_t seeds; /* it was run on */
	bool is_first_rule;
};

struct search {
	const struct json *profile, *identities;
	const struct features *f;
	const struct search_opts *o;
	struct search_result *r;
	struct load *load;
	struct sim_opts sim;
	struct sim_policy *policy; /* set anew for every point */
	struct json *base;	   /* EEVDF's metrics */
	char *goal;
	struct point *points; /* the living, best first after a round */
	size_t count;
	struct rng rng;
};

/* ---- one point -------------------------------------------------------- */

static struct json *body_of(const struct search *s, const struct proposal *p)
{
	struct json *body = json_object();

	json_set_string(body, "form", "params");
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

static void judge(struct search *s, struct point *p, const struct simulated *m)
{
	p->seeds = m->runs;
	p->ratio = simulate_ratio(s->base, m->metrics, s->goal);
	p->score = HOPELESS;
	if (m->result.outcome == SIM_DONE && !simulate_has_defect(&m->result) &&
	    p->ratio > 0)
		p->score = score_of(s, m->metrics, p->ratio);
}

static int try_point(struct search *s, struct point *p, size_t seeds)
{
	struct json *body = body_of(s, &p->p);
	struct simulated m;
	int rc = sim_policy_set(s->policy, body);

	if (!rc)
		rc = simulate(&s->sim, s->policy, s->load, seeds, &m);
	if (!rc) {
		judge(s, p, &m);
		s->r->runs += (long)m.runs;
		s->r->events += m.events;
		simulated_release(&m);
	}
	json_free(body);
	return rc;
}

/* ---- rounds ----------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	/* A total order, whatever qsort() does with equals. */
	return memcmp(&x->p.params, &y->p.params, sizeof(x->p.params));
}

static bool stopped(const struct search *s)
{
	return s->o->cancel && *s->o->cancel;
}

static int try_all(struct search *s, size_t seeds)
{
	double best = 0;
	int rc = 0;

	for (size_t i = 0; i < s->count && !rc; i++) {
		struct point *p = &s->points[i];

		if (stopped(s))
			return err_set(EINTR, "interrupted");
		if (p->seeds < seeds)
			rc = try_point(s, p, seeds);
		if (p->score > HOPELESS && p->ratio > best)
			best = p->ratio;
		if (s->o->progress)
			s->o->progress(s->o->progress_arg, s->r->runs,
				       s->o->runs, best);
	}
	qsort(s->points, s->count, sizeof(*s->points), by_score);
	return rc;
}

static bool is_among(const struct point *points, size_t n,
		     const struct policy_params *p)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&points[i].p.params, p, sizeof(*p)))
			return true;
	return false;
}

/* Steps away from the survivors, the better ones more often. */
static void breed(struct search *s, size_t survivors, size_t want)
{
	for (size_t tries = 0; s->count < want && tries < 50 * want; tries++) {
		size_t a = rng_below(&s->rng, survivors);
		size_t b = rng_below(&s->rng, survivors);
		struct point *next = &s->points[s->count];

		*next = (struct point){0};
		if (!rules_step(s->f, &s->rng, &s->points[a < b ? a : b].p,
				&next->p) ||
		    is_among(s->points, s->count, &next->p.params))
			continue;
		s->count++;
		s->r->tried++;
	}
}

/* The rule's own word is kept to the end, wherever it ranks. */
static void drop(struct search *s, size_t keep)
{
	if (keep >= s->count)
		return;
	for (size_t i = keep; i < s->count; i++)
		if (s->points[i].is_first_rule)
			s->points[keep - 1] = s->points[i];
	s->count = keep;
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
		width = width / 2 > 2 * n ? width / 2 : 2 * n;
		drop(s, width / 2 > n ? width / 2 : n);
		breed(s, s->count, width);
		if (seeds < MAX_SEEDS)
			seeds *= 2;
	}
	return rc;
}

/* ---- the few that go on ----------------------------------------------- */

static bool alike(const struct point *a, const struct point *b)
{
	return fabs(a->score - b->score) < ALIKE;
}

/* What the simulator cannot tell apart is represented by one: a rule's own
 * word rather than a step away from it. */
static size_t represent(const struct search *s, size_t i)
{
	size_t best = i;

	for (size_t j = i; j < s->count && alike(&s->points[i], &s->points[j]);
	     j++)
		if (s->points[best].p.of && !s->points[j].p.of)
			best = j;
	return best;
}

/* The verifier would say no, so a guest need not. */
static bool survives(const struct search *s, const struct point *p)
{
	struct json *body = body_of(s, &p->p);
	struct hostile h;
	bool ok;

	hostile_init(&h, s->policy, body, s->o->seed, s->o->cancel);
	ok = !sim_policy_set(s->policy, body) && hostile_survives(&h);
	json_free(body);
	return ok;
}

static size_t pick(const struct search *s, struct point *out, size_t n)
{
	size_t found = 0, i = 0;

	while (i < s->count && found < n) {
		const struct point *p = &s->points[represent(s, i)];

		if (survives(s, p))
			out[found++] = *p;
		for (size_t first = i;
		     i < s->count && alike(&s->points[first], &s->points[i]);)
			i++;
	}
	/* Fewer are apart than are wanted: their likes, then. */
	for (i = 0; i < s->count && found < n; i++)
		if (!is_among(out, found, &s->points[i].p.params) &&
		    survives(s, &s->points[i]))
			out[found++] = s->points[i];
	return found;
}

/* The first rule's word goes on in any case. */
static void keep_first(const struct search *s, struct point *out, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (out[k].is_first_rule)
			return;
	for (size_t i = 0; i < s->count && n; i++)
		if (s->points[i].is_first_rule)
			out[n - 1] = s->points[i];
}

/* ---- the whole -------------------------------------------------------- */

/* The metric of the model that stands for the profile's goal. */
static char *goal_of(const struct search *s)
{
	const char *name = bound_metrics[s->f->bound];

	/* Nothing of the kind is counted in this one. */
	if (simulate_ratio(s->base, s->base, name) <= 0)
		name = "wall";
	return mem_strdup(name);
}

static int open_template(struct search *s)
{
	char *path = policy_object_path(NULL);
	int rc = sim_policy_open(path, NULL, 0, &s->policy);

	free(path);
	return rc;
}

static int begin(struct search *s)
{
	struct simulated base;
	int rc = load_from_profile(s->profile, &s->load);

	if (!rc)
		rc = open_template(s);
	if (rc)
		return rc;
	s->sim = (struct sim_opts){.seed = s->o->seed,
				   .limit_ns = LIMIT_NS,
				   .max_events = MAX_EVENTS,
				   .cancel = s->o->cancel};
	simulate_machine(s->profile, &s->sim.machine);
	simulate_costs(s->load, &s->sim.costs);
	rc = simulate(&s->sim, NULL, s->load, MAX_SEEDS, &base);
	if (rc)
		return rc;
	s->base = base.metrics;
	base.metrics = NULL;
	simulated_release(&base);
	s->goal = goal_of(s);
	return 0;
}

/* The runs of all rounds are about 3.5 times those of the first. */
static void first_points(struct search *s, size_t n)
{
	size_t want = (size_t)s->o->runs * 2 / 7;
	struct proposal *p;

	if (want < n)
		want = n;
	p = mem_zalloc(want, sizeof(*p));
	/* Later rounds are of twice n at least; one more is being made. */
	s->points = mem_zalloc((want > 2 * n ? want : 2 * n) + 1,
			       sizeof(*s->points));
	s->count = rules_propose(s->f, s->o->seed, p, want);
	for (size_t i = 0; i < s->count; i++)
		s->points[i] =
			(struct point){.p = p[i], .is_first_rule = i == 0};
	s->r->tried = (long)s->count;
	free(p);
}

int search_run(const struct json *profile, const struct features *f,
	       const struct json *identities, const struct search_opts *o,
	       struct proposal *out, struct search_score *scores, size_t n,
	       struct search_result *r)
{
	struct search s = {.profile = profile,
			   .identities = identities,
			   .f = f,
			   .o = o,
			   .r = r};
	struct point *chosen;
	size_t found = 0;
	int rc;

	*r = (struct search_result){0};
	rng_init(&s.rng, o->seed);
	rc = begin(&s);
	if (!rc) {
		first_points(&s, n);
		rc = halve(&s, n);
	}
	chosen = mem_zalloc(n, sizeof(*chosen));
	if (!rc)
		found = pick(&s, chosen, n);
	keep_first(&s, chosen, found);
	for (size_t i = 0; i < found; i++) {
		out[i] = chosen[i].p;
		scores[i] = (struct search_score){
			chosen[i].ratio, chosen[i].score, chosen[i].seeds};
	}
	free(chosen);
	r->metric = s.goal;
	json_free(s.base);
	sim_policy_free(s.policy);
	load_free(s.load);
	free(s.points);
	return rc ? rc : (int)found;
}
