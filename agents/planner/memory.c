/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/planner/state.h"
#include "base/mem.h"
#include "stats/sample.h"

#define ALIKE	  0.1  /* numbers that differ less are one idea */
#define SINGLE_SD 0.15 /* of a figure from one pair of runs */
#define USUAL	  0.3  /* how far effects of policies lie from none */
#define ELSEWHERE                                                             \
	0.05		  /* two workloads differ by that, a distance of 1 by \
			   * twice as much */
#define BAD	   (-0.7) /* what a point that broke counts as */
#define SLOW_LEAST 3	  /* lessons, to speak of a system in it */
#define SLOW_MIN   0.03

static double num(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), NAN);
}

/* ---- which lessons count ---------------------------------------------- */

static bool is_tagged(const struct doc *d, const char *tag)
{
	json_each (t, json_get(d->body, "tags"))
		if (!strcmp(json_as_string(t, ""), tag))
			return true;
	return false;
}

/* {lesson: whether it was taken back}, by the notes of the stream. */
static struct json *read_reverted(const struct stream *s)
{
	struct json *out = json_object();

	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);

		if (strcmp(d->kind, "note"))
			continue;
		if (is_tagged(d, "reverted"))
			json_set_bool(out, json_text_at(d->body, "about"),
				      true);
		else if (is_tagged(d, "restored"))
			json_set_bool(out, json_text_at(d->body, "about"),
				      false);
	}
	return out;
}

/* From the interval; what one pair says has none. */
static double deviation(const struct json *lesson)
{
	double lo = num(lesson, "measured.ci95.0");
	double hi = num(lesson, "measured.ci95.1");
	double pairs = num(lesson, "measured.pairs");

	if (lo > 0 && hi > lo && pairs > 2)
		return (log(hi) - log(lo)) / (2 * 1.96);
	return pairs > 0 ? SINGLE_SD / sqrt(pairs) : SINGLE_SD;
}

static void read_point(const struct doc *lesson, double distance, bool own,
		       struct memory *m)
{
	const struct json *tried = json_get(lesson->body, "tried");
	const char *outcome = json_text_at(lesson->body, "outcome");
	double ratio = num(lesson->body, "measured.ratio");
	struct memory_point p = {
		.lesson = lesson,
		.distance = distance,
		.own = own,
		.better = !strcmp(outcome, "better"),
		.bad = !strcmp(outcome, "worse") || !strcmp(outcome, "unsafe"),
		.sd = INFINITY,
	};

	if (!json_get(tried, "params") ||
	    policy_params_read(tried, &p.params) < 0)
		return;
	policy_params_normalise(&p.params);
	if (ratio > 0) {
		p.mean = log(ratio);
		p.sd = deviation(lesson->body);
	}
	m->v = mem_realloc(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = p;
}

static double nearness(double distance)
{
	return exp(-distance / LEARNER_NEAR);
}

static void credit(const struct json *lesson, double distance, struct memory *m)
{
	const char *source = json_text_at(lesson, "tried.source");
	bool better = !strcmp(json_text_at(lesson, "outcome"), "better");

	for (size_t i = 0; i < SOURCE_COUNT; i++)
		if (!strcmp(source_names[i], source))
			(better ? m->won : m->lost)[i] += nearness(distance);
}

/* ---- what they say together ------------------------------------------- */

/* By how much the kernel's own scheduler took longer than foretold. */
static void read_slowness(const struct doc *const *docs, size_t n,
			  struct memory *m)
{
	double *x = mem_zalloc(n ? n : 1, sizeof(*x));
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct json *b = docs[i]->body;
		double was = num(b, "measured.baseline");
		double foretold = num(b, "predicted.baseline");

		if (!strcmp(json_text_at(b, "measured.metric"), "wall") &&
		    !strcmp(json_text_at(b, "predicted.metric"), "wall") &&
		    was > 0 && foretold > 0)
			x[found++] = log(was / foretold);
	}
	m->slowness = 1;
	if (found >= SLOW_LEAST && fabs(sample_median(x, found)) > SLOW_MIN)
		m->slowness = exp(sample_median(x, found));
	free(x);
}

static void read_lesson(const struct doc *d, const struct doc *profile,
			double distance, struct memory *m)
{
	bool own = !strcmp(json_text_at(d->body, "profile"), profile->id);

	if (own)
		distance = 0;
	m->lessons++;
	credit(d->body, distance, m);
	if (own && !strcmp(json_text_at(d->body, "outcome"), "better"))
		m->best = fmax(m->best, log(num(d->body, "measured.ratio")));
	read_point(d, distance, own, m);
}

void memory_read(const struct stream *s, const struct doc *profile,
		 struct memory *m)
{
	struct json *features, *reverted;
	const struct doc **docs;
	size_t n = 0;

	*m = (struct memory){.slowness = 1};
	learner_calibrate(NULL, NULL, 0, &m->calibration);
	if (!s)
		return;
	features = learner_features(profile->body);
	reverted = read_reverted(s);
	docs = mem_zalloc(stream_count(s) + 1, sizeof(*docs));
	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);
		double distance;

		if (strcmp(d->kind, "lesson") || stream_find(s, d->id) != d ||
		    json_as_bool(json_get(reverted, d->id), false))
			continue;
		distance = learner_lesson_distance(d->body, profile->body,
						   features);
		if (distance > LEARNER_FAR)
			continue;
		docs[n++] = d;
		read_lesson(d, profile, distance, m);
	}
	learner_calibrate_docs(docs, n, &m->calibration);
	read_slowness(docs, n, m);
	free(docs);
	json_free(features);
	json_free(reverted);
}

void memory_release(struct memory *m)
{
	free(m->v);
	*m = (struct memory){0};
}

/* ---- points ----------------------------------------------------------- */

static uint32_t value(const struct policy_params *p, size_t i)
{
	return *(const uint32_t *)((const char *)p +
				   policy_param_table[i].offset);
}

bool memory_same(const struct policy_params *a, const struct policy_params *b)
{
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *row = &policy_param_table[i];
		double x = value(a, i), y = value(b, i);

		if (!strcmp(row->axis, "safety"))
			continue;
		if (row->kind == PARAM_NUMBER ? fabs(x - y) > ALIKE * fmax(x, y)
					      : x != y)
			return false;
	}
	return true;
}

bool memory_knows(const struct memory *m, const struct policy_params *p)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].own && memory_same(&m->v[i].params, p))
			return true;
	return false;
}

bool memory_warns(const struct memory *m, const struct policy_params *p)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].own && m->v[i].bad &&
		    memory_same(&m->v[i].params, p))
			return true;
	return false;
}

bool memory_is_near(const struct memory *m, const struct policy_params *p)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].own && m->v[i].better &&
		    m->v[i].distance <= LEARNER_NEAR &&
		    memory_same(&m->v[i].params, p))
			return true;
	return false;
}

bool memory_evidence(const struct memory *m, const struct policy_params *p,
		     double *mean, double *sd)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct memory_point *x = &m->v[i];
		double apart = ELSEWHERE * (1 + x->distance), w;

		if (x->own || !isfinite(x->sd) || !memory_same(&x->params, p))
			continue;
		w = 1 / (x->sd * x->sd + apart * apart);
		sum += w * x->mean;
		weights += w;
	}
	if (weights <= 0)
		return false;
	*mean = sum / weights;
	*sd = sqrt(1 / weights);
	return true;
}

void memory_tell(const struct memory *m, struct optimiser *o)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct memory_point *p = &m->v[i];
		double worth = p->bad ? fmin(p->mean, 0) + BAD : p->mean;

		if (p->bad || isfinite(p->sd))
			optimiser_tell(o, &p->params, worth,
				       nearness(p->distance));
	}
}

/* ---- proposals -------------------------------------------------------- */

/* What is left of it here: a figure of few runs, and one from far away, says
 * less than it seems to. */
static double expected(const struct memory_point *p)
{
	double sure = USUAL * USUAL / (USUAL * USUAL + p->sd * p->sd);

	return p->mean * sure * nearness(p->distance);
}

static bool usable(const struct memory_point *p, const struct features *f)
{
	return p->better && !p->own && isfinite(p->sd) &&
	       (p->params.classify != CLASSIFY_IDENTITY ||
		f->identity_count > 0);
}

static int by_expected(const void *a, const void *b)
{
	const struct memory_point *x = *(const struct memory_point *const *)a;
	const struct memory_point *y = *(const struct memory_point *const *)b;
	double d = expected(y) - expected(x);

	if (d != 0)
		return d > 0 ? 1 : -1;
	return strcmp(x->lesson->id, y->lesson->id);
}

static void propose(const struct memory_point *p, const struct features *f,
		    struct proposal *out)
{
	const char *title = json_text_at(p->lesson->body, "tried.title");
	uint32_t twice = (uint32_t)fmin(2 * f->longest_us, 20000000);

	*out = (struct proposal){.title = title,
				 .source = SOURCE_NEIGHBOUR,
				 .from = p->lesson->id,
				 .params = p->params};
	/* Jobs may be longer here: rescuing those that wait must not hold up
	 * the longest (agents/planner/rules.c). */
	if (p->params.classify == CLASSIFY_IDENTITY && p->params.starve_us &&
	    p->params.starve_us < 0.8 * twice)
		out->params.starve_us = twice;
	snprintf(out->why, sizeof(out->why),
		 "%.2f times as good as EEVDF on a workload like this one, "
		 "%.1f away",
		 exp(p->mean), p->distance);
}

size_t memory_propose(const struct memory *m, const struct features *f,
		      struct proposal *out, size_t max)
{
	const struct memory_point **all =
		mem_zalloc(m->n ? m->n : 1, sizeof(*all));
	size_t n = 0, found = 0, k;

	for (size_t i = 0; i < m->n; i++)
		if (usable(&m->v[i], f))
			all[n++] = &m->v[i];
	if (n)
		qsort(all, n, sizeof(*all), by_expected);
	for (size_t i = 0; i < n && found < max; i++) {
		for (k = 0; k < found; k++)
			if (memory_same(&out[k].params, &all[i]->params))
				break;
		if (k == found)
			propose(all[i], f, &out[found++]);
	}
	free(all);
	return found;
}
